// Faults of policy keys as reasons. Pure.
#pragma once

#include <vector>

#include "dagloop/decide/reason.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Returns a fault as a reason: its kind with what it has of value, demand and limit; of the
/// present value `no_way_back`, with that as its reason.
///
/// Source: docs/formats.md, "Decision".
Reason fault_reason(const KeyFault& fault);

/// Returns each of `faults` as a reason.
std::vector<Reason> fault_reasons(const std::vector<KeyFault>& faults);

}  // namespace dagloop
