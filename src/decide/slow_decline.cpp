#include "decide/slow_decline.hpp"

#include <algorithm>

#include "dagloop/evidence/decline.hpp"

namespace dagloop {
namespace {

ArmCounts failures_of(const Quality& quality) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  const Kpi* success = dag.decided().find("pipeline_success_rate");
  if (success == nullptr || success->numerator > success->denominator) return {};
  return {success->denominator, success->denominator - success->numerator};
}

}  // namespace

std::optional<Reason> slow_decline(const DecisionInputs& inputs) {
  const auto& limit_pp = inputs.config.triggers.decline_pp;
  if (!limit_pp || inputs.config.evidence.mode == EvidenceMode::point) return std::nullopt;
  const auto view = view_decline(inputs.evidence, inputs.config.evidence);
  if (!view || !view->decides()) return std::nullopt;
  const std::uint64_t least = std::max<std::uint64_t>(1, inputs.config.min_sample);
  ArmCounts worst = failures_of(inputs.quality);
  // A window of a week dilutes what has declined in days.
  const bool has_stretch = view->is_convincing && view->stretch.trials >= least;
  const bool is_stretch_worse =
      has_stretch && (worst.trials < least || rate_of(view->stretch) > rate_of(worst));
  if (is_stretch_worse) worst = view->stretch;
  if (worst.trials < least) return std::nullopt;
  const double decline_pp = 100 * (rate_of(worst) - view->bound);
  constexpr double kSlack = 1e-9;
  if (decline_pp < *limit_pp - kSlack) return std::nullopt;
  return Reason{std::string(kDeclined),
                {{"kpi", "pipeline_success_rate"},
                 {"value", 1 - rate_of(worst)},
                 {"count", worst.trials - worst.events},
                 {"total", worst.trials},
                 {"then_value", 1 - rate_of(view->fixed)},
                 {"then_low", 1 - view->bound},
                 {"then_total", view->fixed.trials},
                 {"then_since", inputs.evidence.fixed.since},
                 {"decline_pp", decline_pp},
                 {"limit_decline_pp", *limit_pp}}};
}

}  // namespace dagloop
