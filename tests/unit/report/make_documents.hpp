// Seeded values to render as documents. For the report layer's tests.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/kpi/quality.hpp"
#include "make_codes.hpp"
#include "make_quality.hpp"
#include "rollout_generator.hpp"

namespace dagloop::test {

/// Returns runs with everything that a document shows, awkward names included.
inline KpiPartial random_partial(Random& random) {
  KpiPartial partial;
  partial.plan_sources["llm"] = {20, random.below(20)};
  for (std::uint64_t i = random.below(9); i > 0; --i) {
    partial.plan_sources["rule" + std::to_string(i)] = {i, random.below(i + 1)};
  }
  const std::uint64_t others = 1 + random.below(500);
  partial.total_runs = others;
  partial.succeeded = random.below(others + 1);
  for (const auto& [name, source] : partial.plan_sources) {
    partial.total_runs += source.runs;
    partial.succeeded += source.succeeded;
  }
  partial.in_flight = random.below(5);
  partial.derived_runs = random.below(5);
  partial.fallback = random.below(partial.total_runs + 1);
  partial.compensation_total = random.below(20);
  partial.compensation_failed = random.below(partial.compensation_total + 1);
  partial.fanout_total = random.below(50);
  partial.fanout_failed = random.below(70);  // more than the total: no interval
  set_codes(partial, {{"TOOL_TIMEOUT", random.below(9)},
                      {"we\"ird|\n\x01\\", random.below(9)},
                      {"zeitüberschreitung 時間切れ", random.below(9)}});
  partial.nodes["n/1"] = make_node(40, random.below(40), 10, random.below(10));
  partial.nodes[""] = make_node(random.below(3), 0);
  partial.nodes["n/1"].latency.add(static_cast<double>(random.below(1'000'000)) / 7);
  const bool many = random.chance(0.05);  // enough that quantiles come from buckets
  for (std::uint64_t i = many ? DurationHistogram::kExactLimit + 9 : random.below(40); i > 0; --i) {
    partial.latency.add(static_cast<double>(random.below(1'000'000)) / 7);
  }
  return partial;
}

/// Returns a report; cohorts, non-DAG runs, baseline and malformed lines come and go.
inline Quality random_quality(Random& random) {
  PartialSet set;
  for (const Cohort cohort : {Cohort::none, Cohort::canary, Cohort::control}) {
    if (random.chance(0.3)) continue;
    set.partials[{kCurrentWindow.start, Population::dag, cohort}] = random_partial(random);
    set.partials[{kBaselineWindow.start, Population::dag, cohort}] = random_partial(random);
  }
  if (random.chance(0.5)) {
    set.partials[{kCurrentWindow.start, Population::non_dag, Cohort::none}] =
        random_partial(random);
  }
  Quality quality;
  quality.generated_at = kAsOf + Microseconds(random.below(100'000'000));
  quality.as_of = kAsOf;
  quality.current = compute_window_kpis(set, kCurrentWindow);
  if (random.chance(0.8)) {
    quality.baseline = compute_window_kpis(set, kBaselineWindow);
  }
  quality.attribution =
      attribute({"canary", set.sum(kCurrentWindow, Population::dag, Cohort::canary),
                 Strata{{"05", {7, random.below(7)}}, {"23", {9, random.below(9)}}}},
                {"control", set.sum(kCurrentWindow, Population::dag, Cohort::control),
                 Strata{{"05", {70, random.below(70)}}, {"11", {9, random.below(9)}}}});
  if (random.chance(0.7)) {
    quality.service = service_figures(set.sum(kCurrentWindow, Population::dag));
  }
  quality.input.records = 100 + random.below(100);
  quality.input.run_records = random.below(50);
  quality.input.node_records = random.below(50);
  quality.input.duplicates = random.below(9);
  quality.input.out_of_range = random.below(9);
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    const auto reason = static_cast<RejectReason>(
        random.below(static_cast<std::uint64_t>(RejectReason::line_too_long) + 1));
    quality.input.reject({"logs/tag ö.jsonl", i, reason});
  }
  if (random.chance(0.8)) quality.input.newest_record = kAsOf - std::chrono::minutes(3);
  return quality;
}

