#include "dagloop/evidence/rate_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/kpi/stratum.hpp"

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

/// A block, and the reference's rate that was expected of it.
struct ExpectedBlock {
  Block counts;
  double rate = 0;
};

// What a bet on `alternative` gains on blocks of several strata: their product is an e-variable as
// each of them is.
double gain_on(const std::vector<ExpectedBlock>& blocks, const RateHypothesis& hypothesis,
               const RateHypothesis::Alternative& alternative) {
  double sum = 0;
  for (const ExpectedBlock& each : blocks) {
    sum += gain(hypothesis, alternative, sides_of(each.counts), each.rate);
  }
  return sum;
}

bool has_both(const Block& block) { return block.subject.trials > 0 && block.reference.trials > 0; }

const StratumEvidence* find_stratum(const RateEvidence& evidence, std::uint8_t stratum) {
  const auto& all = evidence.by_stratum;
  const auto found = std::ranges::lower_bound(all, stratum, {}, &StratumEvidence::stratum);
  return found != all.end() && found->stratum == stratum ? &*found : nullptr;
}

// A stratum that has not been seen before is expected to be as all of them are.
StratumEvidence& of_stratum(RateEvidence& evidence, std::uint8_t stratum) {
  return at_stratum<StratumEvidence>(evidence.by_stratum,
                                     {stratum, {}, expectation_of(evidence.expectation)});
}

// The blocks of strata: those that both sides have, for a bet on one side alone says nothing.
std::vector<ExpectedBlock> blocks_in(const RateEvidence& evidence, const StepCounts& counted) {
  if (counted.strata.empty()) return {{counted.counts, expected_rate(evidence.expectation)}};
  std::vector<ExpectedBlock> blocks;
  for (const StratumCounts& each : counted.strata) {
    if (!has_both(each.counts)) continue;
    const StratumEvidence* known = find_stratum(evidence, each.stratum);
    blocks.push_back(
        {each.counts, expected_rate(known == nullptr ? evidence.expectation : known->expectation)});
  }
  return blocks;
}

StepCounts step_of(const StratumCounts& counts, TimePoint start) {
  return {.counts = counts.counts,
          .start = start,
          .above = counts.above,
          .failed = counts.failed,
          .strata = {counts}};
}

// What is counted, by whether both sides have trials of its stratum. Of whom they are is not known
// by stratum.
struct Parts {
  StepCounts alike;
  StepCounts rest;
};

Parts parts_of(StepCounts counted) {
  if (counted.strata.empty()) return {std::move(counted), {}};
  Parts parts;
  for (const StratumCounts& each : counted.strata) {
    (has_both(each.counts) ? parts.alike : parts.rest) += step_of(each, counted.start);
  }
  parts.alike.users = std::move(counted.users);
  return parts;
}

