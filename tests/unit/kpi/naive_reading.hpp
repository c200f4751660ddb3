// The slow, obvious twin of the run table: the contract read sentence by sentence, with whole
// strings, maps, and a fresh look at every record for every question.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/record/error_class.hpp"
#include "make_record.hpp"

namespace dagloop::test {

/// Reads records as the contract says and returns the partials.
class NaiveReading {
 public:
  NaiveReading(std::vector<OwnedRecord> records, Window range, std::string outcome_node)
      : records_(std::move(records)), range_(range), outcome_node_(std::move(outcome_node)) {}

  std::map<PartialKey, KpiPartial> partials() const {
    std::map<std::pair<bool, std::string>, std::vector<OwnedRecord>> runs;
    for (const OwnedRecord& record : records_) {
      if (range_.contains(record.at)) runs[{record.is_request, record.run}].push_back(record);
    }
    std::map<PartialKey, KpiPartial> all;
    for (const auto& [key, records] : runs) count_run(records, all);
    return all;
  }

  /// Returns how many run records in the range another one of their run makes superfluous.
  std::uint64_t duplicate_run_records() const {
    std::uint64_t run_records = 0;
    std::set<std::pair<bool, std::string>> runs;
    for (const OwnedRecord& record : records_) {
      if (!record.node.empty() || !range_.contains(record.at)) continue;
      ++run_records;
      runs.insert({record.is_request, record.run});
    }
    return run_records - runs.size();
  }

 private:
  static bool bad(Status status) {
    return is_final(status) && status != Status::succeeded && status != Status::skipped;
  }

  static auto content(const OwnedRecord& r) {
    return std::tuple(r.status, r.error_code, r.compensation, r.population, r.cohort,
                      r.verification, r.fallback, r.reuse, r.duration_ms.value_or(-1),
                      r.fanout_total, r.fanout_failed, r.plan_source);
  }

  // "Two run records of one run: the later stands; on a tie a final status over a non-final one."
  // Records that tie beyond that are ordered by content, whatever the order they came in.
  static bool stands_before(const OwnedRecord& a, const OwnedRecord& b) {
    if (a.at != b.at) return a.at < b.at;
    if (is_final(a.status) != is_final(b.status)) return is_final(b.status);
    return content(a) < content(b);
  }

  // "Highest attempt, then latest."
  static bool attempt_before(const OwnedRecord& a, const OwnedRecord& b) {
    if (a.attempt != b.attempt) return a.attempt < b.attempt;
    if (a.at != b.at) return a.at < b.at;
    if (is_final(a.status) != is_final(b.status)) return is_final(b.status);
    if (bad(a.status) != bad(b.status)) return bad(b.status);
    return content(a) < content(b);
  }

  OwnedRecord derive(const std::vector<OwnedRecord>& nodes) const {
    OwnedRecord run;
    run.population = Population::non_dag;
    run.at = TimePoint::min();
    std::set<std::string> names;
    for (const OwnedRecord& node : nodes) {
      names.insert(node.node);
      run.at = std::max(run.at, node.at);
      if (node.population == Population::dag) run.population = Population::dag;
      run.verification = run.verification || node.verification;
      run.fallback = run.fallback || node.fallback;
      run.reuse = run.reuse || node.reuse;
      run.fanout_total += node.fanout_total;
      run.fanout_failed += node.fanout_failed;
    }
    for (const CompensationStatus worst :
         {CompensationStatus::not_required, CompensationStatus::completed,
          CompensationStatus::failed, CompensationStatus::manual_required}) {
      if (any(nodes, [&](const OwnedRecord& n) { return n.compensation == worst; })) {
        run.compensation = worst;
      }
    }
    for (const Cohort cohort : {Cohort::control, Cohort::canary}) {
      if (any(nodes, [&](const OwnedRecord& n) { return n.cohort == cohort; })) run.cohort = cohort;
    }
    derive_duration(run, nodes);
    derive_plan_source(run, nodes);
    derive_outcome(run, nodes, names);
    return run;
  }

