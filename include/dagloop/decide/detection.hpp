// How long a fault would take to be found, as a decision tells it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/comparison.hpp"
#include "dagloop/decide/decision_inputs.hpp"

namespace dagloop {

/// How long a drop of the success rate takes to be found, from its onset.
struct Detection {
  double drop_pp = 0;
  std::uint64_t runs = 0;  // of the subject
  // At the traffic of the window; none: it has no run of the subject.
  std::optional<Microseconds> duration;
};

/// Returns that of the drop that rolls back, of twice and of five times that drop.
///
/// Shape: without drops of more than 100 points; empty where nothing is known of a side yet, and
///        where figures alone decide.
std::vector<Detection> detection_of(const Evidence& evidence, const DecisionConfig& config,
                                    const Comparison& comparison);

}  // namespace dagloop
