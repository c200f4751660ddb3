// Which users the runs of a side are of, and how far those of one user hang together. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "dagloop/evidence/arm_counts.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

inline constexpr std::size_t kSampledUsers = 512;
inline constexpr std::size_t kHeavyUsers = 64;

/// The users of one side: those of the smallest hashes, with all of their runs, and the heaviest
/// others found so far.
///
/// Shape:  whatever the steps are that it was added up from, `by_hash` is the same (a user that was
///         dropped never comes back); `heavy` is approximate.
/// Source: Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches".
struct UserSample {
  std::vector<UserArm> by_hash;  // ascending; at most kSampledUsers
  std::uint64_t last_hash = std::numeric_limits<std::uint64_t>::max();  // none above is sampled
  std::vector<UserArm> heavy;                                           // by hash; none in by_hash
  bool operator==(const UserSample&) const = default;

  /// Adds the users of one step, by hash: the kSampledUsers first and the heaviest of the others.
  void add(const std::vector<UserArm>& users);
};

/// Returns whether the log tells users apart: it names three or more. All the runs of a service
/// under one name say nothing of who hangs together with whom.
bool tell_users_apart(const UserSample& subject, const UserSample& reference);

/// Which counts of a user are meant: trials, and events on them.
struct UserFigure {
  std::uint32_t UserArm::*trials = nullptr;
  std::uint32_t UserArm::*events = nullptr;
};

/// How far the trials of the same users hang together.
struct Spread {
  double design_effect = 1;           // 1: not at all
  std::uint64_t users = 0;            // of the subject, in the sample
  std::uint64_t largest_cluster = 0;  // trials of the user of the subject who has most
  ArmCounts worst;                    // the subject's user with most events beyond the expected
  bool operator==(const Spread&) const = default;
};

/// Returns how far trials hang together; `expected_rate` of events is what the worst user is told
/// by.
///
/// Shape:  with fewer than 20 users of the subject the design effect is at least its largest
///         cluster. Heavy users are a biased choice: they tell clusters and the worst, no more.
/// Source: Rao and Scott 1992, "A simple method for the analysis of clustered binary data"; Kish
///         1965, "Survey sampling" (1 + rho (m - 1), here with m weighted by trials).
Spread spread_of(const UserSample& subject, const UserSample& reference, const UserFigure& figure,
                 double expected_rate);

/// Returns the mean number of runs of the user of a run, over both sides: what a user counts who
/// is on one side with all of his runs. 1 where users are not told apart.
double runs_a_user(const UserSample& subject, const UserSample& reference);

}  // namespace dagloop
