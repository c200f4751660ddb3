#include "dagloop/evidence/decline.hpp"

#include <cmath>

namespace dagloop {

double failure_effect(const Evidence& evidence) {
  if (!tell_users_apart(evidence.subject_users, evidence.reference_users)) return 1;
  return spread_of(evidence.subject_users, evidence.reference_users,
                   {&UserArm::runs, &UserArm::failed}, 0)
      .design_effect;
}

std::optional<DeclineView> view_decline(const Evidence& evidence, const EvidenceConfig& config) {
  const FixedBaseline& baseline = evidence.fixed;
  if (!baseline.bound) return std::nullopt;
  const double effect = failure_effect(evidence);
  DeclineView view;
  view.fixed = baseline.counted;
  view.bound = *baseline.bound;
  view.e_value = e_value_of(baseline.later.greatest_log_e_at(effect));
  view.needed = 1 / (config.alpha * kDeclineShare);
  const auto stretch = baseline.later.best_stretch(no_decline(view.bound));
  if (!stretch) return view;
  view.stretch = stretch->seen.counts.subject;
  view.is_convincing = stretch->log_gain / effect >= std::log(kConvincing);
  return view;
}

}  // namespace dagloop
