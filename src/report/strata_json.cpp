#include "report/strata_json.hpp"

#include <algorithm>

#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

bool are_alike_counts(const AlikeFigure& figure) {
  return figure.subject_events <= figure.subject_trials && figure.subject_trials > 0 &&
         figure.reference_trials > 0;
}

constexpr auto kFigure = fields_of<AlikeFigure>(
    field("subject", &AlikeFigure::subject), field("reference", &AlikeFigure::reference),
    field("subject_trials", &AlikeFigure::subject_trials, kCount),
    field("subject_events", &AlikeFigure::subject_events, kCount),
    field("reference_trials", &AlikeFigure::reference_trials, kCount),
    field_or_default("ci95", &AlikeFigure::ci95, ByHand<Interval>{&ends_to_json, &read_ends}),
    must_hold(&are_alike_counts, "", "are no figures of both sides", kEvaluateAgain));

bool is_part_of_all(const Comparable& comparable) { return comparable.runs <= comparable.all_runs; }

// A rate beyond 1 would cross no limit of a drop, or any of a rise.
bool are_rates(const Comparable& comparable) {
  return std::ranges::all_of(comparable.figures, [](const auto& each) {
    const bool is_rate = each.first != "p95_latency_ms";
    const auto is_fine = [&](double value) { return value >= 0 && (!is_rate || value <= 1); };
    return is_fine(each.second.subject) && is_fine(each.second.reference);
  });
}

constexpr auto kComparable = fields_of<Comparable>(
    field("subject", &Comparable::subject_name), field("reference", &Comparable::reference_name),
    field("strata", &Comparable::strata, kCount), field("all_runs", &Comparable::all_runs, kCount),
    field("runs", &Comparable::runs, kCount), field("figures", &Comparable::figures, kFigure),
    must_hold(&is_part_of_all, "runs", "are more than all", kEvaluateAgain),
    must_hold(&are_rates, "figures", "are no rates", kEvaluateAgain));

constexpr auto kStratumNames = fields_of<Stratum>(field("pipeline", &Stratum::pipeline),
                                                  field("plan_source", &Stratum::plan_source));

}  // namespace

Json comparable_to_json(const Comparable& comparable) {
  return write_json(kComparable, comparable);
}

Comparable read_comparable(const JsonReader& reader) {
  return read_json<Comparable>(kComparable, reader);
}

Json stratum_to_json(const Stratum& stratum) { return write_json(kStratumNames, stratum); }

Stratum read_stratum(const JsonReader& reader) { return read_json<Stratum>(kStratumNames, reader); }

}  // namespace dagloop