/// Returns a decision with every part filled.
inline Decision make_decision() {
  Decision decision;
  decision.generated_at = kAsOf + std::chrono::milliseconds(1500);
  decision.as_of = kAsOf;
  decision.action = Action::promote;
  decision.verdict = Verdict::PASS;
  decision.current_percent = 10;
  decision.next_percent = 30;
  decision.triggers.push_back({"success_drop",
                               "pipeline_success_rate",
                               TriggerState::quiet,
                               0.95,
                               0.96,
                               10,
                               40,
                               400,
                               std::nullopt,
                               {"success_drop_quiet", {{"text", "fine"}}}});
  decision.triggers.push_back({"p95_ratio",
                               "p95_latency_ms",
                               TriggerState::insufficient,
                               std::nullopt,
                               std::nullopt,
                               1.5,
                               0,
                               0,
                               std::nullopt,
                               {"p95_ratio_insufficient", {{"text", "no runs"}}}});
  decision.reasons.push_back({"gate_pass"});
  decision.reasons.push_back({"cooldown", {{"until", kAsOf}}});
  decision.recommendations.push_back(
      {"slow_nodes",
       "timeouts",
       1,
       "DAG_NODE_TIMEOUT_MS",
       "1000",
       "2000",
       "nodes time out",
       {Reason{"node_meets",
               {{"node", "n"},
                {"met", std::vector{Reason{"condition_met",
                                           {{"kpi", "attempts"},
                                            {"attempts", 3},
                                            {"comparator", ">="},
                                            {"threshold", 2.5}}}}}}}},
       "fewer timeouts",
       Reason{"clipped_by_bounds", {{"suggested", 2500.5}, {"value", 2000}}},
       Prediction{
           EffectModel::node_timeout, {1.25, 0.5, 2}, {120, -10, 300}, 40, Reach::extrapolated},
       Trust::calibrated});
  decision.recommendations.push_back({"rate_limits",
                                      "load",
                                      2,
                                      "DAG_MAX_PARALLEL",
                                      "8",
                                      "6",
                                      "the tools limit the rate",
                                      {Reason{"condition_met", {{"text", "9 of 90"}}}},
                                      "fewer 429",
                                      std::nullopt});
  decision.patch["DAG_ROLLOUT_PERCENT"] = {"10", "30"};
  decision.env_sha256 = std::string(64, 'a');
  decision.expires_at = kAsOf + std::chrono::hours(24);
  decision.proposed_by = "tester";
  return decision;
}

/// Returns a ledger with an outcome inside, one outside, and one that is still to come.
inline std::vector<LedgerEntry> make_ledger() {
  std::vector<LedgerEntry> ledger;
  for (const double change : {2.0, -9.0}) {
    LedgerEntry entry{"d1",
                      "DAG_NODE_TIMEOUT_MS",
                      {"1000", "2000"},
                      *make_decision().recommendations[0].prediction,
                      kAsOf,
                      Outcome{ActualEffect{change, 0.5}, ActualEffect{100, 20}, kAsOf, 50, 60}};
    ledger.push_back(entry);
  }
  ledger.push_back(ledger[0]);
  ledger.back().outcome.reset();
  return ledger;
}

/// Calls `edit` on each value of `document` that holds no others, one after the other.
template <typename Edit>
void for_each_leaf(Json& document, const Edit& edit, const std::string& path = "") {
  if (document.is_object() && !document.as_object().empty()) {
    for (auto& [key, value] : document.as_object()) for_each_leaf(value, edit, path + "." + key);
  } else if (document.is_array() && !document.as_array().empty()) {
    for (Json& element : document.as_array()) for_each_leaf(element, edit, path + "[]");
  } else {
    edit(document, path);
  }
}

}  // namespace dagloop::test
