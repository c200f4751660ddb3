// Private to the source layer: settles what was read together with the settled slots that it
// reopens, and adds up partials.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "dagloop/kpi/run_table.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/log_values.hpp"
#include "source/rollup_format.hpp"

namespace dagloop {

class KeyFilter;

/// Brings settled slots up to date and adds them up. For one read.
class RollupSums {
 public:
  /// Shape: `root`, of which slots and hours are changed, and `values` outlive it.
  RollupSums(RollupRoot& root, LogValues& values, const LogQuery& query)
      : root_(root), values_(values), query_(query), is_new_(root.slots.empty()) {}

  /// Settles the runs of `settled`, which are to be stored, and counts those of `unsettled` too.
  /// Returns false where a value is missing or damaged.
  bool settle(std::vector<RunTable> settled, std::vector<RunTable> unsettled);
  /// Returns whether values are missing because another process has committed meanwhile.
  bool is_outdated() const { return is_outdated_; }
  /// Returns the partials and the duplicates. Order: after settle() was true.
  PartialSet take() { return std::move(result_); }

 private:
  bool fetch(ValueKind kind, const std::vector<TimePoint>& times);
  bool fetch_missing(ValueKind kind, std::vector<TimePoint> times);
  bool in_batches(const std::vector<TimePoint>& times,
                  const std::function<bool(const std::vector<TimePoint>&)>& use);
  bool find_slots(const KeyFilter& filter, std::set<TimePoint>& slots);
  bool reopen(std::vector<RunTable>& settled, std::vector<RunTable>& unsettled);
  bool settle_new(std::vector<RunTable> settled, std::vector<RunTable>& unsettled);
  bool write_slot(SettledSlot settled);
  bool merge_known(SettledSlot& settled);
  void touch(TimePoint slot);
  void prune();
  bool sum_hours();
  bool sum_hour(TimePoint hour, const std::vector<TimePoint>& slots);
  bool add_apart(std::vector<RunTable> unsettled);
  bool add_slots();
  bool add_values(ValueKind kind,
                  const std::map<TimePoint, std::pair<TimePoint, std::uint64_t>>& wanted);
  Window span_of(TimePoint slot) const;

  RollupRoot& root_;
  LogValues& values_;
  const LogQuery& query_;
  const bool is_new_;  // nothing was settled before
  bool is_outdated_ = false;
  bool has_unsettled_ = false;
  std::set<TimePoint> touched_;  // hours
  std::set<TimePoint> apart_;    // slots to be settled again for this read alone
  PartialSet result_;
};

}  // namespace dagloop
