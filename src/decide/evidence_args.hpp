// Evidence as arguments of reasons. Pure; private to the decide layer.
#pragma once

#include <string>
#include <vector>

#include "dagloop/decide/reason.hpp"
#include "dagloop/evidence/evidence.hpp"

namespace dagloop {

/// How many trials of the subject the window had.
struct RecentTrials {
  std::uint64_t trials = 0;
  Window window;
};

/// Adds e-value and interval, and, where the test is undecided, how many more trials of the subject
/// it takes (`more_trials`) and in about which time they will be there as fast as they came of
/// late (`wait_s`), or that it will never be enough (`outlook`).
/// Where trials hang together by user or day: how far (`design_effect`), and of how many users.
void add_evidence(std::vector<ReasonArg>& args, const EvidenceView& view,
                  const RecentTrials& recent);

/// Adds since when the stretch is, and its counts.
void add_stretch(std::vector<ReasonArg>& args, const StretchView& stretch);

/// Says that the figure rests on one user, and what that user's counts are.
void add_one_user(std::vector<ReasonArg>& args, const ArmCounts& user);

/// Says where the subject is slower than the reference, and how sure that is.
Reason latency_reason(const LatencyView& view, const std::string& subject,
                      const std::string& reference);

}  // namespace dagloop
