// A mergeable histogram of durations: exact while small, log-linear buckets beyond.
// Whatever the order of adds and merges, the same durations give the same histogram. Value type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace dagloop {

/// How a quantile was found.
enum class QuantileMethod { exact, histogram };

/// Returns the printed word of `method`.
std::string_view to_string(QuantileMethod method);

/// Durations in milliseconds.
///
/// Up to kExactLimit durations are kept as they are; beyond, or where some came in buckets, only
/// bucket counts: 128 buckets an octave, so a bucket's middle is within 1/256 (0.4 %) of every
/// duration in it.
class DurationHistogram {
 public:
  static constexpr std::size_t kExactLimit = 4096;
  /// Bucket (bucket_of) -> count; ascending, no count is 0.
  using Buckets = std::vector<std::pair<std::int32_t, std::uint64_t>>;

  DurationHistogram() = default;
  /// Takes counts that a database has made, by bucket.
  ///
  /// Shape:  bucket index (bucket_of) -> count; none negative or zero, else a caller's bug.
  explicit DurationHistogram(const std::map<std::int32_t, std::uint64_t>& buckets);
  /// Takes what exact() or buckets() of another histogram gave.
  ///
  /// Shape: at most kExactLimit durations; buckets as Buckets says; else a caller's bug.
  explicit DurationHistogram(std::vector<double> exact);
  explicit DurationHistogram(Buckets buckets);

  /// Returns the bucket of a duration: the upper 19 bits of the IEEE 754 double (sign, exponent and
  /// 7 bits of the mantissa). Units: milliseconds, finite and >= 0.
  static std::int32_t bucket_of(double duration_ms);

  /// Returns the middle of the bucket that a duration is in. Units: milliseconds, finite and >= 0.
  static double bucket_middle(double duration_ms);

  /// Adds one duration. Units: milliseconds, finite and >= 0, else a caller's bug.
  void add(double duration_ms);
  /// Adds all durations of `other`. Associative and commutative; the empty histogram is neutral.
  void merge(const DurationHistogram& other);

  /// Puts the durations that are kept as they are in order: to merge them elsewhere costs less
  /// then.
  void sort();

  /// Keeps bucket counts alone from here on: what is merged often, and never asked for an exact
  /// quantile, costs less then.
  void coarsen() { spill(); }

  /// Returns how many durations were added.
  std::uint64_t count() const { return count_; }
  /// Returns how quantiles are found at present.
  QuantileMethod method() const;
  /// Returns the nearest-rank p-quantile: the ceil(p*n)-th smallest duration.
  ///
  /// Shape:  empty gives nullopt; p in (0, 1], else a caller's bug.
  /// Units:  milliseconds; with method `histogram` within 0.4 % of the exact one.
  /// Cost:   O(n log n) while exact, O(buckets) after.
  std::optional<double> quantile(double p) const;

  /// Returns how many durations lie in buckets above that of `limit_ms`, however they are kept.
  std::uint64_t count_above(double limit_ms) const;

  /// Returns count_above() of each of `limits_ms`, which ascend, in one pass.
  std::vector<std::uint64_t> counts_above(const std::vector<double>& limits_ms) const;

  /// Returns the middles of the buckets that hold durations, however they are kept, each with how
  /// many; in no order, some more than once.
  std::vector<std::pair<double, std::uint64_t>> middles() const;

  bool operator==(const DurationHistogram& other) const;

  /// Returns the durations, in no order; empty once they are in buckets.
  const std::vector<double>& exact() const { return exact_; }
  /// Returns the buckets; empty while exact.
  const Buckets& buckets() const { return buckets_; }

 private:
  void spill();
  void add_buckets(const Buckets& others);

  std::uint64_t count_ = 0;
  std::vector<double> exact_;
  Buckets buckets_;
};

}  // namespace dagloop
