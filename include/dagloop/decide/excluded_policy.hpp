// Policies that evidence has excluded. Pure value types.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/trigger.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Returns a fingerprint of what is rolled out: the policy, whatever its percentage at `key` is.
std::string rollout_subject(PolicyValues values, const std::string& key);

/// A policy that evidence has excluded: it stays so until a person begins a new rollout of it.
struct ExcludedPolicy {
  std::string subject;  // rollout_subject()
  std::string trigger;  // that fired first
  TimePoint since;      // the end of the figures that it fired on
  bool operator==(const ExcludedPolicy&) const = default;
};

/// Returns that of `subject`, nullptr where there is none.
const ExcludedPolicy* find_excluded(const std::vector<ExcludedPolicy>& excluded,
                                    const std::string& subject);

/// What stood how when it was looked at.
struct TriggersAt {
  const std::vector<TriggerResult>& triggers;
  TimePoint as_of;
};

/// Adds `values`, which are in force, to what is excluded where the evidence of a trigger made it
/// fire; returns whether it did.
///
/// Shape: bare figures exclude nothing, and nothing is excluded at 0 %, where there is no canary.
///        What is excluded stays as it is. The 50 latest are kept.
bool note_excluded(std::vector<ExcludedPolicy>& excluded, const PolicyValues& values,
                   const std::string& rollout_key, const TriggersAt& found);

}  // namespace dagloop
