// The slow, obvious twin of the run table: the contract read sentence by sentence, with whole
// strings, maps, and a fresh look at every record for every question.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/record/error_class.hpp"
#include "kpi/user_marks.hpp"
#include "make_codes.hpp"
#include "make_record.hpp"
#include "naive_run.hpp"

namespace dagloop::test {
namespace naive {

/// Reads records as the contract says and returns the partials.
class NaiveReading {
 public:
  NaiveReading(std::vector<OwnedRecord> records, Window range, std::string outcome_node,
               CountingRules rules = {}, std::optional<TimePoint> users_from = {})
      : records_(std::move(records)),
        range_(range),
        outcome_node_(std::move(outcome_node)),
        rules_(std::move(rules)),
        users_from_(users_from) {}

  std::map<PartialKey, KpiPartial> partials() const {
    std::map<std::pair<bool, std::string>, std::vector<OwnedRecord>> runs;
    for (const OwnedRecord& record : records_) {
      if (range_.contains(record.at)) runs[{record.is_request, record.run}].push_back(record);
    }
    std::map<PartialKey, KpiPartial> all;
    for (const auto& [run, records] : runs) {
      std::map<PartialKey, KpiPartial> one;
      count_run(records, one);
      for (auto& [key, partial] : one) {
        count_user(records, key, partial);
        all[key].merge(partial);
      }
    }
    return all;
  }

  /// Returns how many run records in the range another one of their run makes superfluous.
  std::uint64_t duplicate_run_records() const {
    std::uint64_t run_records = 0;
    std::set<std::pair<bool, std::string>> runs;
    for (const OwnedRecord& record : records_) {
      if (record.is_unread || !record.node.empty() || !range_.contains(record.at)) continue;
      ++run_records;
      runs.insert({record.is_request, record.run});
    }
    return run_records - runs.size();
  }

 private:
  // One run, if it is one that is in the rates: its own counts are those of its user.
  void count_user(const std::vector<OwnedRecord>& records, const PartialKey& key,
                  KpiPartial& partial) const {
    if (partial.total_runs == 0 || key.population != Population::dag) return;
    if (!users_from_ || key.slot < *users_from_) return;
    std::set<std::uint64_t> marks;
    for (const OwnedRecord& record : records) {
      if (!record.is_unread) marks.insert(user_mark(record.view()));
    }
    UserRuns user;
    user.hash = hash_of_mark(*marks.begin());
    user.runs = 1;
    user.failed = partial.succeeded == 0 ? 1 : 0;
    user.aided = partial.succeeded_unaided == 0 ? 1 : 0;
    for (const ErrorClass each : kErrorClasses) {
      if (partial.error_classes.at(static_cast<std::size_t>(each)) == 0) continue;
      user.error_classes = {{each, 1}};
    }
    for (const double duration : partial.latency.exact()) {
      user.durations = {{DurationHistogram::bucket_of(duration), 1}};
    }
    for (const auto& [name, node] : partial.nodes) {
      user.attempts += static_cast<std::uint32_t>(node.attempts);
      user.failed_attempts += static_cast<std::uint32_t>(node.failed_attempts);
    }
    partial.users = UserSums({user});
  }

  // By the class's words, number by number.
  static AgeClass age_of(const OwnedRecord& run) {
    if (!is_final(run.status) || !run.duration_ms) return {};
    const TimePoint start = run.at - Microseconds(std::llround(*run.duration_ms * 1000));
    int slots = 0;
    for (TimePoint slot = floor_to_slot(start); slot < floor_to_slot(run.at); slot += kSlot) {
      ++slots;
    }
    if (slots < 3) return AgeClass(static_cast<std::uint8_t>(slots));
    std::uint8_t number = 3;
    for (int last = 4; last < slots && number < AgeClass::kLast; last *= 2) ++number;
    return AgeClass(number);
  }

  static Cohort cohort_of(const std::vector<OwnedRecord>& lines) {
    Cohort cohort = Cohort::none;
    for (const Cohort each : {Cohort::control, Cohort::canary}) {
      if (any(lines, [&](const OwnedRecord& line) { return line.cohort == each; })) cohort = each;
    }
    return cohort;
  }

