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

}  // namespace

std::string_view to_string(QuantileMethod method) {
  return method == QuantileMethod::exact ? "exact" : "histogram";
}

DurationHistogram::DurationHistogram(std::map<std::int32_t, std::uint64_t> buckets)
    : buckets_(std::move(buckets)) {
  for (const auto& [bucket, count] : buckets_) {
    DAGLOOP_ASSERT(bucket >= 0 && count > 0);
    count_ += count;
  }
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
  ++buckets_[bucket_of(value)];
}

void DurationHistogram::merge(const DurationHistogram& other) {
  count_ += other.count_;
  if (method() == QuantileMethod::exact && other.buckets_.empty()) {
    exact_.insert(exact_.end(), other.exact_.begin(), other.exact_.end());
    return;
  }
  spill();
  for (const double value : other.exact_) ++buckets_[bucket_of(value)];
  for (const auto& [bucket, count] : other.buckets_) buckets_[bucket] += count;
}

void DurationHistogram::spill() {
  for (const double value : exact_) ++buckets_[bucket_of(value)];
  exact_ = {};
}

QuantileMethod DurationHistogram::method() const {
  const bool is_exact = buckets_.empty() && count_ <= kExactLimit;
  return is_exact ? QuantileMethod::exact : QuantileMethod::histogram;
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
