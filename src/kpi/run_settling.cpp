#include "run_settling.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

using NodeRows = std::span<const NodeRow>;

// A run as it counts: from its run record, or derived from its node records.
struct SettledRun {
  RecordRow record;
  TimePoint plan_source_at;  // of the record that a derived run has its plan source from
  bool is_manual = false;
  bool is_derived = false;
};

int severity(CompensationStatus status) {
  switch (status) {
    case CompensationStatus::manual_required:
      return 4;
    case CompensationStatus::failed:
      return 3;
    case CompensationStatus::completed:
      return 2;
    case CompensationStatus::not_required:
      return 1;
    case CompensationStatus::none:
      break;
  }
  return 0;
}

bool ended_badly(Status status) {
  return is_final(status) && status != Status::succeeded && status != Status::skipped;
}

class Settling {
 public:
  Settling(const StringPool& pool, const ErrorClasses& classes, std::string_view outcome_node)
      : pool_(pool), classes_(classes), outcome_node_(outcome_node) {}

  // The rows of one node, sorted: the last is the attempt that stands.
  bool before(const NodeRow& a, const NodeRow& b) const {
    const auto rank = [](const NodeRow& row) {
      return std::tuple(row.run, row.node, row.attempt, row.record.created_at,
                        is_final(row.record.status), ended_badly(row.record.status));
    };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return content_before(a.record, b.record, pool_);
  }

  SettledRun derive(NodeRows rows) const {
    SettledRun run;
    run.is_derived = true;
    RecordRow& record = run.record;
    record.population = Population::non_dag;
    record.created_at = TimePoint::min();
    for (const NodeRow& row : rows) unite(run, row.record);
    record.duration_ms = span_ms(rows, record.created_at);
    settle_outcome(record, last_attempts(rows));
    return run;
  }

  void count(const SettledRun& run, NodeRows rows, KpiPartial& partial) const {
    const RecordRow& record = run.record;
    if (!is_final(record.status)) {
      ++partial.in_flight;
      return;
    }
    const std::string& code = pool_.text(record.error_code);
    const bool verification_error =
        !code.empty() && classes_.classify(code) == ErrorClass::verification;
    ++partial.total_runs;
    partial.succeeded += record.status == Status::succeeded ? 1 : 0;
    partial.derived_runs += run.is_derived ? 1 : 0;
    partial.verification_failed += record.has_verification_reason || verification_error ? 1 : 0;
    partial.fallback += record.has_fallback_reason ? 1 : 0;
    const int compensation = severity(record.compensation);
    if (compensation >= severity(CompensationStatus::failed)) ++partial.compensation_failed;
    if (compensation >= severity(CompensationStatus::completed)) ++partial.compensation_total;
    partial.manual_required +=
        run.is_manual || record.compensation == CompensationStatus::manual_required ? 1 : 0;
    partial.idempotent_reuse += record.idempotent_reuse ? 1 : 0;
    partial.fanout_failed += record.fanout_failed;
    partial.fanout_total += record.fanout_total;
    if (!code.empty()) ++partial.error_codes[code];
    if (record.plan_source != 0) {
      PlanSourcePartial& source = partial.plan_sources[pool_.text(record.plan_source)];
      ++source.runs;
      source.succeeded += record.status == Status::succeeded ? 1 : 0;
    }
    if (record.duration_ms >= 0) partial.latency.add(record.duration_ms);
    count_nodes(rows, partial);
  }

 private:
  void unite(SettledRun& run, const RecordRow& row) const {
    RecordRow& record = run.record;
    // The plan source is that of the latest record that has one; of equally late ones the smallest.
    if (row.plan_source != 0) {
      const bool later = record.plan_source == 0 || row.created_at > run.plan_source_at;
      const bool smaller = row.created_at == run.plan_source_at &&
                           pool_.text(row.plan_source) < pool_.text(record.plan_source);
      if (later || smaller) {
        record.plan_source = row.plan_source;
        run.plan_source_at = row.created_at;
      }
    }
    record.created_at = std::max(record.created_at, row.created_at);
    if (row.population == Population::dag) record.population = Population::dag;
    if (row.cohort == Cohort::canary || record.cohort == Cohort::none) record.cohort = row.cohort;
    record.has_verification_reason |= row.has_verification_reason;
    record.has_fallback_reason |= row.has_fallback_reason;
    record.idempotent_reuse |= row.idempotent_reuse;
    run.is_manual |= row.status == Status::manual_required;
    if (severity(row.compensation) > severity(record.compensation)) {
      record.compensation = row.compensation;
    }
    record.fanout_total += row.fanout_total;
    record.fanout_failed += row.fanout_failed;
  }

