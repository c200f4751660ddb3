// What was changed, what was predicted of it, and what came of it; how far models are to be trusted
// by that. Value types; the cycle's state keeps the ledger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/named_figure.hpp"
#include "dagloop/decide/prediction.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// A figure's change from the runs before a change to those after it.
struct ActualEffect {
  double change = 0;
  double standard_error = 0;  // of the change: runs are a sample
  bool operator==(const ActualEffect&) const = default;
};

/// What came of a change; a figure is missing where one side has too few runs.
struct Outcome {
  std::optional<ActualEffect> success_rate_pp;
  std::optional<ActualEffect> p95_ms;
  TimePoint at;
  std::uint64_t runs_before = 0;
  std::uint64_t runs_after = 0;
  std::optional<ActualEffect> figure = {};  // LedgerEntry::figure
  bool operator==(const Outcome&) const = default;
};

/// One changed key and, once its verification has ended, its outcome.
struct LedgerEntry {
  std::string decision_digest;
  std::string env_key;
  Change change;
  std::optional<Prediction> prediction;  // none: no model chose the value
  TimePoint applied_at;
  std::optional<Outcome> outcome;
  std::string rule = {};                   // that recommended it; "": a step of the ladder
  std::optional<NamedFigure> figure = {};  // that the rule names, when the change was decided on
  bool is_undone = false;                  // rolled back, or changed by hand
  bool operator==(const LedgerEntry&) const = default;
};

/// Returns whether an actual change lies inside a predicted interval that is widened by the
/// sampling error of the actual one (each side as the root of the sum of squares).
bool is_inside(const Effect& predicted, const ActualEffect& actual);

/// Returns whether the success rate's actual change was inside; nullopt without an outcome.
std::optional<bool> is_inside(const LedgerEntry& entry);

/// Returns whether the figure that the rule names is better after the change by more than noise
/// (80 %), and the change stands.
bool has_helped(const LedgerEntry& entry);

/// How much a model's intervals are to be trusted.
enum class Trust { untested, calibrated, badly_calibrated };
std::string_view to_string(Trust trust);
std::optional<Trust> parse_trust(std::string_view word);

/// What came of one model's predictions of the success rate and of p95.
struct Calibration {
  EffectModel model = EffectModel::one_more_attempt;
  std::uint64_t predictions = 0;  // with an outcome
  std::uint64_t inside = 0;
  std::uint64_t p95_predictions = 0;
  std::uint64_t p95_inside = 0;
  Trust trust = Trust::untested;
  bool operator==(const Calibration&) const = default;
};

/// Returns the calibration of each model that has an outcome.
///
/// Shape:  fewer than 5 outcomes: untested; badly calibrated where so few inside would come with a
///         probability below 5 % from intervals that hold 80 % (exact binomial test).
std::vector<Calibration> calibrations(const std::vector<LedgerEntry>& ledger);

/// Returns how far `model` is to be trusted.
Trust trust_in(EffectModel model, const std::vector<LedgerEntry>& ledger);

/// Returns what came of a change: the runs of `quality`'s window against those of its baseline.
Outcome outcome_of(const Quality& quality);

/// Adds entries, oldest dropped where there are more than 200.
void add_entries(std::vector<LedgerEntry>& ledger, const std::vector<LedgerEntry>& entries);

/// Writes what came of a decision into its entries that have no outcome yet; returns how many.
std::size_t add_outcome(std::vector<LedgerEntry>& ledger, const std::string& decision_digest,
                        const Quality& quality);

/// Notes that each change of `back` undoes what set the value that it leaves.
void mark_undone(std::vector<LedgerEntry>& ledger, const Patch& back);

/// Returns it as JSON, and reads it back.
Json ledger_to_json(const std::vector<LedgerEntry>& ledger);
std::vector<LedgerEntry> ledger_from_json(const JsonReader& reader);

}  // namespace dagloop
