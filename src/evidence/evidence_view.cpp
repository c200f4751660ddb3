#include <algorithm>
#include <cmath>

#include "dagloop/evidence/evidence.hpp"
#include "dagloop/evidence/rate_sequence.hpp"
#include "evidence/border.hpp"
#include "evidence/trigger_tests.hpp"

namespace dagloop {
namespace {

const double kMostDiscount = discount(kDiscounts - 1);

/// One test as it is read.
struct Reading {
  std::string_view name;
  const RateHypothesis& hypothesis;
  double alpha = 1;
  UserFigure of_user;
};

const RateEvidence& find_evidence(const Evidence& evidence, std::string_view name) {
  static const RateEvidence none;
  const auto found = evidence.tests.find(name);
  return found == evidence.tests.end() ? none : found->second;
}

double day_effect(const Evidence& evidence, std::string_view name) {
  const auto found = evidence.day_effects.find(name);
  return found == evidence.day_effects.end() ? 1 : std::max(1.0, found->second);
}

// Where no users are named, attempts of one run may fail together: so many as a run has on average
// count as one.
double attempts_a_run(const Evidence& evidence) {
  const Block& runs = find_evidence(evidence, "success_drop").total;
  const Block& attempts = find_evidence(evidence, "attempt_failure_ratio").total;
  double most = 1;
  for (const auto side : {&Block::subject, &Block::reference}) {
    const std::uint64_t of = (runs.*side).trials;
    if (of == 0) continue;
    most = std::max(most, static_cast<double>((attempts.*side).trials) / static_cast<double>(of));
  }
  return most;
}

double expected_events(const Block& total, const RateHypothesis& hypothesis) {
  if (hypothesis.given_rate) return *hypothesis.given_rate;
  if (total.reference.trials > 0) return rate_of(total.reference);
  return total.subject.trials > 0 ? rate_of(total.subject) : 0;
}

bool tells_users_apart(const Evidence& evidence) {
  return tell_users_apart(evidence.subject_users, evidence.reference_users);
}

std::optional<Spread> spread_in(const Evidence& evidence, const Reading& reading) {
  if (reading.of_user.trials == nullptr || !tells_users_apart(evidence)) return std::nullopt;
  const Block& total = find_evidence(evidence, reading.name).total;
  return spread_of(evidence.subject_users, evidence.reference_users, reading.of_user,
                   expected_events(total, reading.hypothesis));
}

double effect_without_users(const Evidence& evidence, const Reading& reading) {
  if (reading.name == kMissingTest) {
    return runs_a_user(evidence.subject_users, evidence.reference_users);
  }
  return reading.of_user.trials == &UserArm::attempts ? attempts_a_run(evidence) : 1;
}

Interval difference_of(const Block& total, double alpha, double design_effect) {
  // Half of alpha for each side, so that both hold together.
  const Interval one = rate_sequence_interval(total.subject, alpha / 2, design_effect);
  const Interval other = rate_sequence_interval(total.reference, alpha / 2, design_effect);
  return {one.low - other.high, one.high - other.low};
}

ExpectedRates rates_in(const Block& block, const RateHypothesis& hypothesis) {
  if (hypothesis.given_rate) return {rate_of(block.subject), *hypothesis.given_rate};
  return {rate_of(block.subject), rate_of(block.reference),
          static_cast<double>(block.reference.trials) / static_cast<double>(block.subject.trials)};
}

double growth_at(const RateHypothesis& hypothesis, const Block& rates) {
  const std::vector<double> growths = expected_growths(hypothesis, rates_in(rates, hypothesis));
  return std::max(0.0, *std::max_element(growths.begin(), growths.end()));
}

// The counts of both sides as if they were of one stratum; none where no stratum has both sides.
std::optional<Block> alike(const StepCounts& counts, const RateHypothesis& hypothesis) {
  if (counts.counts.subject.trials == 0) return std::nullopt;
  if (hypothesis.given_rate) return counts.counts;
  const auto rates = alike_rates(blocks_of(counts));
  return rates ? std::optional(as_one_block(*rates)) : std::nullopt;
}

ArmCounts worst_of(const std::vector<UserCounts>& users, double expected_rate) {
  ArmCounts worst;
  double most = 0;
  for (const UserCounts& user : users) {
    const double beyond = static_cast<double>(user.counts.events) -
                          expected_rate * static_cast<double>(user.counts.trials);
    if (beyond <= most) continue;
    most = beyond;
    worst = user.counts;
  }
  return worst;
}

// Takes away what is in `counts` of `part`.
void take_from(ArmCounts& counts, ArmCounts& part) {
  const ArmCounts left = without(counts, part);
  part = {part.trials - std::min(part.trials, counts.trials),
          part.events - std::min(part.events, counts.events)};
  counts = left;
}

// In which stratum the user's trials were is not known: where that says least.
double e_without(const RateEvidence& test, const Reading& reading, const StepCounts& all,
                 const ArmCounts& worst, double design_effect) {
  StepCounts others = all;
  others.users.clear();
  others.counts.subject = without(all.counts.subject, worst);
  const auto log_e = [&] { return test.log_e_of_block(others, reading.hypothesis, design_effect); };
  if (all.strata.empty()) return e_value_of(log_e());
  std::optional<double> least;
  for (std::size_t i = 0; i < all.strata.size(); ++i) {
    ArmCounts left = worst;
    others.strata = all.strata;
    take_from(others.strata[i].counts.subject, left);
    for (StratumCounts& each : others.strata) take_from(each.counts.subject, left);
    least = std::min(least.value_or(log_e()), log_e());
  }
  return e_value_of(*least);
}

// Runs that failed are among those that did not succeed unaided, and are no fallbacks.
ArmCounts without_failed(const ArmCounts& all, const ArmCounts& failed) {
  return {all.trials, all.events - std::min(all.events, failed.events)};
}

std::optional<AlikeRates> figure_of(const StepCounts& seen) {
  std::vector<Block> blocks;
  const auto add = [&](const Block& counts, const Block& failed) {
    blocks.push_back({without_failed(counts.subject, failed.subject),
                      without_failed(counts.reference, failed.reference)});
  };
  if (seen.strata.empty()) add(seen.counts, seen.failed);
  for (const StratumCounts& each : seen.strata) add(each.counts, each.failed);
  return alike_rates(blocks);
}

std::optional<StretchView> view_stretch(const RateEvidence& test, const Reading& reading,
                                        const EvidenceView& view) {
  const std::optional<Stretch> best = test.best_stretch(reading.hypothesis);
  if (!best || view.design_effect > kMostDiscount) return std::nullopt;
  StretchView stretch;
  stretch.since = best->seen.start;
  stretch.counts = alike(best->seen, reading.hypothesis).value_or(best->seen.counts);
  stretch.figure = figure_of(best->seen);
  stretch.is_of_strata = best->seen.strata.size() > 1;
  stretch.above = best->seen.above;
  stretch.log_gain = best->log_gain / view.design_effect;
  if (view.users) {
    const double expected = expected_events(stretch.counts, reading.hypothesis);
    stretch.worst = worst_of(best->seen.users, expected);
    stretch.e_without_worst =
        e_without(test, reading, best->seen, stretch.worst, view.design_effect);
  }
  return stretch;
}

std::optional<std::uint64_t> more_trials(const RateEvidence& test, const Reading& reading,
                                         const EvidenceView& view) {
  // What the rates are now: since it broke, where something speaks for that. A stretch begins where
  // events were: half of one is taken for chance, or forecasts would be too short.
  const bool is_recent =
      view.stretch && (reading.hypothesis.given_rate || view.stretch->counts.reference.trials > 0);
  const Block counts = is_recent
                           ? view.stretch->counts
                           : alike(test.all_counts(), reading.hypothesis).value_or(test.total);
  ExpectedRates rates = rates_in(counts, reading.hypothesis);
  constexpr double kChosen = 0.5;
  const double chosen = kChosen / static_cast<double>(counts.subject.trials);
  if (is_recent) rates.subject = std::max(rates.subject / 2, rates.subject - chosen);
  // Where runs were not read, the greatest was lowered, and may be below the present one.
  const double lowered = std::max(0.0, test.log_e(reading.hypothesis, view.design_effect) -
                                           test.greatest_log_e_at(view.design_effect));
  const auto more = test.trials_until(std::log(view.needed) + lowered, view.design_effect,
                                      reading.hypothesis, rates);
  if (!more) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(*more));
}

EvidenceView view_of(const Evidence& evidence, const Reading& reading) {
  const RateEvidence& test = find_evidence(evidence, reading.name);
  const RateHypothesis& hypothesis = reading.hypothesis;
  EvidenceView view;
  view.alpha = reading.alpha;
  view.collected_over = evidence.until - evidence.since;
  view.needed = 1 / reading.alpha;
  view.users = spread_in(evidence, reading);
  view.design_effect =
      std::max(view.users ? view.users->design_effect : effect_without_users(evidence, reading),
               day_effect(evidence, reading.name));
  view.e_value = e_value_of(test.greatest_log_e_at(view.design_effect));
  view.subject = test.total.subject;
  if (!hypothesis.given_rate) view.reference = test.total.reference;
  const auto all = alike(test.all_counts(), hypothesis);
  if (!all) return view;
  if (!hypothesis.given_rate) {
    view.difference = difference_of(*all, reading.alpha, view.design_effect);
  }
  view.is_available = true;
  view.stretch = view_stretch(test, reading, view);
  if (view.users) {
    view.e_without_worst =
        e_without(test, reading, test.all_counts(), view.users->worst, view.design_effect);
  }
  if (!view.decides()) view.more_trials = more_trials(test, reading, view);
  return view;
}

constexpr UserFigure kFailedRuns{&UserArm::runs, &UserArm::failed};

}  // namespace

