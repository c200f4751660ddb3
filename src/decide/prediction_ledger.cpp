#include "dagloop/decide/prediction_ledger.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/struct_codec.hpp"
#include "decide/figures.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostEntries = 200;
// Of five intervals of 80 % at most one holds with a probability of 0.7 %, at most two with 5.8 %:
// a model is distrusted when four of its first five miss.
constexpr std::uint64_t kLeastOutcomes = 5;
constexpr double kHeld = 0.8;
constexpr double kSignificance = 0.05;
constexpr std::uint64_t kLeastComparedRuns = 20;
constexpr std::array<std::string_view, 3> kTrusts{"untested", "calibrated", "badly_calibrated"};

// P(at most `inside` of `all`) where each is inside with probability 0.8.
double binomial_tail(std::uint64_t inside, std::uint64_t all) {
  double sum = 0;
  for (std::uint64_t k = 0; k <= inside; ++k) {
    const double ways = std::lgamma(as_double(all) + 1) - std::lgamma(as_double(k) + 1) -
                        std::lgamma(as_double(all - k) + 1);
    sum +=
        std::exp(ways + as_double(k) * std::log(kHeld) + as_double(all - k) * std::log1p(-kHeld));
  }
  return sum;
}

Trust trust_of(const Calibration& counts) {
  DAGLOOP_ASSERT(counts.inside <= counts.predictions);
  if (counts.predictions < kLeastOutcomes) return Trust::untested;
  return binomial_tail(counts.inside, counts.predictions) < kSignificance ? Trust::badly_calibrated
                                                                          : Trust::calibrated;
}

std::optional<ActualEffect> rate_change(const PopulationKpis& before, const PopulationKpis& after) {
  if (before.total_runs < kLeastComparedRuns || after.total_runs < kLeastComparedRuns)
    return std::nullopt;
  double variance = 0;
  const auto rate = [&](const PopulationKpis& runs) {
    const double n = as_double(runs.total_runs);
    const double share = as_double(runs.succeeded_runs) / n;
    // One more of each kind, so that no sample is taken for free of error.
    const double smoothed = (as_double(runs.succeeded_runs) + 1) / (n + 2);
    variance += smoothed * (1 - smoothed) / n;
    return share;
  };
  const double change = rate(after) - rate(before);
  return ActualEffect{100 * change, 100 * std::sqrt(variance)};
}

// The density at the p95 from the p99 beside it: a straight line between the two quantiles.
std::optional<double> p95_error(const KpiSet& kpis) {
  const Kpi* p95 = kpis.find("p95_latency_ms");
  const Kpi* p99 = kpis.find("p99_latency_ms");
  const Kpi* p50 = kpis.find("p50_latency_ms");
  const bool known = p95 != nullptr && p99 != nullptr && p50 != nullptr && p95->value &&
                     p99->value && p50->value && p95->denominator >= kLeastComparedRuns;
  if (!known) return std::nullopt;
  // The standard error of a sample quantile is that of its rank, divided by the density there.
  const double in_rank = std::sqrt(0.95 * 0.05 / as_double(p95->denominator));
  const double above = (*p99->value - *p95->value) / 0.04;
  const double below = (*p95->value - *p50->value) / 0.45;
  return in_rank * std::max(above, below);
}

std::optional<ActualEffect> p95_change(const KpiSet& before, const KpiSet& after) {
  const auto error_before = p95_error(before);
  const auto error_after = p95_error(after);
  if (!error_before || !error_after) return std::nullopt;
  return ActualEffect{*after.find("p95_latency_ms")->value - *before.find("p95_latency_ms")->value,
                      std::hypot(*error_before, *error_after)};
}

constexpr Count kRuns{"a count is negative", "restore the state from a backup"};

constexpr auto kActual = fields_of<ActualEffect>(
    field("change", &ActualEffect::change), field("standard_error", &ActualEffect::standard_error));

constexpr auto kOutcome = fields_of<Outcome>(
    field_or_default("success_rate_pp", &Outcome::success_rate_pp, kActual),
    field_or_default("p95_ms", &Outcome::p95_ms, kActual), field("at", &Outcome::at),
    field("runs_before", &Outcome::runs_before, kRuns),
    field("runs_after", &Outcome::runs_after, kRuns),
    field_or_default("figure", &Outcome::figure, kActual));

constexpr auto kFigure =
    fields_of<NamedFigure>(field("node", &NamedFigure::node), field("kpi", &NamedFigure::kpi),
                           field("value", &NamedFigure::value), field("low", &NamedFigure::low),
                           field("high", &NamedFigure::high));

ActualEffect figure_change(const NamedFigure& before, const NamedFigure& after) {
  const auto error = [](const NamedFigure& figure) {
    return (figure.high - figure.low) / (2 * kEightyPercent);
  };
  return {after.value - before.value, std::hypot(error(before), error(after))};
}

Json inside_to_json(const LedgerEntry& entry) {
  const auto inside = is_inside(entry);
  return inside ? Json(*inside) : Json();
}

constexpr auto kEntry = fields_of<LedgerEntry>(
    field("decision_digest", &LedgerEntry::decision_digest),
    field("env_key", &LedgerEntry::env_key),
    inlined(&LedgerEntry::change,
            fields_of<Change>(field("from", &Change::before), field("to", &Change::after))),
    field("prediction", &LedgerEntry::prediction,
          ByHand<Prediction>{&prediction_to_json, &prediction_from_json}),
    field("applied_at", &LedgerEntry::applied_at),
    field_or_default("actual", &LedgerEntry::outcome, kOutcome), shown("inside", &inside_to_json),
    field_or_default("rule", &LedgerEntry::rule),
    field_or_default("figure", &LedgerEntry::figure, kFigure),
    field_or_default("is_undone", &LedgerEntry::is_undone));

}  // namespace