  template <typename Test>
  static bool any(const std::vector<OwnedRecord>& records, const Test& test) {
    return std::any_of(records.begin(), records.end(), test);
  }

  // max(end) - min(start) is the longest time from a record's start to the run's end.
  static void derive_duration(OwnedRecord& run, const std::vector<OwnedRecord>& nodes) {
    if (!any(nodes, [](const OwnedRecord& n) { return n.duration_ms.has_value(); })) return;
    double longest = 0;
    for (const OwnedRecord& node : nodes) {
      const double after_ms = static_cast<double>((run.at - node.at).count()) / 1000;
      longest = std::max(longest, after_ms + node.duration_ms.value_or(0));
    }
    run.duration_ms = longest;
  }

  static void derive_plan_source(OwnedRecord& run, const std::vector<OwnedRecord>& nodes) {
    TimePoint latest = TimePoint::min();
    for (const OwnedRecord& node : nodes) {
      if (node.plan_source.empty() || node.at < latest) continue;
      if (node.at > latest || node.plan_source < run.plan_source)
        run.plan_source = node.plan_source;
      latest = node.at;
    }
  }

  void derive_outcome(OwnedRecord& run, const std::vector<OwnedRecord>& nodes,
                      const std::set<std::string>& names) const {
    std::vector<OwnedRecord> last;
    for (const std::string& name : names) {
      std::vector<OwnedRecord> attempts;
      for (const OwnedRecord& node : nodes) {
        if (node.node == name) attempts.push_back(node);
      }
      last.push_back(*std::max_element(attempts.begin(), attempts.end(), attempt_before));
    }
    // "In flight when the last attempt of any node has no final status", of whichever node.
    const bool in_flight = any(last, [](const OwnedRecord& r) { return !is_final(r.status); });
    if (names.contains(outcome_node_)) {
      std::erase_if(last, [&](const OwnedRecord& r) { return r.node != outcome_node_; });
    }
    run.status = Status::succeeded;
    if (any(last, [](const OwnedRecord& r) { return bad(r.status); })) run.status = Status::failed;
    if (in_flight) run.status = Status::running;
    const OwnedRecord* first = nullptr;
    for (const OwnedRecord& r : last) {
      if (!bad(r.status) || r.error_code.empty()) continue;
      if (first == nullptr || std::tie(r.at, r.node) < std::tie(first->at, first->node)) first = &r;
    }
    if (first != nullptr) run.error_code = first->error_code;
  }

  void count_run(const std::vector<OwnedRecord>& records,
                 std::map<PartialKey, KpiPartial>& all) const {
    std::vector<OwnedRecord> runs;
    std::vector<OwnedRecord> nodes;
    for (const OwnedRecord& record : records) {
      (record.node.empty() ? runs : nodes).push_back(record);
    }
    const bool derived = runs.empty();
    const OwnedRecord run =
        derived ? derive(nodes) : *std::max_element(runs.begin(), runs.end(), stands_before);
    KpiPartial& partial = all[{floor_to_slot(run.at), run.population, run.cohort}];
    if (!is_final(run.status)) {
      ++partial.in_flight;
      return;
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
    partial.fanout_failed += run.fanout_failed;
    partial.fanout_total += run.fanout_total;
    if (!run.error_code.empty()) ++partial.error_codes[run.error_code];
    if (!run.plan_source.empty()) {
      ++partial.plan_sources[run.plan_source].runs;
      add(partial.plan_sources[run.plan_source].succeeded, run.status == Status::succeeded);
    }
    if (run.duration_ms) partial.latency.add(*run.duration_ms);
    count_nodes(nodes, partial);
  }

  static void count_nodes(const std::vector<OwnedRecord>& nodes, KpiPartial& partial) {
    std::set<std::string> names;
    for (const OwnedRecord& record : nodes) {
      NodePartial& node = partial.nodes[record.node];
      if (names.insert(record.node).second) ++node.run_node_pairs;
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
};

}  // namespace dagloop::test