EvidenceView view_trigger(const Evidence& evidence, std::string_view trigger,
                          const EvidenceConfig& config) {
  if (trigger == kMissingTest) {
    const bool is_tested = evidence.percent > 0 && evidence.percent < 100;
    if (!is_tested) return {};
    return view_of(
        evidence,
        {trigger, share_at_least_half(evidence.percent), config.alpha * kMissingShare, {}});
  }
  if (trigger == kCollapseTest) {
    return view_of(evidence, {trigger, no_collapse(), config.alpha * kCollapseShare, {}});
  }
  const RateTest* test = find_rate_test(trigger);
  if (test == nullptr) return {};
  return view_of(evidence, {trigger, hypothesis_of(*test, evidence.tolerance),
                            config.alpha * alpha_share(*test, evidence.limits), test->of_user});
}

EvidenceView view_promotion_test(const Evidence& evidence, double alpha,
                                 const EvidenceConfig& config) {
  return view_of(evidence,
                 {kPromotionTest, inferior(config.excluded_drop_pp / 100), alpha, kFailedRuns});
}

std::optional<LatencyView> view_latencies(const Evidence& evidence, const EvidenceConfig& config) {
  const auto& usual_ms = evidence.limits.usual;
  if (!usual_ms || *usual_ms <= 0) return std::nullopt;
  constexpr UserFigure kSlowRuns{&UserArm::timed, &UserArm::slow};
  const double users =
      tells_users_apart(evidence)
          ? spread_of(evidence.subject_users, evidence.reference_users, kSlowRuns, 0).design_effect
          : 1;
  return view_latency(evidence.latency, *usual_ms, config.alpha,
                      std::max(users, day_effect(evidence, "p95_ratio")));
}

