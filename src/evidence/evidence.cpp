#include "dagloop/evidence/evidence.hpp"

#include <algorithm>

#include "evidence/trigger_tests.hpp"

namespace dagloop {
namespace {

/// The sides of one step, and of each stratum.
struct StepSides {
  struct OfStratum {
    std::uint8_t stratum;
    const ArmFigures& subject;
    const ArmFigures& reference;
  };
  const NewsStep& step;
  const ArmFigures& subject;
  const ArmFigures& reference;
  std::vector<OfStratum> strata;

  StepSides(const NewsStep& of, EvidenceSides kind)
      : step(of),
        subject(kind == EvidenceSides::all_and_before ? of.all : of.canary),
        reference(kind == EvidenceSides::all_and_before ? of.before : of.control) {
    for (const StratumNews& each : of.by_stratum) {
      kind == EvidenceSides::all_and_before
          ? strata.push_back({each.stratum, each.all, each.before})
          : strata.push_back({each.stratum, each.canary, each.control});
    }
  }
};

template <typename Sides>
Block block_of(const Sides& sides, const RateTest& test) {
  return {{sides.subject.*test.trials, sides.subject.*test.events},
          {sides.reference.*test.trials, sides.reference.*test.events}};
}

// Fallbacks are compared within pipelines.
std::uint8_t counted_as(std::uint8_t stratum, const RateTest& test, const Evidence& evidence) {
  if (test.events != &ArmFigures::aided || !evidence.strata) return stratum;
  return static_cast<std::uint8_t>(first_of_pipeline(*evidence.strata, stratum));
}

// By stratum, where they are told apart and the reference has runs to compare with.
StepCounts counts_of(const StepSides& sides, const RateTest& test, const Evidence& evidence) {
  StepCounts counts{.counts = block_of(sides, test), .start = sides.step.window.start};
  for (const UserArm& user : sides.subject.users) {
    const ArmCounts of_user{user.*test.of_user.trials, user.*test.of_user.events};
    if (of_user.trials > 0) counts.users.push_back({user.hash, of_user});
  }
  const bool is_of_limit = test.events == &ArmFigures::slow;
  const bool is_of_fallbacks = test.events == &ArmFigures::aided;
  if (is_of_limit) counts.above = sides.subject.above;
  if (is_of_fallbacks) counts.failed = block_of(sides, rate_tests().front());
  if (hypothesis_of(test, evidence.tolerance).given_rate) return counts;
  StepCounts strata;
  for (const StepSides::OfStratum& each : sides.strata) {
    StratumCounts of{counted_as(each.stratum, test, evidence), block_of(each, test), {}, {}};
    if (of.counts == Block()) continue;
    if (is_of_limit) of.above = each.subject.above;
    if (is_of_fallbacks) of.failed = block_of(each, rate_tests().front());
    strata += StepCounts{.counts = of.counts, .strata = {std::move(of)}};
  }
  // Where it is not known of which stratum all trials are, they are not told apart.
  if (strata.counts == counts.counts) counts.strata = std::move(strata.strata);
  return counts;
}

// Steps of before a change of the percentage count by the lower one: it may be that both hold.
int percent_at(const Evidence& evidence, TimePoint time) {
  if (!evidence.percent_since || time >= *evidence.percent_since) return evidence.percent;
  return std::min(evidence.percent, evidence.percent_before);
}

void add_canaries(Evidence& evidence, const NewsStep& step) {
  const int percent = percent_at(evidence, step.window.start);
  if (percent <= 0 || percent >= 100) return;
  const Block share{{step.canary.runs + step.control.runs, step.canary.runs}, {}};
  evidence.tests[std::string(kMissingTest)].add({share, step.window.start, {}, {}},
                                                share_at_least_half(percent));
  RateEvidence& collapse = evidence.tests[std::string(kCollapseTest)];
  if (collapse.expectation.trials == 0) {
    collapse.expectation = expectation_of(evidence.tests["success_drop"].expectation);
  }
  const Block cold{{step.cold_canary.runs, step.cold_canary.failed},
                   {step.cold_control.runs, step.cold_control.failed}};
  collapse.add({cold, step.window.start, {}, {}}, no_collapse());
}

// Likewise.
std::vector<StratumLatency> latencies_of(const StepSides& sides) {
  std::vector<StratumLatency> latencies;
  std::uint64_t subjects = 0;
  std::uint64_t references = 0;
  for (const StepSides::OfStratum& each : sides.strata) {
    // A report does not tell them of strata.
    const bool is_told = (each.subject.timed == 0 || !each.subject.above.empty()) &&
                         (each.reference.timed == 0 || !each.reference.above.empty());
    if (!is_told) return {};
    subjects += each.subject.timed;
    references += each.reference.timed;
    latencies.push_back({each.stratum,
                         {each.subject.timed, each.subject.above},
                         {each.reference.timed, each.reference.above}});
  }
  if (subjects != sides.subject.timed || references != sides.reference.timed) latencies.clear();
  return latencies;
}

void add_step(Evidence& evidence, const NewsStep& step, EvidenceSides kind,
              const EvidenceConfig& config, std::uint64_t least_fixing) {
  const StepSides sides(step, kind);
  // First, for it looks at what was expected before this step.
  if (kind == EvidenceSides::canary_and_control) add_canaries(evidence, step);
  for (const RateTest& test : rate_tests()) {
    if (!is_counted(test, evidence.limits)) continue;
    evidence.tests[std::string(test.name)].add(counts_of(sides, test, evidence),
                                               hypothesis_of(test, evidence.tolerance));
  }
  StepCounts runs = counts_of(sides, rate_tests().front(), evidence);
  runs.users.clear();
  evidence.tests[std::string(kPromotionTest)].add(runs, inferior(config.excluded_drop_pp / 100));
  evidence.latency.add({sides.subject.timed, sides.subject.above},
                       {sides.reference.timed, sides.reference.above}, step.window.start,
                       latencies_of(sides));
  evidence.fixed.add(step, least_fixing);
  evidence.subject_users.add(sides.subject.users);
  evidence.reference_users.add(sides.reference.users);
}

}  // namespace

void set_percent(Evidence& evidence, int percent, TimePoint since) {
  if (percent == evidence.percent) return;
  // Where not even the change before is behind us, the lowest of all three.
  const bool is_pending = evidence.percent_since && evidence.until < *evidence.percent_since;
  evidence.percent_before =
      is_pending ? std::min(evidence.percent_before, evidence.percent) : evidence.percent;
  evidence.percent = percent;
  evidence.percent_since = since;
}

void expect_by_stratum(Evidence& evidence, const std::vector<ArmFigures>& usual) {
  // Of few runs of a stratum what all runs are like says more than they do.
  constexpr std::uint64_t kFew = 20;
  const auto expect = [&](std::string_view name, const RateTest& test) {
    RateEvidence& to = evidence.tests[std::string(name)];
    for (std::size_t i = 0; i < usual.size(); ++i) {
      const auto stratum = counted_as(static_cast<std::uint8_t>(i), test, evidence);
      StratumEvidence& of = at_stratum<StratumEvidence>(to.by_stratum, {stratum, {}, {}});
      of.expectation += {usual[i].*test.trials, usual[i].*test.events};
    }
    const ArmCounts all = expectation_of(to.expectation);
    const std::uint64_t weight = std::min(all.trials, kFew);
    for (StratumEvidence& each : to.by_stratum) {
      each.expectation = expectation_of(each.expectation);
      if (each.expectation.trials >= kFew || weight == 0) continue;
      each.expectation += {weight, (all.events * weight + all.trials / 2) / all.trials};
    }
  };
  for (const RateTest& test : rate_tests()) {
    if (is_counted(test, evidence.limits) && !hypothesis_of(test, evidence.tolerance).given_rate) {
      expect(test.name, test);
    }
  }
  expect(kPromotionTest, rate_tests().front());
}

void add_news(Evidence& evidence, const News& news, EvidenceSides sides,
              const EvidenceConfig& config, std::uint64_t least_fixing) {
  evidence.limits = news.limits;
  if (!evidence.strata) evidence.strata = news.strata;
  const NewsStep whole{news.window, news.canary, news.control, news.all,
                       news.before, {},          {},           news.by_stratum};
  for (const NewsStep& step : news.steps) add_step(evidence, step, sides, config, least_fixing);
  if (news.steps.empty()) {
    add_step(evidence, whole, sides, config, least_fixing);
  } else if (evidence.latency.subject.runs == 0) {
    // Blocks of a report say nothing of latencies by edge; its whole does.
    const StepSides of(whole, sides);
    evidence.latency.add({of.subject.timed, of.subject.above},
                         {of.reference.timed, of.reference.above}, news.window.start,
                         latencies_of(of));
  }
  // From here the next tick counts on: each run is bet on once, or the e-values would mean nothing.
  evidence.until = news.window.end;
}

}  // namespace dagloop
