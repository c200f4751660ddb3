// The failure rate of runs that come in clusters, one user each, and how sure it is. Value type.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace dagloop::bench {

/// Runs and failures by user, with the sums that a variance over users needs.
class UserRate {
 public:
  void add(std::uint64_t user, bool has_failed);
  std::uint64_t users() const { return by_user_.size(); }
  std::uint64_t runs() const { return runs_; }
  /// Returns the share of failures. Shape: runs >= 1.
  double rate() const;
  /// Returns the variance of rate(), each user a cluster.
  ///
  /// Shape:  two users or more.
  /// Source: delta method for a ratio of means (Cochran 1977, "Sampling techniques", 2.11).
  double variance() const;

 private:
  struct Counts {
    double runs = 0;
    double failed = 0;
  };
  std::unordered_map<std::uint64_t, Counts> by_user_;
  std::uint64_t runs_ = 0;
  std::uint64_t failed_ = 0;
  double runs_squared_ = 0;  // summed over users; as are the next
  double failed_squared_ = 0;
  double products_ = 0;
};

/// Returns by how much the rate of `subject` is above that of `reference` at least, at all times at
/// once with probability 1 - alpha (asymptotically).
///
/// Shape:  two users or more on either side.
/// Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021, the one-sided boundary, made to be
///         tightest at 5,000 users, as GrowthBook's.
double least_difference(const UserRate& subject, const UserRate& reference, double alpha);

}  // namespace dagloop::bench
