#include "dagloop/evidence/rate_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

// Of both sides together: in smaller ones the sides are too unequal, now this way, now that.
constexpr std::uint64_t kLeastBlock = 20;

double as_double(std::uint64_t count) { return static_cast<double>(count); }

double log_add(double one, double other) {
  const double greater = std::max(one, other);
  return greater + std::log1p(std::exp(std::min(one, other) - greater));
}

bool has_bets_of(const RateEvidence& evidence, const RateHypothesis& hypothesis) {
  return !evidence.log_wealth.empty() &&
         evidence.log_wealth.size() == hypothesis.alternatives.size();
}

Sides sides_of(const Block& block) {
  return {as_double(block.subject.trials), as_double(block.subject.events),
          as_double(block.reference.trials), as_double(block.reference.events)};
}

// When a block ends is decided by how many runs there are, never by how they ended.
bool is_whole(const Block& block, const RateHypothesis& hypothesis) {
  if (block.subject.trials == 0) return false;
  if (hypothesis.given_rate) return true;
  return block.reference.trials > 0 && block.subject.trials + block.reference.trials >= kLeastBlock;
}

// Of an e-variable of clusters the root by their size is one whatever holds inside (Hölder).
void bet(std::vector<double>& log_wealth, double stake, double log_gain) {
  if (stake > 0) {
    const double log_stake = std::log(stake);
    if (log_wealth.empty()) {
      log_wealth.assign(kDiscounts, log_stake);
    } else {
      for (double& each : log_wealth) each = log_add(each, log_stake);
    }
  }
  for (std::size_t i = 0; i < log_wealth.size(); ++i) log_wealth[i] += log_gain / discount(i);
}

}  // namespace

ArmCounts& ArmCounts::operator+=(const ArmCounts& other) {
  trials += other.trials;
  events += other.events;
  return *this;
}

double rate_of(const ArmCounts& counts) {
  return as_double(counts.events) / as_double(counts.trials);
}

ArmCounts without(const ArmCounts& counts, const ArmCounts& part) {
  const std::uint64_t events = counts.events - std::min(counts.events, part.events);
  const std::uint64_t trials = counts.trials - std::min(counts.trials, part.trials);
  return {std::max(trials, events), events};
}

ArmCounts expectation_of(const ArmCounts& usual) {
  constexpr std::uint64_t kMost = 100;
  if (usual.trials <= kMost) return usual;
  return {kMost, kMost * usual.events / usual.trials};
}

double e_value_of(double log_e) {
  constexpr double kGreatest = 1e300;
  return std::min(kGreatest, std::exp(log_e));
}

Block& Block::operator+=(const Block& other) {
  subject += other.subject;
  reference += other.reference;
  return *this;
}

void RateEvidence::add(const StepCounts& step, const RateHypothesis& hypothesis) {
  DAGLOOP_ASSERT(step.counts.subject.events <= step.counts.subject.trials);
  DAGLOOP_ASSERT(step.counts.reference.events <= step.counts.reference.trials);
  open += step;
  total += step.counts;
  if (!is_whole(open.counts, hypothesis)) return;
  if (!has_bets_of(*this, hypothesis)) {  // none yet, or of other bets
    log_wealth.assign(hypothesis.alternatives.size(), {});
    greatest_log_e.assign(kDiscounts, 0.0);
    stretches.clear();
    starts = Starts();
  }
  const bool is_watched = hypothesis.stretches == RateHypothesis::Stretches::watched;
  if (is_watched) stretches.resize(log_wealth.size());
  const double stake = starts.take(hypothesis.starts, open.start);
  const double expected = expected_rate(expectation);
  for (std::size_t i = 0; i < log_wealth.size(); ++i) {
    const double log_gain =
        gain(hypothesis, hypothesis.alternatives[i], sides_of(open.counts), expected);
    bet(log_wealth[i], stake, log_gain);
    if (is_watched) stretches[i].add(open, log_gain);
  }
  starts.trials_since += open.counts.subject.trials;
  // Only now, behind the bet: what it rests on must be known before its runs are.
  expectation += open.counts.reference;
  open = StepCounts();
  // The greatest ever seen may be used: by Ville's inequality it passes 1/alpha with a probability
  // of at most alpha while nothing is worse.
  for (std::size_t i = 0; i < kDiscounts; ++i) {
    greatest_log_e[i] =
        std::max(greatest_log_e[i], log_sum(log_wealth, hypothesis, i, starts.unspent));
  }
}

double RateEvidence::log_e(const RateHypothesis& hypothesis, double design_effect) const {
  if (!has_bets_of(*this, hypothesis)) return 0;
  return log_at_effect(design_effect, [&](std::size_t at) {
    return log_sum(log_wealth, hypothesis, at, starts.unspent);
  });
}

double RateEvidence::greatest_log_e_at(double design_effect) const {
  if (greatest_log_e.empty()) return 0;
  return log_at_effect(design_effect, [&](std::size_t at) { return greatest_log_e.at(at); });
}

std::vector<double> RateEvidence::greatest_log_e_with(const Block& more,
                                                      const RateHypothesis& hypothesis) const {
  if (!has_bets_of(*this, hypothesis)) return greatest_log_e;
  Block all = total;
  all += more;
  const double expected = expected_rate(expectation);
  RateEvidence with = *this;
  for (std::size_t i = 0; i < log_wealth.size(); ++i) {
    const auto& alternative = hypothesis.alternatives[i];
    bet(with.log_wealth[i], 0,
        gain(hypothesis, alternative, sides_of(all), expected) -
            gain(hypothesis, alternative, sides_of(total), expected));
  }
  for (std::size_t i = 0; i < kDiscounts; ++i) {
    const double lost = log_sum(with.log_wealth, hypothesis, i, starts.unspent) -
                        log_sum(log_wealth, hypothesis, i, starts.unspent);
    with.greatest_log_e[i] += std::min(0.0, lost);
  }
  return with.greatest_log_e;
}

std::optional<Stretch> RateEvidence::best_stretch(const RateHypothesis& hypothesis) const {
  std::optional<Stretch> best;
  if (hypothesis.stretches == RateHypothesis::Stretches::unwatched) return best;
  const double expected = expected_rate(expectation);
  const bool has_stretches =
      has_bets_of(*this, hypothesis) && stretches.size() == log_wealth.size();
  for (std::size_t i = 0; i < hypothesis.alternatives.size(); ++i) {
    Stretch each = has_stretches ? stretches[i] : Stretch();
    if (open.counts != Block()) {
      each.add(open, gain(hypothesis, hypothesis.alternatives[i], sides_of(open.counts), expected));
    }
    if (each.log_gain > (best ? best->log_gain : 0)) best = std::move(each);
  }
  return best;
}

double RateEvidence::log_e_of_block(const Block& block, const RateHypothesis& hypothesis,
                                    double design_effect) const {
  if (design_effect > discount(kDiscounts - 1) || block.subject.trials == 0) return 0;
  const double expected = expected_rate(expectation);
  std::vector<std::vector<double>> gains;
  for (const auto& alternative : hypothesis.alternatives) {
    gains.push_back({gain(hypothesis, alternative, sides_of(block), expected) / design_effect});
  }
  return log_sum(gains, hypothesis, 0, 0);
}

}  // namespace dagloop
