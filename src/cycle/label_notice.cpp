#include "cycle/label_notice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "dagloop/base/label.hpp"

namespace dagloop {
namespace {

std::uint64_t count_in(std::uint64_t runs) { return runs; }
std::uint64_t count_in(const NodePartial& node) { return node.attempts; }
std::uint64_t count_in(const PlanSourcePartial& runs) { return runs.runs; }

// What is told of the labels of one kind.
struct NoticedKind {
  std::string name;  // "error codes"
  std::map<std::string, std::uint64_t> with_ids = {};
  std::set<std::string> different = {};  // no more than tell that there are too many

  template <typename Counts>
  void add(const std::map<std::string, Counts>& by_label) {
    for (const auto& [label, counts] : by_label) {
      if (label.find(kIdMark) != std::string::npos) with_ids[label] += count_in(counts);
      if (!has_others()) different.insert(label);
    }
  }

  // In the sum of all: a part may have few.
  bool has_others() const {
    return different.size() > kMostLabels || different.contains(std::string(kOtherLabel));
  }

  // The commonest; of equal ones the first.
  const std::string& example() const {
    const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
    return std::ranges::max_element(with_ids, by_count)->first;
  }
};

class NoticingSource final : public LogSource {
 public:
  NoticingSource(std::unique_ptr<LogSource> inner, std::function<void(const std::string&)> warn)
      : inner_(std::move(inner)), warn_(std::move(warn)) {}

  PartialSet read(const LogQuery& query) override {
    PartialSet set = inner_->read(query);
    const std::string notice = is_told_ ? "" : label_notice(set);
    if (!notice.empty()) warn_(notice);
    is_told_ = is_told_ || !notice.empty();
    return set;
  }
  CutCost cut_cost() const override { return inner_->cut_cost(); }
  std::string describe() const override { return inner_->describe(); }

 private:
  std::unique_ptr<LogSource> inner_;
  std::function<void(const std::string&)> warn_;
  bool is_told_ = false;
};

}  // namespace

std::string label_notice(const PartialSet& set) {
  std::vector<NoticedKind> kinds{{"error codes"}, {"nodes"}, {"plan sources"}, {"pipelines"}};
  for (const auto& [key, partial] : set.partials) {
    auto codes = partial.error_codes;
    for (const std::string& named : partial.named_codes) codes.erase(named);
    kinds[0].add(codes);
    kinds[1].add(partial.nodes);
    kinds[2].add(partial.plan_sources);
    kinds[3].add(partial.pipelines);
  }
  std::string folded;
  std::string others;
  for (const NoticedKind& kind : kinds) {
    const auto join = [](const std::string& list) { return list.empty() ? "" : ", "; };
    if (!kind.with_ids.empty()) {
      folded += fmt::format("{}{} as \"{}\"", join(folded), kind.name, kind.example());
    }
    if (kind.has_others()) others += join(others) + kind.name;
  }
  std::string notice;
  if (!folded.empty()) {
    notice = "labels with ids in them are counted without these: " + folded +
             "; write an id into a field of its own";
  }
  if (!others.empty()) {
    notice += fmt::format(
        "{}there are more than {} different {}: the others are counted together, as \"{}\"",
        notice.empty() ? "" : "; ", kMostLabels, others, kOtherLabel);
  }
  return notice;
}

std::unique_ptr<LogSource> with_label_notice(std::unique_ptr<LogSource> inner,
                                             std::function<void(const std::string&)> warn) {
  if (!warn) return inner;
  return std::make_unique<NoticingSource>(std::move(inner), std::move(warn));
}

}  // namespace dagloop
