#include "dagloop/base/assert.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/ladder.hpp"
#include "dagloop/decide/rollout.hpp"

namespace dagloop {

namespace {

/// Returns what leads from `values` to `policy`; a key that the env file lacks is never added.
Patch patch_between(const PolicyValues& values, const PolicyValues& policy) {
  Patch patch;
  for (const auto& [key, after] : policy) {
    const auto before = values.find(key);
    if (before != values.end() && before->second != after) patch[key] = {before->second, after};
  }
  return patch;
}

/// Returns the way to the latest verified policy that differs and is at `limit` percent at most.
std::optional<RollbackTarget> latest_verified(const PolicyValues& values,
                                              const PolicyHistory& history,
                                              const std::string& rollout_key, int limit) {
  // The latest first: it was verified on a service that is most like the present one.
  for (std::size_t i = history.verified.size(); i-- > 0;) {
    const PolicyValues& policy = history.verified[i];
    const auto percent = rollout_percent(policy, rollout_key);
    if (!percent || *percent > limit) continue;
    Patch patch = patch_between(values, policy);
    if (!patch.empty()) return RollbackTarget{std::move(patch), Decision::Approval::not_required};
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> rollout_percent(const PolicyValues& values, const std::string& key) {
  const auto text = values.find(key);
  if (text == values.end()) return std::nullopt;
  const auto percent = numeric_value(KeySpec{}, text->second);  // the default key is an integer
  if (!percent || *percent < 0 || *percent > 100) return std::nullopt;
  return static_cast<int>(*percent);
}

bool has_lost_canary(const PolicyValues& values, const PolicyHistory& history,
                     const DecisionConfig& config) {
  return history.rolled_back && rollout_percent(values, config.rollout_key) == 0;
}

BaselineKind baseline_in_effect(BaselineKind configured, const PolicyValues& values,
                                const PolicyHistory& history, const DecisionConfig& config) {
  if (configured == BaselineKind::period) return configured;
  const bool is_full = rollout_percent(values, config.rollout_key) == 100;
  const bool takes_control = !has_lost_canary(values, history, config) &&
                             (configured != BaselineKind::automatic || !is_full);
  return takes_control ? configured : BaselineKind::previous;
}

std::optional<RollbackTarget> rollback_target(const PolicyValues& values,
                                              const PolicyHistory& history,
                                              const DecisionConfig& config) {
  const auto percent = rollout_percent(values, config.rollout_key);
  DAGLOOP_ASSERT(percent.has_value());
  if (history.change == PolicyHistory::ChangeState::under_verification) {
    Patch back = patch_between(values, history.before_change);
    // What was in force right before is the surest way back: everything but the change was as it is
    // now.
    if (!back.empty()) return RollbackTarget{std::move(back), Decision::Approval::not_required};
    if (auto undo = latest_verified(values, history, config.rollout_key, *percent)) return undo;
  } else if (auto lower = latest_verified(values, history, config.rollout_key, *percent - 1)) {
    return lower;
  }
  const auto step = step_below(config.ladder, *percent);
  if (!step) return std::nullopt;
  Patch patch{{config.rollout_key, {values.at(config.rollout_key), std::to_string(*step)}}};
  return RollbackTarget{std::move(patch), Decision::Approval::required};
}

}  // namespace dagloop
