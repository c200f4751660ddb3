#include "dagloop/evidence/evidence.hpp"

#include <algorithm>

#include "evidence/trigger_tests.hpp"

namespace dagloop {
namespace {

/// The sides of one step.
struct StepSides {
  const NewsStep& step;
  const ArmFigures& subject;
  const ArmFigures& reference;
};

Block block_of(const StepSides& sides, const RateTest& test) {
  return {{sides.subject.*test.trials, sides.subject.*test.events},
          {sides.reference.*test.trials, sides.reference.*test.events}};
}

StepCounts counts_of(const StepSides& sides, const RateTest& test) {
  StepCounts counts{block_of(sides, test), sides.step.window.start, {}, {}};
  for (const UserArm& user : sides.subject.users) {
    const ArmCounts of_user{user.*test.of_user.trials, user.*test.of_user.events};
    if (of_user.trials > 0) counts.users.push_back({user.hash, of_user});
  }
  if (test.events == &ArmFigures::slow) counts.above = sides.subject.above;
  if (test.events == &ArmFigures::aided) counts.failed = block_of(sides, rate_tests().front());
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

void add_step(Evidence& evidence, const NewsStep& step, EvidenceSides kind,
              const EvidenceConfig& config) {
  const bool has_control = kind == EvidenceSides::canary_and_control;
  const StepSides sides{step, has_control ? step.canary : step.all,
                        has_control ? step.control : step.before};
  // First, for it looks at what was expected before this step.
  if (has_control) add_canaries(evidence, step);
  for (const RateTest& test : rate_tests()) {
    if (!is_counted(test, evidence.limits)) continue;
    evidence.tests[std::string(test.name)].add(counts_of(sides, test),
                                               hypothesis_of(test, evidence.tolerance));
  }
  const Block runs = block_of(sides, rate_tests().front());
  evidence.tests[std::string(kPromotionTest)].add({runs, step.window.start, {}, {}},
                                                  inferior(config.excluded_drop_pp / 100));
  evidence.latency.add({sides.subject.timed, sides.subject.above},
                       {sides.reference.timed, sides.reference.above}, step.window.start);
  evidence.fixed.add(step);
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

void add_news(Evidence& evidence, const News& news, EvidenceSides sides,
              const EvidenceConfig& config) {
  evidence.limits = news.limits;
  std::vector<NewsStep> steps = news.steps;
  if (steps.empty()) {
    steps.push_back({news.window, news.canary, news.control, news.all, news.before, {}, {}});
  }
  for (const NewsStep& step : steps) add_step(evidence, step, sides, config);
  // Blocks of a report say nothing of latencies by edge; its whole does.
  if (!news.steps.empty() && evidence.latency.subject.runs == 0) {
    const bool has_control = sides == EvidenceSides::canary_and_control;
    const ArmFigures& subject = has_control ? news.canary : news.all;
    const ArmFigures& reference = has_control ? news.control : news.before;
    evidence.latency.add({subject.timed, subject.above}, {reference.timed, reference.above},
                         news.window.start);
  }
  // From here the next tick counts on: each run is bet on once, or the e-values would mean nothing.
  evidence.until = news.window.end;
}

}  // namespace dagloop