  // max(end) - min(start), as the longest time from a start to the run's end: each is computed from
  // one row alone, so that rounding does not depend on the order of the rows.
  static double span_ms(NodeRows rows, TimePoint run_end) {
    bool any_duration = false;
    double longest = 0;
    for (const NodeRow& row : rows) {
      any_duration = any_duration || row.record.duration_ms >= 0;
      const double after_ms = static_cast<double>((run_end - row.record.created_at).count()) / 1000;
      longest = std::max(longest, after_ms + std::max(0.0, row.record.duration_ms));
    }
    return any_duration ? longest : kNoDuration;
  }

  std::vector<const NodeRow*> last_attempts(NodeRows rows) const {
    std::vector<const NodeRow*> last;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + 1 == rows.size() || rows[i + 1].node != rows[i].node) last.push_back(&rows[i]);
    }
    return last;
  }

  // Any node that is not done keeps the run in flight, also where another one decides the outcome.
  void settle_outcome(RecordRow& record, std::vector<const NodeRow*> last) const {
    const auto is_running = [](const NodeRow* row) { return !is_final(row->record.status); };
    if (std::any_of(last.begin(), last.end(), is_running)) {
      record.status = Status::running;
      return;
    }
    const auto decides = [this](const NodeRow* row) {
      return pool_.text(row->node) == outcome_node_;
    };
    const auto found = std::find_if(last.begin(), last.end(), decides);
    if (found != last.end()) last = {*found};
    record.status = Status::succeeded;
    const NodeRow* first_error = nullptr;
    for (const NodeRow* row : last) {
      if (!ended_badly(row->record.status)) continue;
      record.status = Status::failed;
      if (row->record.error_code == 0) continue;
      if (first_error == nullptr || earlier(*row, *first_error)) first_error = row;
    }
    if (first_error != nullptr) record.error_code = first_error->record.error_code;
  }

  bool earlier(const NodeRow& a, const NodeRow& b) const {
    if (a.record.created_at != b.record.created_at) {
      return a.record.created_at < b.record.created_at;
    }
    return pool_.text(a.node) < pool_.text(b.node);
  }

  void count_nodes(NodeRows rows, KpiPartial& partial) const {
    NodePartial* node = nullptr;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == 0 || rows[i].node != rows[i - 1].node) {
        node = &partial.nodes[pool_.text(rows[i].node)];
        ++node->run_node_pairs;
      }
      const bool is_retry = rows[i].attempt > 1;
      const Status status = rows[i].record.status;
      ++node->attempts;
      node->failed_attempts += status == Status::failed ? 1 : 0;
      node->retries += is_retry ? 1 : 0;
      node->retries_succeeded += is_retry && status == Status::succeeded ? 1 : 0;
      if (rows[i].record.duration_ms >= 0) node->latency.add(rows[i].record.duration_ms);
    }
  }

  const StringPool& pool_;
  const ErrorClasses& classes_;
  std::string_view outcome_node_;
};

}  // namespace

bool content_before(const RecordRow& a, const RecordRow& b, const StringPool& pool) {
  const auto content = [&pool](const RecordRow& row) {
    return std::tuple(row.status, std::string_view(pool.text(row.error_code)), row.compensation,
                      row.population, row.cohort, row.has_verification_reason,
                      row.has_fallback_reason, row.idempotent_reuse, row.duration_ms,
                      row.fanout_total, row.fanout_failed,
                      std::string_view(pool.text(row.plan_source)));
  };
  return content(a) < content(b);
}

std::map<PartialKey, KpiPartial> settle_runs(const std::vector<RunRow>& runs,
                                             std::vector<NodeRow>& nodes, const StringPool& pool,
                                             const ErrorClasses& classes,
                                             std::string_view outcome_node) {
  const Settling settling(pool, classes, outcome_node);
  std::sort(nodes.begin(), nodes.end(),
            [&](const NodeRow& a, const NodeRow& b) { return settling.before(a, b); });
  std::map<PartialKey, KpiPartial> partials;
  auto at = nodes.cbegin();
  for (std::uint32_t index = 0; index < runs.size(); ++index) {
    const auto first = at;
    while (at != nodes.cend() && at->run == index) ++at;
    const NodeRows rows(first, at);
    SettledRun run;
    if (runs[index].has_run_record) {
      run.record = runs[index].record;
      run.is_manual = run.record.status == Status::manual_required;
    } else {
      run = settling.derive(rows);
    }
    const PartialKey key{floor_to_slot(run.record.created_at), run.record.population,
                         run.record.cohort};
    settling.count(run, rows, partials[key]);
  }
  DAGLOOP_ASSERT(at == nodes.cend());
  return partials;
}

}  // namespace dagloop
