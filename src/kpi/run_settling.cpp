#include "run_settling.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/redaction.hpp"
#include "label_bound.hpp"
#include "latest_text.hpp"
#include "unread_rows.hpp"

namespace dagloop {

namespace {

using NodeRows = std::span<const NodeRow>;

bool did_not_succeed(const RecordRow& row) {
  return ended_badly(row.status) || (row.is_upstream_failed && is_final(row.status));
}

class Reading {
 public:
  Reading(const Pools& pools, std::string_view outcome_node)
      : pools_(pools), texts_(pools.texts), codes_(pools.codes), outcome_node_(outcome_node) {}

  // The rows of one node, sorted: the last is the attempt that stands.
  bool before(const NodeRow& a, const NodeRow& b) const {
    const auto rank = [](const NodeRow& row) {
      return std::tuple(row.run, row.node, row.item, row.attempt, row.record.created_at,
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
    LatestText plan_source(texts_);
    for (const NodeRow& row : rows) {
      unite(run, row.record);
      plan_source.take(pools_.origins.origin(row.record.origin).plan_source, row.record.created_at);
    }
    run.plan_source = plan_source.text();
    run.pipeline = pipeline_of(rows);
    run.newest = record.created_at;
    record.duration_ms = span_ms(rows, record.created_at);
    settle_outcome(record, last_attempts(rows));
    return run;
  }

  // Counts a run but for its plan source and pipeline; returns whether it is in the rates.
  bool count(const SettledRun& run, NodeRows rows, const CountingRules& rules,
             KpiPartial& partial) const {
    const RecordRow& record = run.record;
    if (!is_final(record.status)) {
      ++partial.in_flight;
      if (rules.overdue_statuses.contains(record.status)) partial.open_runs.push_back(run.newest);
      return false;
    }
    if (record.status == Status::skipped) ++partial.skipped_runs;
    if (record.status == Status::cancelled) ++partial.cancelled_runs;
    if (record.status == Status::skipped) return false;
    if (record.status == Status::cancelled && rules.cancelled == Cancelled::excluded) return false;
    count_final(run, partial);
    count_nodes(rows, partial);
    return true;
  }

  SettledRun settled(const RecordRow& record, NodeRows rows) const {
    SettledRun run;
    run.record = record;
    run.fanout = pools_.fanouts.fanout(record.fanout);
    const Origin& origin = pools_.origins.origin(record.origin);
    run.plan_source = origin.plan_source;
    run.pipeline = origin.pipeline != 0 ? origin.pipeline : pipeline_of(rows);
    run.is_manual = record.status == Status::manual_required;
    run.newest = record.created_at;
    Fanout nodes;
    for (const NodeRow& row : rows) {
      run.newest = std::max(run.newest, row.record.created_at);
      nodes.add(pools_.fanouts.fanout(row.record.fanout));
    }
    // What a run cost is what it says, else what its nodes say.
    if (!run.fanout.has_tokens) run.fanout.tokens = nodes.tokens;
    if (!run.fanout.has_cost) run.fanout.cost_micros = nodes.cost_micros;
    run.fanout.has_tokens = run.fanout.has_tokens || nodes.has_tokens;
    run.fanout.has_cost = run.fanout.has_cost || nodes.has_cost;
    return run;
  }

 private:
  void count_final(const SettledRun& run, KpiPartial& partial) const {
    const RecordRow& record = run.record;
    const bool succeeded = record.status == Status::succeeded;
    const std::uint32_t code = record.error_code;
    const bool verification_error =
        code != 0 && codes_.error_class(code) == ErrorClass::verification;
    ++partial.total_runs;
    partial.succeeded += succeeded ? 1 : 0;
    partial.succeeded_unaided += succeeded && !record.has_fallback_reason ? 1 : 0;
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
    partial.tokens += run.fanout.tokens;
    partial.runs_with_tokens += run.fanout.has_tokens ? 1 : 0;
    partial.cost_micros += run.fanout.cost_micros;
    partial.runs_with_cost += run.fanout.has_cost ? 1 : 0;
    if (record.unread != 0) count_unread_values(record, partial);
    if (code != 0) {
      partial.add_code(codes_.label(code), {codes_.error_class(code), codes_.is_named(code)}, 1);
    }
    if (record.duration_ms >= 0) partial.latency.add(record.duration_ms);
  }

  std::uint32_t pipeline_of(NodeRows rows) const {
    LatestText pipeline(texts_);
    for (const NodeRow& row : rows) {
      pipeline.take(pools_.origins.origin(row.record.origin).pipeline, row.record.created_at);
    }
    return pipeline.text();
  }

  // Each step takes a maximum, a sum or "any of": so a derived run does not depend on the order of
  // its records.
  void unite(SettledRun& run, const RecordRow& row) const {
    RecordRow& record = run.record;
    record.created_at = std::max(record.created_at, row.created_at);
    if (row.population == Population::dag) record.population = Population::dag;
    if (row.cohort == Cohort::canary || record.cohort == Cohort::none) record.cohort = row.cohort;
    if (row.has_verification_reason) record.has_verification_reason = true;
    if (row.has_fallback_reason) record.has_fallback_reason = true;
    if (row.idempotent_reuse) record.idempotent_reuse = true;
    run.is_manual |= row.status == Status::manual_required;
    record.compensation = std::max(record.compensation, row.compensation);
    run.fanout.add(pools_.fanouts.fanout(row.fanout));
    record.unread = (record.unread | row.unread) & kAllUnread;
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

  // Of each node and item. What undoes the others says nothing, unless there is nothing else.
  std::vector<const NodeRow*> last_attempts(NodeRows rows) const {
    std::vector<const NodeRow*> last;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_last = i + 1 == rows.size() || rows[i + 1].node != rows[i].node ||
                           rows[i + 1].item != rows[i].item;
      if (is_last) last.push_back(&rows[i]);
    }
    const auto undoes = [](const NodeRow* row) { return row->record.is_compensation; };
    if (!std::all_of(last.begin(), last.end(), undoes)) std::erase_if(last, undoes);
    return last;
  }

  // Any node that is not done keeps the run in flight, also where another one decides the outcome;
  // it runs where one of them does.
  static std::optional<Status> open_status(const std::vector<const NodeRow*>& last) {
    for (const Status status : {Status::running, Status::compensating, Status::pending}) {
      const auto has = [&](const NodeRow* row) { return row->record.status == status; };
      if (std::any_of(last.begin(), last.end(), has)) return status;
    }
    return std::nullopt;
  }

  void settle_outcome(RecordRow& record, std::vector<const NodeRow*> last) const {
    if (const auto open = open_status(last)) {
      record.status = *open;
      return;
    }
    const auto is_skipped = [](const NodeRow* row) {
      return row->record.status == Status::skipped && !row->record.is_upstream_failed;
    };
    if (std::all_of(last.begin(), last.end(), is_skipped)) {
      record.status = Status::skipped;
      return;
    }
    const auto decides = [this](const NodeRow* row) {
      return texts_.text(row->node) == outcome_node_;
    };
    if (std::any_of(last.begin(), last.end(), decides)) {
      std::erase_if(last, [&](const NodeRow* row) { return !decides(row); });
    }
    record.status = Status::succeeded;
    const NodeRow* first_error = nullptr;
    for (const NodeRow* row : last) {
      if (!did_not_succeed(row->record)) continue;
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
    return std::pair(std::string_view(texts_.text(a.node)), a.item) <
           std::pair(std::string_view(texts_.text(b.node)), b.item);
  }

  void count_nodes(NodeRows rows, KpiPartial& partial) const {
    NodePartial* node = nullptr;
    const NodeRow* before = nullptr;
    for (const NodeRow& row : rows) {
      if (!is_attempt(row.record)) continue;
      if (before == nullptr || row.node != before->node) {
        bound_many_labels(partial.nodes);
        node = &partial.nodes[texts_.label(row.node)];
        before = nullptr;
      }
      node->run_node_pairs += before == nullptr || row.item != before->item ? 1 : 0;
      before = &row;
      const bool is_retry = row.attempt > 1;
      const Status status = row.record.status;
      ++node->attempts;
      node->failed_attempts += status == Status::failed ? 1 : 0;
      node->retries += is_retry ? 1 : 0;
      node->retries_succeeded += is_retry && status == Status::succeeded ? 1 : 0;
      if (row.record.duration_ms >= 0) node->latency.add(row.record.duration_ms);
    }
  }

  const Pools& pools_;
  const StringPool& texts_;
  const CodePool& codes_;
  std::string_view outcome_node_;
};

}  // namespace

TimePoint Settling::slot_of(TimePoint run_end) const {
  const std::vector<TimePoint>& cuts = options_.cuts;
  if (cuts.empty()) return floor_to_slot(run_end);
  const auto next = std::ranges::upper_bound(cuts, run_end);
  return next == cuts.begin() ? floor_to_slot(options_.range.start) : *std::prev(next);
}

Settling::Cell& Settling::cell_of(const PartialKey& key) {
  const auto slot = static_cast<std::uint64_t>(key.slot.time_since_epoch() / kSlot);
  // Two bits for the cohort, one for the population, four for the age.
  static_assert(AgeClass::kLast < 16);
  Cell& cell = cells_[slot << 7U | std::uint64_t{key.age.number()} << 3U |
                      static_cast<std::uint64_t>(key.population) << 2U |
                      static_cast<std::uint64_t>(key.cohort)];
  if (cell.partial == nullptr) cell.partial = &partials_[key];
  return cell;
}

bool Settling::is_selected(std::uint32_t pipeline) const {
  const std::set<std::string>& wanted = options_.rules.pipelines;
  if (wanted.empty()) return true;
  const std::string& name = pools_.texts.text(pipeline);
  return std::ranges::any_of(wanted,
                             [&](const std::string& each) { return redact_label(each) == name; });
}

bool Settling::count(const SettledRun& run, NodeRows rows, std::uint64_t user) {
  const Reading reading(pools_, options_.outcome_node);
  const RecordRow& record = run.record;
  const AgeClass age =
      is_final(record.status) ? AgeClass::of(record.created_at, record.duration_ms) : AgeClass();
  const PartialKey key{slot_of(record.created_at), record.population, record.cohort, age};
  Cell& cell = cell_of(key);
  KpiPartial& partial = *cell.partial;
  if (record.status != Status::skipped && may_be_canary(record)) count_hidden(record);
  const bool is_rated = reading.count(run, rows, options_.rules, partial);
  const bool is_open = !is_final(record.status);
  if (!is_rated && !is_open) return false;
  Places& places = places_of(run, cell);
  if (record.population == Population::dag) count_in_stratum(run, rows, cell, places);
  if (is_open) return false;
  const bool has_users =
      options_.users_from && floor_to_slot(record.created_at) >= *options_.users_from;
  if (has_users && record.population == Population::dag) {
    if (cell.users == nullptr) cell.users = &users_[key];
    cell.users->push_back(user_run(user, record, rows));
  }
  const auto add = [&](PlanSourcePartial*& part, std::map<std::string, PlanSourcePartial>& parts,
                       std::uint32_t text) {
    if (text == 0) return;
    if (part == nullptr) part = &parts[pools_.texts.label(text)];
    ++part->runs;
    part->succeeded += record.status == Status::succeeded ? 1 : 0;
  };
  add(places.plan_source, partial.plan_sources, run.plan_source);
  add(places.pipeline, partial.pipelines, run.pipeline);
  return true;
}

std::map<PartialKey, KpiPartial> Settling::take_partials() {
  for (auto& [key, partial] : partials_) {
    std::ranges::sort(partial.open_runs);
    for (auto& [stratum, alike] : partial.strata) {
      std::ranges::sort(alike.open_runs);
      alike.latency.coarsen();
    }
    partial.bound_labels();
  }
  return std::move(partials_);
}

void Settling::settle(RunShard& shard, ShardSlots* slots) {
  const Reading reading(pools_, options_.outcome_node);
  std::vector<NodeRow>& nodes = shard.nodes;
  std::sort(nodes.begin(), nodes.end(),
            [&](const NodeRow& a, const NodeRow& b) { return reading.before(a, b); });
  std::ranges::sort(shard.unread, {}, &UnreadRow::run);
  auto at = nodes.cbegin();
  auto unread_at = shard.unread.cbegin();
  std::uint32_t index = 0;
  for (auto row = shard.runs.cbegin(); row != shard.runs.cend(); ++row, ++index) {
    const auto first = at;
    while (at != nodes.cend() && at->run == index) ++at;
    const auto first_unread = unread_at;
    while (unread_at != shard.unread.cend() && unread_at->run == index) ++unread_at;
    const NodeRows rows(first, at);
    const RecordRow& record = row->record;
    const bool has_end = record.is_run_record && is_final(record.status);
    bool may_matter = first_unread != unread_at && !has_end;
    std::uint32_t slot = ShardSlots::kNone;
    if (record.is_run_record || !rows.empty()) {
      const SettledRun run =
          record.is_run_record ? reading.settled(record, rows) : reading.derive(rows);
      slot = slot_number_of(run.record.created_at);
      if (is_selected(run.pipeline)) {
        const bool is_rated = count(run, rows, shard.user_of(index));
        if (is_rated && has_end) count_attempts_of(run.record, {first_unread, unread_at});
      } else if (run.pipeline != 0) {
        may_matter = false;  // it shows another pipeline
      } else if (is_unread(run.record, Field::pipeline_id) &&
                 run.record.status != Status::skipped) {
        count_hidden(run.record);
      }
    }
    if (slots != nullptr) slots->ends.push_back(slot);
    if (may_matter) count_unread({first_unread, unread_at}, slots);
  }
  DAGLOOP_ASSERT(at == nodes.cend() && unread_at == shard.unread.cend());
}

}  // namespace dagloop
