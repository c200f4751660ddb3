#include "dagloop/decide/prediction.hpp"

#include <array>

#include "dagloop/base/struct_codec.hpp"

namespace dagloop {
namespace {

constexpr std::array<std::string_view, 5> kModels{
    "one_more_attempt", "node_timeout", "pipeline_timeout", "fan_out_concurrency", "fallback"};
constexpr std::array<std::string_view, 2> kReaches{"inside", "extrapolated"};

std::optional<Reach> parse_reach(std::string_view word) {
  for (const Reach reach : {Reach::inside, Reach::extrapolated}) {
    if (word == to_string(reach)) return reach;
  }
  return std::nullopt;
}

constexpr std::string_view kDecideAgain = "decide again with this version";

constexpr auto kEffect = fields_of<Effect>(
    field("estimate", &Effect::estimate), field("low", &Effect::low), field("high", &Effect::high),
    must_hold<Effect>([](const Effect& effect) { return effect.low <= effect.high; }, "",
                      "its ends are in the wrong order", "decide again"));

constexpr auto kPrediction = fields_of<Prediction>(
    field("model", &Prediction::model,
          WordOf<EffectModel>{&parse_effect_model, "unknown model", kDecideAgain}),
    field("success_rate_pp", &Prediction::success_rate_pp, kEffect),
    field("p95_ms", &Prediction::p95_ms, kEffect),
    field("n", &Prediction::n, Count{"a count is negative", "decide again"}),
    field("reach", &Prediction::reach, WordOf<Reach>{&parse_reach, "unknown word", kDecideAgain}));

}  // namespace

std::string_view to_string(EffectModel model) {
  return kModels.at(static_cast<std::size_t>(model));
}

std::optional<EffectModel> parse_effect_model(std::string_view word) {
  for (std::size_t i = 0; i < kModels.size(); ++i) {
    if (kModels.at(i) == word) return static_cast<EffectModel>(i);
  }
  return std::nullopt;
}

std::string_view to_string(Reach reach) { return kReaches.at(static_cast<std::size_t>(reach)); }

Json prediction_to_json(const Prediction& prediction) {
  return write_json(kPrediction, prediction);
}

Prediction prediction_from_json(const JsonReader& reader) {
  return read_json<Prediction>(kPrediction, reader);
}

}  // namespace dagloop