  static std::uint64_t node_lines(const std::vector<OwnedRecord>& lines) {
    std::uint64_t count = 0;
    for (const OwnedRecord& line : lines) count += line.node.empty() ? 0U : 1U;
    return count;
  }

  // "A line that shows the id of a run whose final run record was read changes no outcome": of any
  // other run, one line is a failed run with one attempt, and each further one an attempt.
  static void count_unread(const std::vector<OwnedRecord>& lines,
                           std::map<PartialKey, KpiPartial>& all) {
    if (lines.empty()) return;
    TimePoint at = TimePoint::min();
    for (const OwnedRecord& line : lines) at = std::max(at, line.at);
    KpiPartial& partial = all[{floor_to_slot(at), Population::dag, cohort_of(lines)}];
    ++partial.unread_runs;
    if (node_lines(lines) > 1) partial.unread_attempts += node_lines(lines) - 1;
  }

  // "A run whose cohort, population or pipeline cannot be read may be one of the canary."
  void count_hidden(const OwnedRecord& run, bool is_selected,
                    std::map<PartialKey, KpiPartial>& all) const {
    if (run.status == Status::skipped) return;
    bool is_hidden = false;
    if (!is_selected) {
      is_hidden = run.pipeline.empty() && lacks(run, Field::pipeline_id);
    } else if (run.population == Population::dag) {
      is_hidden = lacks(run, Field::cohort) && run.cohort != Cohort::canary;
    } else {
      is_hidden = lacks(run, Field::execution_mode);
    }
    if (is_hidden) ++all[{floor_to_slot(run.at), Population::dag, Cohort::none}].unread_runs;
  }

