#include "decide/survival.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace dagloop {
namespace {

constexpr double kTailShare = 0.25;       // of what was seen below the limit
constexpr double kFewTailDurations = 20;  // fewer say nothing of a tail
constexpr int kRanks = 512;
constexpr std::size_t kExactRanks = 6;  // the longest are looked up one by one
constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Shapes of the generalized Pareto law (Pickands 1975) from a bounded tail to one of infinite
// variance; a normal prior keeps the fit from the edges.
constexpr std::array kShapes{-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1,
                             0.2,  0.3,  0.4,  0.5,  0.6,  0.7, 0.8};
constexpr double kShapeMean = 0.1;
constexpr double kShapeDeviation = 0.3;
constexpr int kScales = 21;
constexpr double kScaleRange = 4;  // times and by the mean excess
constexpr std::array kHanging{0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};

// Half the prior on a tail in which all ends: hanging is the rarer fault.
double hanging_prior(double hanging) {
  return hanging == 0 ? 0.5 : 0.5 / (static_cast<double>(kHanging.size()) - 1);
}

}  // namespace

// Kaplan and Meier 1958: what the timeout cut off counts as longer than the limit, not as the
// limit.
std::vector<double> product_limit(const std::vector<SurvivalPoint>& points) {
  double at_risk = 0;
  for (const SurvivalPoint& point : points) at_risk += point.ended + point.censored;
  std::vector<double> survival;
  double share = 1;
  for (const SurvivalPoint& point : points) {
    if (at_risk > 0) share *= std::max(0.0, 1 - point.ended / at_risk);
    survival.push_back(share);
    at_risk -= point.ended + point.censored;
  }
  return survival;
}

double Tail::survival(double t) const {
  const double excess = std::max(0.0, t - threshold) / scale;
  if (std::abs(shape) < 1e-9) return std::exp(-excess);
  const double base = 1 + shape * excess;
  return base <= 0 ? 0 : std::pow(base, -1 / shape);
}

double Tail::outlasted_by(double p) const {
  if (p <= 0) return shape < 0 ? threshold - scale / shape : kInfinite;
  if (std::abs(shape) < 1e-9) return threshold - scale * std::log(p);
  return threshold + scale * (std::pow(p, -shape) - 1) / shape;
}

double DurationDraw::beyond(double t) const {
  const double at_limit = survival_.empty() ? 1 : survival_.back();
  const double reached = tail_.survival(*limit_);
  const double longer = reached > 0 ? tail_.survival(t) / reached : 0;
  return at_limit * (tail_.hanging + (1 - tail_.hanging) * longer);
}

double DurationDraw::above(double t) const {
  if (limit_ && t >= *limit_) return beyond(t);
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), t);
  if (found == ends_.end()) return survival_.empty() ? 1 : survival_.back();
  const auto i = static_cast<std::size_t>(found - ends_.begin());
  const double begin = i == 0 ? begin_ : ends_[i - 1];
  const double before = i == 0 ? 1 : survival_[i - 1];
  const double part = ends_[i] > begin ? std::clamp((t - begin) / (ends_[i] - begin), 0.0, 1.0) : 1;
  return before + (survival_[i] - before) * part;
}

double DurationDraw::quantile(double p) const {
  const double longer = 1 - p;
  const auto found = std::lower_bound(survival_.begin(), survival_.end(), longer,
                                      [](double share, double sought) { return share > sought; });
  if (found == survival_.end()) {
    if (!limit_) return ends_.empty() ? 0 : ends_.back();
    const double at_limit = survival_.empty() ? 1 : survival_.back();
    const double left = at_limit > 0 ? longer / at_limit : 0;
    if (left <= tail_.hanging) return kInfinite;
    const double share = (left - tail_.hanging) / (1 - tail_.hanging);
    return tail_.outlasted_by(share * tail_.survival(*limit_));
  }
  const auto i = static_cast<std::size_t>(found - survival_.begin());
  const double begin = i == 0 ? begin_ : ends_[i - 1];
  const double before = i == 0 ? 1 : survival_[i - 1];
  const double step = before - survival_[i];
  const double part = step > 0 ? (before - longer) / step : 1;
  return begin + (ends_[i] - begin) * part;
}

DurationTable::DurationTable(const DurationDraw& draw) : draw_(draw) {
  for (int i = 0; i <= kRanks; ++i) {
    durations_.push_back(draw.quantile(static_cast<double>(i) / kRanks));
  }
}

double DurationTable::at(double p) const {
  const double rank = p * kRanks;
  const auto i = static_cast<std::size_t>(rank);
  if (i + kExactRanks >= durations_.size()) return draw_.quantile(p);
  const double part = rank - static_cast<double>(i);
  if (std::isinf(durations_[i + 1])) return draw_.quantile(p);
  return durations_[i] + (durations_[i + 1] - durations_[i]) * part;
}

