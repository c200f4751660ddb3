#include "decide/unread.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/figure_case.hpp"
#include "decide/figures.hpp"

namespace dagloop {
namespace {

// How many more failed runs of the subject leave it within the margin.
std::optional<std::uint64_t> allowed_by_margin(const Comparison& comparison, double margin) {
  if (comparison.subject == nullptr || comparison.reference == nullptr) return std::nullopt;
  const Kpi* subject = comparison.subject->decided().find("pipeline_success_rate");
  const Kpi* reference = comparison.reference->best_case().find("pipeline_success_rate");
  if (subject == nullptr || reference == nullptr || !reference->value) return std::nullopt;
  const double least = *reference->value - margin;
  if (least <= 0) return std::nullopt;
  const double most = as_double(subject->numerator) / least - as_double(subject->denominator);
  return static_cast<std::uint64_t>(std::max(0.0, std::floor(most + 1e-9)));
}

}  // namespace

DecisionInputs with_figures(const DecisionInputs& inputs, const Quality& quality,
                            const GateResult& gate, const Evidence& evidence) {
  return {.quality = quality,
          .gate = gate,
          .baseline = inputs.baseline,
          .config = inputs.config,
          .evidence = evidence,
          .limits = inputs.limits,
          .keys = inputs.keys,
          .rules = inputs.rules,
          .values = inputs.values,
          .env_sha256 = inputs.env_sha256,
          .history = inputs.history,
          .now = inputs.now,
          .approval_ttl = inputs.approval_ttl,
          .proposed_by = inputs.proposed_by,
          .sealed = inputs.sealed};
}

Block unread_of(const Comparison& comparison) {
  Block unread;
  if (comparison.subject != nullptr) {
    unread.subject.trials = comparison.subject->unread_runs;
    unread.subject.events = comparison.subject->unread_runs;
  }
  if (comparison.reference != nullptr) unread.reference.trials = comparison.reference->unread_runs;
  return unread;
}

Reason unreadable_reason(const DecisionInputs& inputs, const Comparison& comparison,
                         std::vector<Reason> would) {
  const Quality& quality = inputs.quality;
  const Block unread = unread_of(comparison);
  Reason reason{"unreadable_records_could_change_this",
                {{"unread", unread.subject.trials},
                 {"subject", comparison.subject_name},
                 {"reference_unread", unread.reference.trials},
                 {"reference", comparison.reference_name}}};
  add_unread_parts(reason.args, {comparison.subject, comparison.reference});
  const std::string places = first_malformed(quality.input);
  if (!places.empty()) reason.args.emplace_back("places", places);
  const auto allowed = allowed_by_margin(comparison, inputs.config.promotion_margin_pp / 100);
  if (allowed && unread.subject.trials > 0) reason.args.emplace_back("allowed", *allowed);
  const bool has_baseline =
      quality.baseline && comparison.reference == &quality.baseline->population(Population::dag);
  add_unread_leaves_at(reason.args, quality,
                       has_baseline ? UnreadOf::window_and_baseline : UnreadOf::window);
  if (!would.empty()) reason.args.emplace_back("would", std::move(would));
  return reason;
}

}  // namespace dagloop
