#include "dagloop/kpi/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

// A bucket is a double's exponent and the top 7 bits of its mantissa: 128 buckets an octave.
constexpr int kMantissaBits = 52;
constexpr int kSubBucketBits = 7;
constexpr int kShift = kMantissaBits - kSubBucketBits;

double middle_of(std::int32_t bucket) {
  if (bucket == 0) return 0;  // zero, and numbers too small for any clock
  const auto low = static_cast<std::uint64_t>(bucket) << kShift;
  return std::bit_cast<double>(low + (std::uint64_t{1} << (kShift - 1)));
}

// ceil(p * n), where p * n that is a whole number but for rounding stays that number.
std::uint64_t nearest_rank(double p, std::uint64_t n) {
  const double exact = p * static_cast<double>(n);
  const double rank = std::ceil(exact - exact * 1e-12);
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, n);
}

// Returns the buckets of durations: counted in place where they lie close together, as those of one
// service do.
DurationHistogram::Buckets buckets_of(const std::vector<double>& exact) {
  constexpr std::size_t kFewest = 1024;
  std::vector<std::int32_t> all;
  all.reserve(exact.size());
  for (const double value : exact) all.push_back(DurationHistogram::bucket_of(value));
  DurationHistogram::Buckets buckets;
  if (all.empty()) return buckets;
  const auto [least, most] = std::ranges::minmax(all);
  const auto range = static_cast<std::size_t>(most - least) + 1;
  if (range <= std::max(kFewest, 2 * all.size())) {
    std::vector<std::uint32_t> counts(range);
    for (const std::int32_t bucket : all) ++counts[static_cast<std::size_t>(bucket - least)];
    for (std::size_t i = 0; i < range; ++i) {
      if (counts[i] > 0) buckets.emplace_back(least + static_cast<std::int32_t>(i), counts[i]);
    }
    return buckets;
  }
  std::ranges::sort(all);
  for (const std::int32_t bucket : all) {
    if (buckets.empty() || buckets.back().first != bucket) buckets.emplace_back(bucket, 0);
    ++buckets.back().second;
  }
  return buckets;
}

}  // namespace

std::string_view to_string(QuantileMethod method) {
  return method == QuantileMethod::exact ? "exact" : "histogram";
}

DurationHistogram::DurationHistogram(const std::map<std::int32_t, std::uint64_t>& buckets)
    : DurationHistogram(Buckets(buckets.begin(), buckets.end())) {}

DurationHistogram::DurationHistogram(Buckets buckets) : buckets_(std::move(buckets)) {
  std::int32_t before = -1;
  for (const auto& [bucket, count] : buckets_) {
    DAGLOOP_ASSERT(bucket > before && count > 0);
    before = bucket;
    count_ += count;
  }
}

DurationHistogram::DurationHistogram(std::vector<double> exact)
    : count_(exact.size()), exact_(std::move(exact)) {
  DAGLOOP_ASSERT(exact_.size() <= kExactLimit);
  for (const double value : exact_) DAGLOOP_ASSERT(std::isfinite(value) && value >= 0);
}

double DurationHistogram::bucket_middle(double duration_ms) {
  return middle_of(bucket_of(duration_ms));
}

std::int32_t DurationHistogram::bucket_of(double duration_ms) {
  // -0.0 is a zero, but its bit pattern is another bucket.
  const double value = duration_ms == 0 ? 0 : duration_ms;
  return static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(value) >> kShift);
}

void DurationHistogram::add(double duration_ms) {
  DAGLOOP_ASSERT(std::isfinite(duration_ms) && duration_ms >= 0);
  ++count_;
  const double value = duration_ms == 0 ? 0 : duration_ms;
  if (method() == QuantileMethod::exact) {
    exact_.push_back(value);
    return;
  }
  spill();
  const std::int32_t bucket = bucket_of(value);
  const auto at =
      std::lower_bound(buckets_.begin(), buckets_.end(), bucket,
                       [](const auto& entry, std::int32_t sought) { return entry.first < sought; });
  if (at != buckets_.end() && at->first == bucket) {
    ++at->second;
  } else {
    buckets_.emplace(at, bucket, 1);
  }
}

