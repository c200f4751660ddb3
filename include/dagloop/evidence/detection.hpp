// How long a change for the worse takes to be found, from its onset. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Returns about how many runs of the subject a drop of the success rate by `drop_pp` percentage
/// points takes from its onset until `success_drop` has the evidence to roll back: at the rate that
/// the reference has, with the subject's share of the runs, and with users who come back. nullopt:
/// nothing is known of a side yet, or it takes for ever.
///
/// Shape:  half of all drops are found earlier; nine of ten within twice as many runs.
/// Source: Wald 1945, "Sequential tests of statistical hypotheses" (what is needed over what a run
///         is expected to bring); docs/decision-quality.md has the simulated numbers.
std::optional<std::uint64_t> runs_to_find(const Evidence& evidence, double drop_pp,
                                          const EvidenceConfig& config);

}  // namespace dagloop