// Takes what makes up whole blocks out of `open`; empty: all of it waits. When a block ends is told
// by how many trials there are alone. What waits on counts as begun at `now`: a stratum of one side
// alone may wait for ever, and the blocks of the others are of today.
StepCounts take_whole(StepCounts& open, TimePoint now, const RateHypothesis& hypothesis) {
  Block whole;
  if (open.strata.empty()) whole = open.counts;
  for (const StratumCounts& each : open.strata) {
    if (has_both(each.counts)) whole += each.counts;
  }
  if (!is_whole(whole, hypothesis)) return {};
  Parts parts = parts_of(std::exchange(open, {}));
  open = std::move(parts.rest);
  if (open.counts != Block()) open.start = now;
  return parts.alike;
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

ArmCounts expectation_of(const ArmCounts& usual) {
  constexpr std::uint64_t kMost = 100;
  if (usual.trials <= kMost) return usual;
  return {kMost, kMost * usual.events / usual.trials};
}

double e_value_of(double log_e) {
  constexpr double kGreatest = 1e300;
  return std::min(kGreatest, std::exp(log_e));
}

bool RateEvidence::add(const StepCounts& step, const RateHypothesis& hypothesis) {
  DAGLOOP_ASSERT(step.counts.subject.events <= step.counts.subject.trials);
  DAGLOOP_ASSERT(step.counts.reference.events <= step.counts.reference.trials);
  open += step;
  total += step.counts;
  for (const StratumCounts& each : step.strata) {
    of_stratum(*this, each.stratum).total += each.counts;
  }
  const StepCounts block = take_whole(open, step.start, hypothesis);
  if (block.counts == Block()) return false;
  if (!has_bets_of(*this, hypothesis)) {  // none yet, or of other bets
    log_wealth.assign(hypothesis.alternatives.size(), {});
    greatest_log_e.assign(kDiscounts, 0.0);
    stretches.clear();
    starts = Starts();
  }
  const bool is_watched = hypothesis.stretches == RateHypothesis::Stretches::watched;
  if (is_watched) stretches.resize(log_wealth.size());
  const double stake = starts.take(hypothesis.starts, block.start);
  const std::vector<ExpectedBlock> blocks = blocks_in(*this, block);
  for (std::size_t i = 0; i < log_wealth.size(); ++i) {
    const double log_gain = gain_on(blocks, hypothesis, hypothesis.alternatives[i]);
    bet(log_wealth[i], stake, log_gain);
    if (is_watched) stretches[i].add(block, log_gain);
  }
  starts.trials_since += block.counts.subject.trials;
  // Only now, behind the bet: what it rests on must be known before its runs are.
  expectation += block.counts.reference;
  for (const StratumCounts& each : block.strata) {
    of_stratum(*this, each.stratum).expectation += each.counts.reference;
  }
  // The greatest ever seen may be used: by Ville's inequality it passes 1/alpha with a probability
  // of at most alpha while nothing is worse.
  const auto bounds = log_e_bounds();
  for (std::size_t i = 0; i < kDiscounts; ++i) {
    if (bounds[i] <= greatest_log_e[i]) continue;
    greatest_log_e[i] =
        std::max(greatest_log_e[i], log_sum(log_wealth, hypothesis, i, starts.unspent));
  }
  return true;
}

std::array<double, kDiscounts> RateEvidence::log_e_bounds() const {
  // Shares sum to 1: no mean is above the greatest, and that and what is unspent are 1 at most
  // where the greatest has but what was spent.
  const double log_spent = std::log1p(-starts.unspent);
  std::array<double, kDiscounts> bounds{};
  for (const auto& each : log_wealth) {
    for (std::size_t i = 0; i < each.size(); ++i) {
      bounds[i] = std::max(bounds[i], each[i] - log_spent);
    }
  }
  return bounds;
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
  const std::vector<ExpectedBlock> blocks = blocks_in(*this, all_counts());
  RateEvidence with = *this;
  for (std::size_t i = 0; i < log_wealth.size(); ++i) {
    const auto& alternative = hypothesis.alternatives[i];
    const auto gained = [&](const ExpectedBlock& block) {
      return gain(hypothesis, alternative, sides_of(block.counts), block.rate);
    };
    std::optional<double> worst;
    for (ExpectedBlock block : blocks) {
      const double before = gained(block);
      block.counts += more;
      const double lost = gained(block) - before;
      worst = std::min(worst.value_or(lost), lost);
    }
    bet(with.log_wealth[i], 0, worst.value_or(0));
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
  const bool has_stretches =
      has_bets_of(*this, hypothesis) && stretches.size() == log_wealth.size();
  const StepCounts alike = parts_of(open).alike;
  const std::vector<ExpectedBlock> blocks = blocks_in(*this, alike);
  for (std::size_t i = 0; i < hypothesis.alternatives.size(); ++i) {
    Stretch each = has_stretches ? stretches[i] : Stretch();
    if (alike.counts != Block()) {
      each.add(alike, gain_on(blocks, hypothesis, hypothesis.alternatives[i]));
    }
    if (each.log_gain > (best ? best->log_gain : 0)) best = std::move(each);
  }
  return best;
}

double RateEvidence::log_e_of_block(const StepCounts& counted, const RateHypothesis& hypothesis,
                                    double design_effect) const {
  if (design_effect > discount(kDiscounts - 1) || counted.counts.subject.trials == 0) return 0;
  const std::vector<ExpectedBlock> blocks = blocks_in(*this, counted);
  std::vector<std::vector<double>> gains;
  for (const auto& alternative : hypothesis.alternatives) {
    gains.push_back({gain_on(blocks, hypothesis, alternative) / design_effect});
  }
  return log_sum(gains, hypothesis, 0, 0);
}

StepCounts RateEvidence::all_counts() const {
  StepCounts all{.counts = total};
  for (const StratumEvidence& each : by_stratum) {
    all.strata.push_back({.stratum = each.stratum, .counts = each.total});
  }
  return all;
}

}  // namespace dagloop