std::string_view to_string(Trust trust) { return kTrusts.at(static_cast<std::size_t>(trust)); }

std::optional<Trust> parse_trust(std::string_view word) {
  for (std::size_t i = 0; i < kTrusts.size(); ++i) {
    if (kTrusts.at(i) == word) return static_cast<Trust>(i);
  }
  return std::nullopt;
}

bool is_inside(const Effect& predicted, const ActualEffect& actual) {
  const double sampling = kEightyPercent * actual.standard_error;
  // An expected effect is a mean of what is possible; with a lopsided interval it may lie outside.
  const double middle = std::clamp(predicted.estimate, predicted.low, predicted.high);
  const double below = std::hypot(middle - predicted.low, sampling);
  const double above = std::hypot(predicted.high - middle, sampling);
  return actual.change >= middle - below && actual.change <= middle + above;
}

std::optional<bool> is_inside(const LedgerEntry& entry) {
  if (!entry.prediction || !entry.outcome || !entry.outcome->success_rate_pp) return std::nullopt;
  return is_inside(entry.prediction->success_rate_pp, *entry.outcome->success_rate_pp);
}

bool has_helped(const LedgerEntry& entry) {
  if (entry.is_undone || !entry.figure || !entry.outcome || !entry.outcome->figure) return false;
  const ActualEffect& effect = *entry.outcome->figure;
  const bool wants_more = better_direction(entry.figure->kpi) == Better::higher;
  const double gain = wants_more ? effect.change : -effect.change;
  return gain > kEightyPercent * effect.standard_error;
}

std::vector<Calibration> calibrations(const std::vector<LedgerEntry>& ledger) {
  std::vector<Calibration> all;
  for (const LedgerEntry& entry : ledger) {
    const auto inside = is_inside(entry);
    if (!inside) continue;
    auto found = std::find_if(all.begin(), all.end(), [&](const Calibration& each) {
      return each.model == entry.prediction->model;
    });
    if (found == all.end()) {
      all.emplace_back().model = entry.prediction->model;
      found = all.end() - 1;
    }
    ++found->predictions;
    found->inside += *inside ? 1U : 0U;
    if (!entry.outcome->p95_ms) continue;
    ++found->p95_predictions;
    found->p95_inside += is_inside(entry.prediction->p95_ms, *entry.outcome->p95_ms) ? 1U : 0U;
  }
  for (Calibration& each : all) each.trust = trust_of(each);
  std::sort(all.begin(), all.end(),
            [](const Calibration& a, const Calibration& b) { return a.model < b.model; });
  return all;
}

Trust trust_in(EffectModel model, const std::vector<LedgerEntry>& ledger) {
  for (const Calibration& each : calibrations(ledger)) {
    if (each.model == model) return each.trust;
  }
  return Trust::untested;
}

Outcome outcome_of(const Quality& quality) {
  const PopulationKpis& after = quality.current.population(Population::dag);
  Outcome outcome;
  outcome.at = quality.as_of;
  outcome.runs_after = after.total_runs;
  if (!quality.baseline) return outcome;
  const PopulationKpis& before = quality.baseline->population(Population::dag);
  outcome.runs_before = before.total_runs;
  outcome.success_rate_pp = rate_change(before, after);
  outcome.p95_ms = p95_change(before.kpis, after.kpis);
  return outcome;
}

void add_entries(std::vector<LedgerEntry>& ledger, const std::vector<LedgerEntry>& entries) {
  ledger.insert(ledger.end(), entries.begin(), entries.end());
  if (ledger.size() <= kMostEntries) return;
  ledger.erase(ledger.begin(), ledger.end() - static_cast<std::ptrdiff_t>(kMostEntries));
}

std::size_t add_outcome(std::vector<LedgerEntry>& ledger, const std::string& decision_digest,
                        const Quality& quality) {
  DAGLOOP_ASSERT(!decision_digest.empty());  // an operator's way back was predicted by nobody
  const Outcome outcome = outcome_of(quality);
  const PopulationKpis& after = quality.current.population(Population::dag);
  std::size_t written = 0;
  for (LedgerEntry& entry : ledger) {
    if (entry.decision_digest != decision_digest || entry.outcome) continue;
    entry.outcome = outcome;
    ++written;
    if (!entry.figure) continue;
    const auto now = same_figure(*entry.figure, after);
    if (now) entry.outcome->figure = figure_change(*entry.figure, *now);
  }
  return written;
}

void mark_undone(std::vector<LedgerEntry>& ledger, const Patch& back) {
  for (const auto& undone : back) {
    const auto last = std::find_if(ledger.rbegin(), ledger.rend(), [&](const LedgerEntry& each) {
      return each.env_key == undone.first && each.change.after == undone.second.before;
    });
    if (last != ledger.rend()) last->is_undone = true;
  }
}

Json ledger_to_json(const std::vector<LedgerEntry>& ledger) { return write_json(kEntry, ledger); }

std::vector<LedgerEntry> ledger_from_json(const JsonReader& reader) {
  return read_json<std::vector<LedgerEntry>>(kEntry, reader);
}

}  // namespace dagloop
