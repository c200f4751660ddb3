// Triggers of canaries alone: none comes any more, or all fail while they are cold. Pure; private
// to the decide layer.
#pragma once

#include <cstdint>
#include <optional>

#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/trigger_result.hpp"

namespace dagloop {

/// Returns how `canary_missing` stands: canary runs are less than half of what the percentage says.
/// nullopt where it is not tested: nothing stands between 0 and 100 %, or no cohorts are compared.
std::optional<TriggerResult> canary_missing(const Comparison& comparison, std::uint64_t min_sample,
                                            const TriggerEvidence& evidence);

/// Returns how `success_collapse` stands: of the runs that began while a side was cold the canary's
/// fail more often by 50 points or more. nullopt as above.
std::optional<TriggerResult> success_collapse(const Comparison& comparison,
                                              std::uint64_t min_sample,
                                              const TriggerEvidence& evidence);

}  // namespace dagloop
