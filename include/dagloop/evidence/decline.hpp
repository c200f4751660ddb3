// Whether a service declines slowly, by a baseline that stands. Pure.
#pragma once

#include <optional>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// Its share of EvidenceConfig::alpha.
inline constexpr double kDeclineShare = 0.05;

/// How failures stand against the fixed baseline.
struct DeclineView {
  ArmCounts fixed;    // runs and failures when the baseline was fixed
  double bound = 0;   // of their rate
  ArmCounts stretch;  // those since the evidence last began to rise; no trials: it does not
  bool is_convincing = false;  // whether that stretch is no mere noise
  double e_value = 1;          // the greatest so far
  double needed = 1;
  bool decides() const { return e_value >= needed; }
};

/// Returns it; none where no baseline is fixed yet.
std::optional<DeclineView> view_decline(const Evidence& evidence, const EvidenceConfig& config);

/// Returns how many failures of the runs counted last count as one: the design effect of users.
double failure_effect(const Evidence& evidence);

}  // namespace dagloop
