// What the runs of single users counted: a sample of the users that merges exactly, and the
// heaviest of the others. Value types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "dagloop/record/status.hpp"

namespace dagloop {

/// Final runs of one user; of one request, or a run alone, where no user is named.
struct UserRuns {
  std::uint64_t hash = 0;  // of the id, of the source's own kind
  std::uint32_t runs = 0;
  std::uint32_t failed = 0;
  std::uint32_t aided = 0;  // runs that did not succeed without a fallback
  std::uint32_t attempts = 0;
  std::uint32_t failed_attempts = 0;
  /// Class, and DurationHistogram::bucket_of(), with runs; ascending. Limits by which durations are
  /// counted come later.
  std::vector<std::pair<ErrorClass, std::uint32_t>> error_classes = {};
  std::vector<std::pair<std::int32_t, std::uint32_t>> durations = {};

  /// Adds other runs of the user. Associative and commutative.
  void merge(const UserRuns& other);
  bool operator==(const UserRuns&) const = default;
};

/// Some users of some runs: those with the smallest hashes are a sample that does not depend on
/// what they did, and each of them is whole; behind them stand the heaviest of the others.
class UserSums {
 public:
  static constexpr std::size_t kSample = 512;
  static constexpr std::size_t kHeaviest = 64;
  /// Runs, failures or failed attempts of one slot from which a user may be a heavy one.
  static constexpr std::uint32_t kHeavy = 3;

  UserSums() = default;
  /// Keeps of all users those that belong to the sums. Shape: by hash, ascending; no hash twice.
  explicit UserSums(std::vector<UserRuns> all);

  /// Adds `other`. Commutative; the sample is that of all runs, whatever was merged with what
  /// before. A heavy user is short of the runs of those sums in which it was none.
  ///
  /// Source: Cohen and Kaplan 2007, bottom-k sketches.
  void merge(const UserSums& other);

  /// Returns the users by hash, ascending: the first kSample are the sample.
  const std::vector<UserRuns>& users() const { return users_; }
  bool operator==(const UserSums&) const = default;

 private:
  void keep_sample_and_heaviest();

  std::vector<UserRuns> users_;
};

}  // namespace dagloop