  void count_run(const std::vector<OwnedRecord>& records,
                 std::map<PartialKey, KpiPartial>& all) const {
    std::vector<OwnedRecord> runs;
    std::vector<OwnedRecord> nodes;
    std::vector<OwnedRecord> unread;
    for (const OwnedRecord& record : records) {
      (record.is_unread ? unread : record.node.empty() ? runs : nodes).push_back(record);
    }
    const bool derived = runs.empty();
    if (derived && nodes.empty()) return count_unread(unread, all);
    OwnedRecord run = derived ? derive(nodes, outcome_node_)
                              : *std::max_element(runs.begin(), runs.end(), stands_before);
    if (run.pipeline.empty()) run.pipeline = latest(nodes, &OwnedRecord::pipeline);
    const bool is_selected = rules_.pipelines.empty() || rules_.pipelines.contains(run.pipeline);
    const bool is_of_another = !is_selected && !run.pipeline.empty();
    if ((derived || !is_final(run.status)) && !is_of_another) count_unread(unread, all);
    count_hidden(run, is_selected, all);
    if (!is_selected) return;
    KpiPartial& partial = all[{floor_to_slot(run.at), run.population, run.cohort, age_of(run)}];
    if (!is_final(run.status)) {
      ++partial.in_flight;
      TimePoint newest = run.at;
      for (const OwnedRecord& node : nodes) newest = std::max(newest, node.at);
      if (rules_.overdue_statuses.contains(run.status)) partial.open_runs.push_back(newest);
      std::sort(partial.open_runs.begin(), partial.open_runs.end());
      if (!partial.open_runs.empty() && run.population == Population::dag) {
        partial.strata[{run.pipeline, run.plan_source}].open_runs = partial.open_runs;
      }
      return;
    }
    if (run.status == Status::skipped) {
      ++partial.skipped_runs;
      return;
    }
    if (run.status == Status::cancelled) {
      ++partial.cancelled_runs;
      if (rules_.cancelled == Cancelled::excluded) return;
    }
    if (!run.tokens) run.tokens = sum(nodes, &OwnedRecord::tokens);
    if (!run.cost) run.cost = sum(nodes, &OwnedRecord::cost);
    partial.tokens += run.tokens.value_or(0);
    partial.runs_with_tokens += run.tokens ? 1U : 0U;
    partial.cost_micros += run.cost.value_or(0);
    partial.runs_with_cost += run.cost ? 1U : 0U;
    if (!run.pipeline.empty()) ++partial.pipelines[run.pipeline].runs;
    if (!run.pipeline.empty() && run.status == Status::succeeded) {
      ++partial.pipelines[run.pipeline].succeeded;
    }
    const auto add = [](std::uint64_t& count, bool when) { count += when ? 1U : 0U; };
    const ErrorClasses classes;
    const bool manual =
        run.status == Status::manual_required || (derived && any(nodes, [](const OwnedRecord& n) {
                                                    return n.status == Status::manual_required;
                                                  }));
    const bool compensation_failed = run.compensation == CompensationStatus::failed ||
                                     run.compensation == CompensationStatus::manual_required;
    ++partial.total_runs;
    add(partial.succeeded, run.status == Status::succeeded);
    add(partial.succeeded_unaided, run.status == Status::succeeded && !run.fallback);
    add(partial.derived_runs, derived);
    add(partial.verification_failed,
        run.verification || (!run.error_code.empty() &&
                             classes.classify(run.error_code) == ErrorClass::verification));
    add(partial.fallback, run.fallback);
    add(partial.compensation_failed, compensation_failed);
    add(partial.compensation_total,
        compensation_failed || run.compensation == CompensationStatus::completed);
    add(partial.manual_required, manual || run.compensation == CompensationStatus::manual_required);
    add(partial.idempotent_reuse, run.reuse);
    add(partial.unread_durations, lacks(run, Field::duration_ms));
    add(partial.unread_codes, lacks(run, Field::error_code) && run.status != Status::succeeded);
    add(partial.unread_compensations, lacks(run, Field::compensation_status));
    partial.fanout_failed += run.fanout_failed;
    partial.fanout_total += run.fanout_total;
    if (!run.error_code.empty()) fail_by(partial, run.error_code);
    if (!run.plan_source.empty()) {
      ++partial.plan_sources[run.plan_source].runs;
      add(partial.plan_sources[run.plan_source].succeeded, run.status == Status::succeeded);
    }
    if (run.duration_ms) partial.latency.add(*run.duration_ms);
    count_nodes(nodes, partial);
    if (run.population == Population::dag) count_stratum(run, partial);
    if (derived || node_lines(unread) == 0) return;
    const Cohort cohort = run.cohort == Cohort::none ? cohort_of(unread) : run.cohort;
    all[{floor_to_slot(run.at), run.population, cohort}].unread_attempts += node_lines(unread);
  }

  // All that one run counts is of its stratum.
  static void count_stratum(const OwnedRecord& run, KpiPartial& partial) {
    StratumPartial& alike = partial.strata[{run.pipeline, run.plan_source}];
    alike.total_runs = partial.total_runs;
    alike.succeeded = partial.succeeded;
    alike.succeeded_unaided = partial.succeeded_unaided;
    alike.fallback = partial.fallback;
    alike.error_classes = partial.error_classes;
    alike.latency = partial.latency;
    alike.latency.coarsen();
    for (const auto& [name, node] : partial.nodes) {
      alike.attempts += node.attempts;
      alike.failed_attempts += node.failed_attempts;
    }
  }

  static void count_nodes(const std::vector<OwnedRecord>& nodes, KpiPartial& partial) {
    std::set<Place> names;
    for (const OwnedRecord& record : nodes) {
      if (!is_attempt(record)) continue;
      NodePartial& node = partial.nodes[record.node];
      if (names.insert({record.node, record.item}).second) ++node.run_node_pairs;
      ++node.attempts;
      if (record.status == Status::failed) ++node.failed_attempts;
      if (record.attempt > 1) ++node.retries;
      if (record.attempt > 1 && record.status == Status::succeeded) ++node.retries_succeeded;
      if (record.duration_ms) node.latency.add(*record.duration_ms);
    }
  }

  std::vector<OwnedRecord> records_;
  Window range_;
  std::string outcome_node_;
  CountingRules rules_;
  std::optional<TimePoint> users_from_;
};

}  // namespace naive

using naive::NaiveReading;

}  // namespace dagloop::test