void DurationHistogram::merge(const DurationHistogram& other) {
  count_ += other.count_;
  if (method() == QuantileMethod::exact && other.buckets_.empty()) {
    exact_.insert(exact_.end(), other.exact_.begin(), other.exact_.end());
    return;
  }
  spill();
  if (!other.exact_.empty()) {
    add_buckets(buckets_of(other.exact_));
  } else {
    add_buckets(other.buckets_);
  }
}

void DurationHistogram::sort() { std::sort(exact_.begin(), exact_.end()); }

// From here on a quantile is the middle of its bucket, at most 0.4 % off (half of 1/128).
void DurationHistogram::spill() {
  if (exact_.empty()) return;
  add_buckets(buckets_of(exact_));
  exact_ = {};
}

void DurationHistogram::add_buckets(const Buckets& others) {
  Buckets sum;
  sum.reserve(buckets_.size() + others.size());
  auto mine = buckets_.cbegin();
  for (const auto& other : others) {
    while (mine != buckets_.cend() && mine->first < other.first) sum.push_back(*mine++);
    sum.push_back(other);
    if (mine != buckets_.cend() && mine->first == other.first) sum.back().second += mine++->second;
  }
  sum.insert(sum.end(), mine, buckets_.cend());
  buckets_ = std::move(sum);
}

QuantileMethod DurationHistogram::method() const {
  const bool is_exact = buckets_.empty() && count_ <= kExactLimit;
  return is_exact ? QuantileMethod::exact : QuantileMethod::histogram;
}

std::vector<std::pair<double, std::uint64_t>> DurationHistogram::middles() const {
  std::vector<std::pair<double, std::uint64_t>> all;
  all.reserve(exact_.size() + buckets_.size());
  for (const double each : exact_) all.emplace_back(bucket_middle(each), 1);
  for (const auto& [bucket, count] : buckets_) all.emplace_back(middle_of(bucket), count);
  return all;
}

std::uint64_t DurationHistogram::count_above(double limit_ms) const {
  // By buckets, also where durations are kept exactly: the same runs are counted however many there
  // are.
  const std::int32_t limit = bucket_of(limit_ms);
  std::uint64_t count = 0;
  for (const double each : exact_) count += bucket_of(each) > limit ? 1U : 0U;
  for (const auto& [bucket, durations] : buckets_) count += bucket > limit ? durations : 0U;
  return count;
}

std::vector<std::uint64_t> DurationHistogram::counts_above(
    const std::vector<double>& limits_ms) const {
  std::vector<std::int32_t> limits;
  limits.reserve(limits_ms.size());
  for (const double limit : limits_ms) limits.push_back(bucket_of(limit));
  // First by how many of the limits lie below, then summed from the top.
  std::vector<std::uint64_t> counts(limits.size() + 1);
  const auto limits_below = [&](std::int32_t bucket) {
    return static_cast<std::size_t>(std::lower_bound(limits.begin(), limits.end(), bucket) -
                                    limits.begin());
  };
  for (const double each : exact_) ++counts[limits_below(bucket_of(each))];
  for (const auto& [bucket, durations] : buckets_) counts[limits_below(bucket)] += durations;
  for (std::size_t i = limits.size(); i-- > 0;) counts[i] += counts[i + 1];
  counts.erase(counts.begin());
  return counts;
}

std::optional<double> DurationHistogram::quantile(double p) const {
  DAGLOOP_ASSERT(p > 0 && p <= 1);
  if (count_ == 0) return std::nullopt;
  std::uint64_t rank = nearest_rank(p, count_);
  if (method() == QuantileMethod::exact) {
    std::vector<double> values = exact_;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }
  for (const auto& [bucket, count] : buckets_) {
    if (rank <= count) return middle_of(bucket);
    rank -= count;
  }
  assertion_failed("the bucket counts add up to the count", __FILE__, __LINE__);
}

bool DurationHistogram::operator==(const DurationHistogram& other) const {
  if (count_ != other.count_ || buckets_ != other.buckets_) return false;
  std::vector<double> mine = exact_;
  std::vector<double> theirs = other.exact_;
  std::sort(mine.begin(), mine.end());
  std::sort(theirs.begin(), theirs.end());
  return mine == theirs;
}

}  // namespace dagloop
