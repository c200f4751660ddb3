// What a decision rests on: the configuration, what the state knows of policies, the figures.
// Values, and references to values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/excluded_policy.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/decide/recommendation.hpp"
#include "dagloop/decide/rollout.hpp"
#include "dagloop/decide/trigger.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Configuration, "decision".
struct DecisionConfig {
  std::vector<int> ladder{0, 10, 30, 60, 100};
  std::string rollout_key = "DAG_ROLLOUT_PERCENT";
  std::uint64_t min_sample = 20;
  double promotion_margin_pp = 2.0;
  Microseconds soak = std::chrono::hours(6);
  Microseconds cooldown = std::chrono::hours(24);
  Microseconds verification_timeout = std::chrono::hours(72);  // after that a person has to act
  Microseconds warmup = std::chrono::minutes(30);  // after a change: runs begun in it do not count
  TriggerThresholds triggers;
  EvidenceConfig evidence;
};

/// Returns how long after a change runs that begin count on neither side; not at all where the
/// figures alone decide: no test of its own would tell of a canary that is dead from the first.
Microseconds warmup_in_effect(const DecisionConfig& config);

/// Reads the section; a missing one gives the defaults.
///
/// Errors: Error{config}.
DecisionConfig parse_decision_config(const JsonReader& reader);

/// What the state knows of policies.
struct PolicyHistory {
  enum class ChangeState { none, under_verification };
  ChangeState change = ChangeState::none;
  PolicyValues before_change;               // what the change under verification replaced
  std::vector<PolicyValues> verified;       // oldest first; each was in force and passed
  std::optional<TimePoint> in_force_since;  // of the present policy; unknown: before the window
  std::optional<TimePoint> before_since;    // of the one that a change under verification replaced
  std::optional<TimePoint> cooldown_until;
  std::optional<RolledBack> rolled_back;  // what put the present policy in force, if a rollback
  std::vector<ExcludedPolicy> excluded;   // by evidence; each until a person begins anew
  PolicyValues proposed;                  // by a change that waits for its approval
  std::vector<LedgerEntry> ledger;        // what came of earlier predictions
};

/// Everything that a decision rests on.
struct DecisionInputs {
  const Quality& quality;
  const GateResult& gate;
  BaselineKind baseline = BaselineKind::automatic;
  const DecisionConfig& config;
  const Evidence& evidence;  // of this rollout, up to this assessment
  DataLimits limits;
  const std::vector<KeySpec>& keys;
  const std::vector<PolicyRule>& rules;
  PolicyValues values;     // allowlisted keys of the env file
  std::string env_sha256;  // of the whole env file
  PolicyHistory history;
  TimePoint now;
  Microseconds approval_ttl = std::chrono::hours(24);
  std::string proposed_by;
  // The part of the evidence whose runs have all arrived; a promotion stands on it, too. None:
  // there is no such part, as of one report by itself.
  const Evidence* sealed = nullptr;
};

}  // namespace dagloop
