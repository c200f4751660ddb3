#include "source/rollup_read.hpp"

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "dagloop/kpi/partial_codec.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "source/log_values.hpp"
#include "source/rollup_lines.hpp"
#include "source/rollup_plan.hpp"
#include "source/rollup_sums.hpp"

namespace dagloop {
namespace {

// Slots are erased this long after they have left the longest range asked for.
constexpr std::chrono::hours kMargin{1};

enum class Outcome { done, rebuild, unusable };

bool is_slot(TimePoint time) { return floor_to_slot(time) == time; }

// Lines are counted by slot: a window that ends in one must end with the range.
bool can_count(const LogQuery& query) {
  if (!query.window) return true;
  const Window& window = *query.window;
  return is_slot(window.start) && (is_slot(window.end) || window.end == query.range.end);
}

/// One read with a store.
class RollupRead {
 public:
  RollupRead(const std::string& sources, const std::vector<std::string>& paths,
             const SourceOptions& options, const LogQuery& query, const RollupLimits& limits)
      : store_(*options.rollup),
        log_(log_name(sources, options)),
        former_log_(former_log_name(sources, options)),
        paths_(paths),
        options_(options),
        query_(query),
        limits_(limits),
        threads_(options.threads == 0 ? std::max(1U, std::thread::hardware_concurrency())
                                      : options.threads) {}

  std::optional<PartialSet> run() {
    const RollupValues loaded = store_.load(log_, kRootName, kRootName);
    if (!store_.is_usable()) return std::nullopt;
    if (loaded.version == 0) tell_of_former();
    std::optional<RollupRoot> root;
    if (const auto found = loaded.values.find(kRootName); found != loaded.values.end()) {
      root = decode_root(found->second);
    }
    // What was consumed may hide what stood earlier.
    if (root && (query_.range.end < root->consumed_before || query_.latest < root->latest)) {
      return std::nullopt;
    }
    Outcome outcome = Outcome::rebuild;
    if (root && root->kept_from <= query_.range.start) {
      outcome = attempt(*root, loaded.version, RollupChange::Others::kept);
    }
    if (outcome == Outcome::rebuild) {
      // Once more from nothing: what was kept does not fit the log any more.
      RollupRoot empty;
      empty.kept_from = query_.range.start;
      outcome = attempt(std::move(empty), loaded.version, RollupChange::Others::erased);
    }
    if (outcome != Outcome::done) return std::nullopt;
    return std::move(result_);
  }

 private:
  // Once: the log has a version of its own afterwards.
  void tell_of_former() {
    if (!options_.warn || store_.load(former_log_, kRootName, kRootName).version == 0) return;
    options_.warn(
        "rollup: an earlier version of dagloop counted this log in another form; it is read and "
        "counted anew, once");
  }

  Outcome attempt(RollupRoot root, std::uint64_t version, RollupChange::Others others) {
    const std::string before = encode(root);
    RollupPlan plan = plan_read(root, paths_, query_.range, threads_);
    if (plan.state == PlanState::unusable) return Outcome::unusable;
    if (plan.state == PlanState::rebuild) return Outcome::rebuild;
    set_times(root, plan);
    auto reading =
        read_planned(plan.files, plan.parts,
                     {options_, query_, root.kept_from, limits_.chunk_bytes, limits_.max_pending});
    if (!reading || !take_reading(plan, *reading, threads_)) return Outcome::unusable;
    LogValues values(store_, log_, version, others, limits_.commit_bytes);
    RollupSums sums(root, values, query_);
    const Outcome outcome = sums.settle(std::move(reading->settled), std::move(reading->unsettled))
                                ? Outcome::done
                            : sums.is_outdated() ? Outcome::unusable
                                                 : Outcome::rebuild;
    if (outcome != Outcome::done) return outcome;
    result_ = sums.take();
    count_input(plan, *reading);
    root.files = std::move(plan.files);
    for (LogFile& file : root.files) fold(file.counts, root.kept_from);
    const std::string after = encode(root);
    // A tick that found nothing new writes nothing.
    if (values.is_changed() || after != before) values.commit(after);
    return Outcome::done;
  }

  void set_times(RollupRoot& root, const RollupPlan& plan) const {
    // The longest window ever asked for decides how long slots are kept, so that two tools with
    // windows of 1 and 7 days do not take each other's away.
    root.reach = std::max(root.reach, query_.range.length());
    root.kept_from =
        std::max(plan.kept_from, floor_to_slot(query_.range.end - root.reach - kMargin));
    root.consumed_before = floor_to_slot(query_.range.end);
    root.latest = query_.latest;
  }

  // Which slots records before kept_from were in is of no use any more.
  static void fold(LineCounts& counts, TimePoint kept_from) {
    while (!counts.by_slot.empty() && counts.by_slot.begin()->first < kept_from) {
      const LineShare& lines = counts.by_slot.begin()->second.all;
      counts.before += lines.lines - lines.unread;
      counts.by_slot.erase(counts.by_slot.begin());
    }
  }

  void count_input(const RollupPlan& plan, const LogReading& reading) {
    for (std::size_t i = 0; i < plan.path_count; ++i) {
      const LogFile& file = plan.files[i];
      count_lines(file.path, file.counts);
      count_lines(file.path, reading.files[i].unsettled);
    }
  }

  void count_lines(const std::string& path, const LineCounts& lines) {
    InputCounts counts;
    counts.records = lines.records;
    counts.run_records = lines.run_records;
    counts.node_records = lines.node_records;
    counts.malformed_by_reason = lines.malformed_by_reason;
    for (const auto& [reason, count] : lines.malformed_by_reason) counts.malformed += count;
    for (const auto& [line, shown] : lines.examples) {
      counts.examples.push_back(
          {path, line, shown.reason, shown.field, shown.found, shown.wanted, shown.mapping});
    }
    counts.mended_by_field = lines.mended_by_field;
    for (const auto& [place, shown] : lines.mended_examples) {
      counts.mended_examples.push_back(
          {path, place.first, place.second, shown.found, shown.wanted});
    }
    counts.out_of_range = lines.before + lines.set_aside;
    counts.set_aside = lines.set_aside;
    const Window window = query_.window.value_or(query_.range);
    for (const auto& [slot, count] : lines.by_slot) {
      if (slot < query_.range.start) counts.out_of_range += count.all.lines - count.all.unread;
      if (window.contains(slot)) counts.window.merge(count);
    }
    counts.newest_record = lines.newest;
    counts.newest_unread = lines.newest_unread;
    result_.input.merge(counts);
  }

  RollupStore& store_;
  const std::string log_;
  const std::string former_log_;
  const std::vector<std::string>& paths_;
  const SourceOptions& options_;
  const LogQuery& query_;
  const RollupLimits& limits_;
  const unsigned threads_;
  PartialSet result_;
};

}  // namespace

std::optional<PartialSet> read_with_rollup(const std::string& sources,
                                           const std::vector<std::string>& paths,
                                           const SourceOptions& options, const LogQuery& query,
                                           const RollupLimits& limits) {
  // Of lines that are no records, and of places in documents, no store keeps anything.
  const bool has_own_lines = !options.mapping.only && !options.mapping.records;
  const bool is_usable = has_own_lines && options.rollup && options.dedupe == Dedupe::runs &&
                         is_slot(query.range.start) && can_count(query) &&
                         query.range.start < query.range.end &&
                         std::ranges::find(paths, "-") == paths.end();
  if (!is_usable) return std::nullopt;
  return RollupRead(sources, paths, options, query, limits).run();
}

}  // namespace dagloop
