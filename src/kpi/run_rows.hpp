// Private to the kpi layer: how a run table keeps records. What repeats is kept once, in pools, so
// that a run takes 48 bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "code_pool.hpp"
#include "dagloop/base/label.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/record.hpp"

namespace dagloop {

/// Texts by number; 0 is the empty text. What looks like a secret is known, but kept masked.
class StringPool {
 public:
  StringPool() { find_or_add(""); }

  /// Returns the number of `text`, new or known.
  std::uint32_t intern(std::string_view text) {
    if (text.empty()) return 0;
    std::uint32_t& recent =
        recent_[(text.size() + static_cast<unsigned char>(text.front())) % kRecent];
    if (recent == 0 || *texts_[recent] != text) recent = find_or_add(text);
    return recent;
  }

  /// Returns the text of a number that intern() gave.
  const std::string& text(std::uint32_t number) const { return *texts_[number]; }
  /// Returns how many texts there are.
  std::size_t size() const { return texts_.size(); }

  /// Finds the labels of all texts. Order: after the last intern().
  void find_labels() {
    labels_ = texts_;
    for (const std::string*& text : labels_) {
      FoldedText folded = fold_ids(*text, LabelKind::name);
      if (folded.has_ids()) text = &*folded_.insert(std::move(folded.text)).first;
    }
  }
  /// Returns the text as it is counted: two texts may have one label. Order: after find_labels().
  const std::string& label(std::uint32_t number) const { return *labels_[number]; }

 private:
  static constexpr std::size_t kRecent = 16;
  std::uint32_t find_or_add(std::string_view text) {
    const auto known = numbers_.find(text);
    if (known != numbers_.end()) return known->second;
    const std::string label = redact_label(text);
    const auto [place, is_new] =
        numbers_.try_emplace(label, static_cast<std::uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(&place->first);
    const std::uint32_t number = place->second;
    if (label != text) numbers_.emplace(text, number);
    return number;
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<const std::string*> texts_;        // the map's keys stay where they are
  std::vector<const std::string*> labels_;       // of texts_
  std::unordered_set<std::string> folded_;       // those that are no texts
  std::array<std::uint32_t, kRecent> recent_{};  // texts repeat: most are found here
};

/// Fan-out counts of a record, and what it cost.
struct Fanout {
  std::uint64_t total = 0;
  std::uint64_t failed = 0;
  std::uint64_t tokens = 0;  // in and out
  std::uint64_t cost_micros = 0;
  bool has_tokens = false;
  bool has_cost = false;

  void add(const Fanout& other) {
    total += other.total;
    failed += other.failed;
    tokens += other.tokens;
    cost_micros += other.cost_micros;
    has_tokens = has_tokens || other.has_tokens;
    has_cost = has_cost || other.has_cost;
  }
  auto operator<=>(const Fanout&) const = default;
};

/// Fan-out counts by number; 0 is none.
class FanoutPool {
 public:
  /// Returns the number of `fanout`, new or known.
  std::uint32_t intern(const Fanout& fanout) {
    if (fanout == fanouts_[recent_]) return recent_;
    const auto [known, is_new] =
        numbers_.try_emplace(fanout, static_cast<std::uint32_t>(fanouts_.size()));
    if (is_new) fanouts_.push_back(fanout);
    return recent_ = known->second;
  }

  /// Returns the counts of a number that intern() gave.
  const Fanout& fanout(std::uint32_t number) const { return fanouts_[number]; }
  /// Returns how many there are.
  std::size_t size() const { return fanouts_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const Fanout& fanout) const {
      std::uint64_t hash = fanout.total;
      for (const std::uint64_t next : {fanout.failed, fanout.tokens, fanout.cost_micros}) {
        hash = (hash ^ (hash >> 29U)) * 0x9e3779b97f4a7c15ULL + next;
      }
      return std::hash<std::uint64_t>()(hash);
    }
  };
  std::unordered_map<Fanout, std::uint32_t, Hash> numbers_{{Fanout{}, 0}};
  std::vector<Fanout> fanouts_{Fanout{}};
  std::uint32_t recent_ = 0;
};

/// Where a record comes from: two texts.
struct Origin {
  std::uint32_t plan_source = 0;
  std::uint32_t pipeline = 0;
  auto operator<=>(const Origin&) const = default;
};

/// Origins by number; 0 is that without texts.
class OriginPool {
 public:
  /// Returns the number of `origin`, new or known.
  std::uint32_t intern(const Origin& origin) {
    std::uint32_t& recent = recent_[(origin.plan_source + 5 * origin.pipeline) % kRecent];
    if (origins_[recent] == origin) return recent;
    const std::uint64_t key = std::uint64_t{origin.plan_source} << 32U | origin.pipeline;
    const auto [known, is_new] =
        numbers_.try_emplace(key, static_cast<std::uint32_t>(origins_.size()));
    if (is_new) origins_.push_back(origin);
    return recent = known->second;
  }