Evidence with_unread(Evidence evidence, const Block& unread, const EvidenceConfig& config) {
  const auto found = evidence.tests.find(kPromotionTest);
  if (found == evidence.tests.end()) return evidence;
  RateEvidence& test = found->second;
  test.greatest_log_e = test.greatest_log_e_with(unread, inferior(config.excluded_drop_pp / 100));
  test.total += unread;
  return evidence;
}

std::optional<double> smallest_excludable_drop_pp(const Evidence& evidence, double alpha,
                                                  double runs) {
  const RateEvidence& test = find_evidence(evidence, kPromotionTest);
  const RateHypothesis any = inferior(0);
  const auto all = alike(test.all_counts(), any);
  if (!all) return std::nullopt;
  const double all_runs = static_cast<double>(test.total.subject.trials) + runs;
  const double effect = view_of(evidence, {kPromotionTest, any, alpha, kFailedRuns}).design_effect;
  if (effect > kMostDiscount) return std::nullopt;
  const auto is_excluded = [&](double margin) {
    return growth_at(inferior(margin), *all) * all_runs / effect >= std::log(1 / alpha);
  };
  constexpr double kMost = 0.99;
  if (!is_excluded(kMost)) return std::nullopt;
  return 100 * border(kMost, 0.0, is_excluded);
}

}  // namespace dagloop
