// A log source that answers from slots which a test fills in. For one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop::test {

/// Answers a read as a log would whose runs all ended four minutes into their slot.
class ScriptedSource final : public LogSource {
 public:
  /// Adds runs of the DAG population that ended in the slot that holds `time`.
  void add(TimePoint time, const KpiPartial& runs, Cohort cohort = Cohort::none) {
    log_.partials[{floor_to_slot(time), Population::dag, cohort}].merge(runs);
  }
  /// Adds such runs that began so long before.
  void add_aged(TimePoint time, const KpiPartial& runs, Cohort cohort, AgeClass age) {
    log_.partials[{floor_to_slot(time), Population::dag, cohort, age}].merge(runs);
  }
  /// Says how many lines of all that is read are malformed.
  void set_malformed(std::uint64_t lines) { malformed_ = lines; }
  /// Makes every read fail with this text; nullopt: reads answer again.
  void set_failure(std::optional<std::string> failure) { failure_ = std::move(failure); }
  /// Says what others do while the log is read; told how many reads there were, this one too.
  void set_meanwhile(std::function<void(std::size_t)> act) { meanwhile_ = std::move(act); }
  /// Returns what was asked for, oldest first.
  const std::vector<LogQuery>& queries() const { return queries_; }

  PartialSet read(const LogQuery& query) override {
    queries_.push_back(query);
    if (meanwhile_) meanwhile_(queries_.size());
    if (failure_) throw Error(ErrorKind::source, "the scripted log", *failure_, "mend it");
    PartialSet answer;
    for (auto each = log_.partials.lower_bound({floor_to_slot(query.range.start)});
         each != log_.partials.end(); ++each) {
      const TimePoint end = each->first.slot + std::chrono::minutes{4};
      if (!query.range.contains(end)) continue;
      answer.partials.insert(*each);
      answer.input.records += each->second.total_runs;
      answer.input.run_records += each->second.total_runs;
      answer.input.newest_record = end;
    }
    answer.input.malformed = malformed_;
    answer.input.records += malformed_;
    answer.input.window.all = {answer.input.records, malformed_};
    return answer;
  }
  CutCost cut_cost() const override { return cut_cost_; }
  /// Says what more cuts than necessary would cost.
  void set_cut_cost(CutCost cost) { cut_cost_ = cost; }
  std::string describe() const override { return "the scripted log"; }

 private:
  CutCost cut_cost_ = CutCost::nothing;
  PartialSet log_;
  std::uint64_t malformed_ = 0;
  std::optional<std::string> failure_;
  std::function<void(std::size_t)> meanwhile_;
  std::vector<LogQuery> queries_;
};

}  // namespace dagloop::test