  /// Returns the origin of a number that intern() gave.
  const Origin& origin(std::uint32_t number) const { return origins_[number]; }
  /// Returns how many there are.
  std::size_t size() const { return origins_.size(); }

 private:
  static constexpr std::size_t kRecent = 16;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_{{0, 0}};
  std::vector<Origin> origins_{Origin{}};
  std::array<std::uint32_t, kRecent> recent_{};  // origins repeat, as texts do
};

/// What the rows of one table refer to.
struct Pools {
  /// Shape: `classes` stays where it is.
  explicit Pools(const ErrorClasses& classes) : codes(classes) {}

  StringPool texts;
  CodePool codes;
  FanoutPool fanouts;
  OriginPool origins;
};

/// 128 bits that stand for a run key or a line.
using Hash128 = RunKey;

/// The mark of a run without records.
inline constexpr std::uint64_t kNoUser = ~std::uint64_t{0};

/// No duration in the record.
inline constexpr double kNoDuration = -1;

/// What a run record and a node record have in common.
struct RecordRow {
  TimePoint created_at;
  double duration_ms = kNoDuration;
  std::uint32_t error_code = 0;  // a code
  std::uint32_t origin = 0;
  std::uint32_t fanout = 0;
  Status status = Status::succeeded;
  CompensationStatus compensation = CompensationStatus::none;
  Population population : 1 = Population::dag;
  Cohort cohort : 2 = Cohort::none;
  bool has_verification_reason : 1 = false;
  bool has_fallback_reason : 1 = false;
  bool idempotent_reuse : 1 = false;
  bool is_run_record : 1 = false;
  bool is_compensation : 1 = false;
  bool is_upstream_failed : 1 = false;
  UnreadBits unread : kUnreadBits = 0;  // decisive fields that could not be read
};
static_assert(sizeof(RecordRow) == 32);

/// One run: its key, and its standing run record where it has one (is_run_record).
struct RunRow {
  Hash128 key;
  RecordRow record;
};
static_assert(sizeof(RunRow) == 48);

/// One node record.
struct NodeRow {
  RecordRow record;
  std::uint32_t run = 0;   // index of its run in the shard
  std::uint32_t node = 0;  // a text
  std::uint32_t attempt = 1;
  std::uint32_t item = 0;  // of a fan-out: its index and 1; 0 where there is none
};
static_assert(sizeof(NodeRow) == 48);

/// Returns whether a node record is one of an attempt: what was not executed is none.
inline bool is_attempt(const RecordRow& row) {
  return row.status != Status::skipped && !row.is_upstream_failed && !row.is_compensation;
}

/// A run record that does not stand.
struct SupersededRow {
  TimePoint created_at;
  std::uint32_t run = 0;  // index of its run in the shard
};

/// A line that could not be read, of a run that may have no record at all.
struct UnreadRow {
  TimePoint at;
  std::uint32_t run = 0;  // index of its run in the shard
  Cohort cohort = Cohort::none;
  bool may_be_attempt = true;
};

/// Orders two records of equal rank by content, so that the choice between them does not depend on
/// the order in which they came. Returns whether `a` comes before `b`.
bool content_before(const RecordRow& a, const RecordRow& b, const Pools& pools);

}  // namespace dagloop
