#include "dagloop/decide/prediction.hpp"

#include <fmt/format.h>

#include <array>

namespace dagloop {
namespace {

constexpr std::array<std::string_view, 5> kModels{
    "one_more_attempt", "node_timeout", "pipeline_timeout", "fan_out_concurrency", "fallback"};
constexpr std::array<std::string_view, 2> kReaches{"inside", "extrapolated"};

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

Json effect_to_json(const Effect& effect) {
  return Json::object({{"estimate", effect.estimate}, {"low", effect.low}, {"high", effect.high}});
}

Effect effect_from_json(const JsonReader& reader) {
  const Effect effect{reader.at("estimate").number(), reader.at("low").number(),
                      reader.at("high").number()};
  if (effect.low > effect.high) reader.fail("its ends are in the wrong order", "decide again");
  return effect;
}

Json prediction_to_json(const Prediction& prediction) {
  return Json::object({{"model", to_string(prediction.model)},
                       {"success_rate_pp", effect_to_json(prediction.success_rate_pp)},
                       {"p95_ms", effect_to_json(prediction.p95_ms)},
                       {"assumption", prediction.assumption},
                       {"n", prediction.n},
                       {"reach", to_string(prediction.reach)}});
}

Prediction prediction_from_json(const JsonReader& reader) {
  Prediction prediction;
  const auto model = parse_effect_model(reader.at("model").string());
  if (!model) reader.at("model").fail("unknown model", "decide again with this version");
  prediction.model = *model;
  prediction.success_rate_pp = effect_from_json(reader.at("success_rate_pp"));
  prediction.p95_ms = effect_from_json(reader.at("p95_ms"));
  prediction.assumption = reader.at("assumption").string();
  const std::int64_t n = reader.at("n").integer();
  if (n < 0) reader.at("n").fail("a count is negative", "decide again");
  prediction.n = static_cast<std::uint64_t>(n);
  const JsonReader reach = reader.at("reach");
  if (reach.string() == to_string(Reach::extrapolated)) {
    prediction.reach = Reach::extrapolated;
  } else if (reach.string() != to_string(Reach::inside)) {
    reach.fail("unknown word", "decide again with this version");
  }
  return prediction;
}

std::string prediction_text(const Prediction& prediction) {
  const Effect& rate = prediction.success_rate_pp;
  const Effect& p95 = prediction.p95_ms;
  return fmt::format(
      "success rate {:+.1f} pp (80 %: {:+.1f} to {:+.1f}), p95 {:+.0f} ms (80 %: {:+.0f} to "
      "{:+.0f}){}; {}",
      rate.estimate, rate.low, rate.high, p95.estimate, p95.low, p95.high,
      prediction.reach == Reach::extrapolated ? ", beyond what was seen: not sure" : "",
      prediction.assumption);
}

}  // namespace dagloop
