#include "run_settling.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <tuple>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

using NodeRows = std::span<const NodeRow>;

// A run as it counts: from its run record, or derived from its node records.
struct SettledRun {
  RecordRow record;
  Fanout fanout;
  TimePoint plan_source_at;  // of the record that a derived run has its plan source from
  bool is_manual = false;
  bool is_derived = false;
};

class Reading {
 public:
  Reading(const Pools& pools, const ErrorClasses& classes, std::string_view outcome_node)
      : pools_(pools), texts_(pools.texts), classes_(classes), outcome_node_(outcome_node) {}

  // The rows of one node, sorted: the last is the attempt that stands.
  bool before(const NodeRow& a, const NodeRow& b) const {
    const auto rank = [](const NodeRow& row) {
      return std::tuple(row.run, row.node, row.attempt, row.record.created_at,
                        is_final(row.record.status), ended_badly(row.record.status));
    };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return content_before(a.record, b.record, pools_);
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

  // Counts a run but for its plan source; returns whether it is over.
  bool count(const SettledRun& run, NodeRows rows, KpiPartial& partial) const {
    const RecordRow& record = run.record;
    if (!is_final(record.status)) {
      ++partial.in_flight;
      return false;
    }
    const std::string& code = texts_.text(record.error_code);
    const bool verification_error =
        !code.empty() && classes_.classify(code) == ErrorClass::verification;
    ++partial.total_runs;
    partial.succeeded += record.status == Status::succeeded ? 1 : 0;
    partial.derived_runs += run.is_derived ? 1 : 0;
    partial.verification_failed += record.has_verification_reason || verification_error ? 1 : 0;
    partial.fallback += record.has_fallback_reason ? 1 : 0;
    if (record.compensation >= CompensationStatus::failed) ++partial.compensation_failed;
    if (record.compensation >= CompensationStatus::completed) ++partial.compensation_total;
    partial.manual_required +=
        run.is_manual || record.compensation == CompensationStatus::manual_required ? 1 : 0;
    partial.idempotent_reuse += record.idempotent_reuse ? 1 : 0;
    partial.fanout_failed += run.fanout.failed;
    partial.fanout_total += run.fanout.total;
    if (!code.empty()) ++partial.error_codes[code];
    if (record.duration_ms >= 0) partial.latency.add(record.duration_ms);
    count_nodes(rows, partial);
    return true;
  }

  SettledRun settled(const RecordRow& record) const {
    SettledRun run;
    run.record = record;
    run.fanout = pools_.fanouts.fanout(record.fanout);
    run.is_manual = record.status == Status::manual_required;
    return run;
  }

 private:
  // Each step takes a maximum, a sum or "any of": so a derived run does not depend on the order of
  // its records.
  void unite(SettledRun& run, const RecordRow& row) const {
    RecordRow& record = run.record;
    // The plan source is that of the latest record that has one; of equally late ones the smallest.
    if (row.plan_source != 0) {
      const bool later = record.plan_source == 0 || row.created_at > run.plan_source_at;
      const bool smaller = row.created_at == run.plan_source_at &&
                           texts_.text(row.plan_source) < texts_.text(record.plan_source);
      if (later || smaller) {
        record.plan_source = row.plan_source;
        run.plan_source_at = row.created_at;
      }
    }
    record.created_at = std::max(record.created_at, row.created_at);
    if (row.population == Population::dag) record.population = Population::dag;
    if (row.cohort == Cohort::canary || record.cohort == Cohort::none) record.cohort = row.cohort;
    if (row.has_verification_reason) record.has_verification_reason = true;
    if (row.has_fallback_reason) record.has_fallback_reason = true;
    if (row.idempotent_reuse) record.idempotent_reuse = true;
    run.is_manual |= row.status == Status::manual_required;
    record.compensation = std::max(record.compensation, row.compensation);
    const Fanout& fanout = pools_.fanouts.fanout(row.fanout);
    run.fanout.total += fanout.total;
    run.fanout.failed += fanout.failed;
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
      return texts_.text(row->node) == outcome_node_;
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
    return texts_.text(a.node) < texts_.text(b.node);
  }

  void count_nodes(NodeRows rows, KpiPartial& partial) const {
    NodePartial* node = nullptr;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == 0 || rows[i].node != rows[i - 1].node) {
        node = &partial.nodes[texts_.text(rows[i].node)];
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

  const Pools& pools_;
  const StringPool& texts_;
  const ErrorClasses& classes_;
  std::string_view outcome_node_;
};

}  // namespace

bool content_before(const RecordRow& a, const RecordRow& b, const Pools& pools) {
  const auto content = [&pools](const RecordRow& row) {
    const auto text = [&pools](std::uint32_t number) {
      return std::string_view(pools.texts.text(number));
    };
    // By value: a bit-field has no address.
    return std::make_tuple(row.status, text(row.error_code), row.compensation,
                           Population{row.population}, Cohort{row.cohort},
                           bool{row.has_verification_reason}, bool{row.has_fallback_reason},
                           bool{row.idempotent_reuse}, row.duration_ms,
                           pools.fanouts.fanout(row.fanout), text(row.plan_source));
  };
  return content(a) < content(b);
}

TimePoint Settling::slot_of(TimePoint run_end) const {
  const std::vector<TimePoint>& cuts = options_.cuts;
  if (cuts.empty()) return floor_to_slot(run_end);
  const auto next = std::ranges::upper_bound(cuts, run_end);
  return next == cuts.begin() ? floor_to_slot(options_.range.start) : *std::prev(next);
}

Settling::Cell& Settling::cell_of(const RecordRow& record) {
  const PartialKey key{slot_of(record.created_at), record.population, record.cohort};
  const auto slot = static_cast<std::uint64_t>(key.slot.time_since_epoch() / kSlot);
  const auto population = static_cast<std::uint64_t>(key.population);
  // Two bits for the cohort, one for the population.
  Cell& cell = cells_[8 * slot + 4 * population + static_cast<std::uint64_t>(key.cohort)];
  if (cell.partial == nullptr) cell.partial = &partials_[key];
  return cell;
}

PlanSourcePartial& Settling::plan_source_of(Cell& cell, std::uint32_t text) const {
  for (const auto& [number, partial] : cell.plan_sources) {
    if (number == text) return *partial;
  }
  PlanSourcePartial& partial = cell.partial->plan_sources[pools_.texts.text(text)];
  cell.plan_sources.emplace_back(text, &partial);
  return partial;
}

void Settling::settle(RunShard& shard, std::vector<std::uint32_t>* slots) {
  const Reading reading(pools_, classes_, options_.outcome_node);
  std::vector<NodeRow>& nodes = shard.nodes;
  std::sort(nodes.begin(), nodes.end(),
            [&](const NodeRow& a, const NodeRow& b) { return reading.before(a, b); });
  auto at = nodes.cbegin();
  for (std::uint32_t index = 0; index < shard.runs.size(); ++index) {
    const auto first = at;
    while (at != nodes.cend() && at->run == index) ++at;
    const NodeRows rows(first, at);
    const RecordRow& record = shard.runs[index].record;
    const SettledRun run = record.is_run_record ? reading.settled(record) : reading.derive(rows);
    Cell& cell = cell_of(run.record);
    if (slots != nullptr) {
      const auto slot = floor_to_slot(run.record.created_at).time_since_epoch() / kSlot;
      slots->push_back(static_cast<std::uint32_t>(slot));
    }
    if (!reading.count(run, rows, *cell.partial) || run.record.plan_source == 0) continue;
    PlanSourcePartial& source = plan_source_of(cell, run.record.plan_source);
    ++source.runs;
    source.succeeded += run.record.status == Status::succeeded ? 1 : 0;
  }
  DAGLOOP_ASSERT(at == nodes.cend());
}

}  // namespace dagloop
