// What a change is expected to do, and how sure that is. Value types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dagloop/base/json_reader.hpp"

namespace dagloop {

/// Models that rules may name; the printed words are the enumerators.
enum class EffectModel {
  one_more_attempt,
  node_timeout,
  pipeline_timeout,
  fan_out_concurrency,
  fallback,
};

/// Returns the printed word, and reads it.
std::string_view to_string(EffectModel model);
std::optional<EffectModel> parse_effect_model(std::string_view word);

/// The expected change of a figure, with an interval that holds the true one in 80 % of all cases.
struct Effect {
  double estimate = 0;
  double low = 0;
  double high = 0;
  bool operator==(const Effect&) const = default;
};

/// Whether a prediction rests on what was seen, or on what lies beyond it.
enum class Reach { inside, extrapolated };
std::string_view to_string(Reach reach);

/// What a model expects of a change.
struct Prediction {
  EffectModel model = EffectModel::one_more_attempt;
  Effect success_rate_pp;  // percentage points
  Effect p95_ms;
  std::uint64_t n = 0;  // runs or attempts that it rests on
  Reach reach = Reach::inside;
  bool operator==(const Prediction&) const = default;
};

/// Returns it as JSON, and reads it back.
Json prediction_to_json(const Prediction& prediction);
Prediction prediction_from_json(const JsonReader& reader);

}  // namespace dagloop