DurationModel::DurationModel(const CoarseDurations& durations, std::optional<double> limit_ms)
    : limit_(limit_ms) {
  for (const auto& [bucket, count] : durations) {
    const double begin = coarse_begin(bucket);
    const double end = coarse_begin(bucket + 1);
    auto whole = static_cast<double>(count);
    count_ += whole;
    if (!limit_ || end <= *limit_) {
      buckets_.push_back({begin, end, whole});
      continue;
    }
    // Of the bucket that holds the limit, as much ended by itself as the one before lets expect.
    if (begin < *limit_ && !buckets_.empty() && buckets_.back().end == begin) {
      const Bucket& last = buckets_.back();
      const double expected = last.count * (*limit_ - begin) / (last.end - last.begin);
      const double ended = std::min(whole, std::round(expected));
      if (ended > 0) buckets_.push_back({begin, *limit_, ended});
      whole -= std::max(ended, 0.0);
    }
    cut_off_ += whole;
  }
  if (limit_ && cut_off_ > 0) fit_tail();
}

// Of what ended between the threshold and the limit, had nothing hung.
double DurationModel::log_likelihood(const Tail& tail, std::size_t first) const {
  double sum = 0;
  double before = 1;
  for (std::size_t i = first; i < buckets_.size(); ++i) {
    const double after = tail.survival(buckets_[i].end);
    sum += buckets_[i].count * std::log(std::max(before - after, 1e-300));
    before = after;
  }
  return sum;
}

std::size_t DurationModel::tail_begin() const {
  // The longest quarter, and 20 durations at least: of fewer the shape of a tail is a guess.
  std::size_t first = buckets_.size();
  double above = 0;
  while (first > 0 && above < std::max(kTailShare * (count_ - cut_off_), kFewTailDurations)) {
    above += buckets_[--first].count;
  }
  return first;
}

void DurationModel::fit_tail() {
  const std::size_t first = tail_begin();
  Tail tail;
  tail.threshold = first == buckets_.size() ? *limit_ / 2 : buckets_[first].begin;
  double above = 0;
  double excess = cut_off_ * (*limit_ - tail.threshold);
  for (std::size_t i = first; i < buckets_.size(); ++i) {
    above += buckets_[i].count;
    excess += buckets_[i].count * ((buckets_[i].begin + buckets_[i].end) / 2 - tail.threshold);
  }
  // The scales that are tried lie around the mean excess, what was cut off taken as ending at the
  // limit.
  const double mean = excess / (above + cut_off_);
  std::vector<double> logs;
  for (const double shape : kShapes) {
    const double distance = (shape - kShapeMean) / kShapeDeviation;
    for (int k = 0; k < kScales; ++k) {
      tail.shape = shape;
      tail.scale = mean * std::pow(kScaleRange, 2.0 * k / (kScales - 1) - 1);
      const double inside = log_likelihood(tail, first) - distance * distance / 2;
      const double reached = tail.survival(*limit_);
      for (const double part : kHanging) {
        const double hanging = part * cut_off_ / (above + cut_off_);
        const double beyond = std::max(hanging + (1 - hanging) * reached, 1e-300);
        tail.hanging = hanging / beyond;
        logs.push_back(inside + above * std::log1p(-std::min(hanging, 1 - 1e-9)) +
                       cut_off_ * std::log(beyond) + std::log(hanging_prior(part)));
        // 14 shapes, 21 scales and 12 shares that hang: each tail is drawn as often as it is
        // likely, so that what the log cannot tell becomes width of the prediction.
        tails_.push_back({tail, 0});
      }
    }
  }
  const double greatest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    tails_[i].cumulative = sum += std::exp(logs[i] - greatest);
  }
}

DurationDraw DurationModel::draw(Draws& draws) const {
  DurationDraw draw;
  draw.limit_ = limit_;
  std::vector<SurvivalPoint> points;
  for (const Bucket& bucket : buckets_) {
    points.push_back({bucket.end, draws.weight(bucket.count), 0});
    draw.ends_.push_back(bucket.end);
  }
  if (!buckets_.empty()) draw.begin_ = buckets_.front().begin;
  if (cut_off_ > 0) {
    const double at = points.empty() ? *limit_ : points.back().at;
    points.push_back({at, 0, draws.weight(cut_off_)});
  }
  draw.survival_ = product_limit(points);
  draw.survival_.resize(buckets_.size());
  if (tails_.empty()) return draw;
  const double at = draws.uniform() * tails_.back().cumulative;
  draw.tail_ =
      std::lower_bound(tails_.begin(), tails_.end(), at, [](const Weighted& each, double sought) {
        return each.cumulative < sought;
      })->tail;
  return draw;
}

}  // namespace dagloop
