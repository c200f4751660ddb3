#include "dagloop/evidence/detection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evidence/trigger_tests.hpp"

namespace dagloop {
namespace {

// What a bet has to begin with that starts where the fault does.
double stake_now(const RateEvidence& test, const StartPlan& plan, Microseconds collected_over) {
  if (!test.starts.first) return plan.first;
  const double trials = static_cast<double>(test.total.subject.trials);
  const auto each = std::chrono::duration_cast<Microseconds>(
      collected_over * (static_cast<double>(plan.every_trials) / trials));
  const Microseconds elapsed = test.starts.last - *test.starts.first;
  return plan.given_out(elapsed + each) - plan.given_out(elapsed);
}

// What is left of the bets so far, on one alternative.
double wealth_of(const RateEvidence& test, std::size_t alternative, double design_effect) {
  if (alternative >= test.log_wealth.size()) return -std::numeric_limits<double>::infinity();
  return log_at_effect(design_effect,
                       [&](std::size_t i) { return test.log_wealth[alternative][i]; });
}

}  // namespace

std::optional<std::uint64_t> runs_to_find(const Evidence& evidence, double drop_pp,
                                          const EvidenceConfig& config) {
  constexpr std::string_view kTest = "success_drop";
  const auto found = evidence.tests.find(kTest);
  if (found == evidence.tests.end()) return std::nullopt;
  const RateEvidence& test = found->second;
  const ArmCounts& subject = test.total.subject;
  const ArmCounts& reference = test.total.reference;
  if (subject.trials == 0 || reference.trials == 0) return std::nullopt;
  const RateHypothesis hypothesis = hypothesis_of(*find_rate_test(kTest), evidence.tolerance);
  const EvidenceView view = view_trigger(evidence, kTest, config);
  const double stake = stake_now(test, hypothesis.starts, view.collected_over);
  if (stake <= 0 || view.design_effect > discount(kDiscounts - 1)) return std::nullopt;
  const double usual = rate_of(reference);
  const double worse = std::min(1.0, usual + drop_pp / 100);
  const double per_subject =
      static_cast<double>(reference.trials) / static_cast<double>(subject.trials);
  const std::vector<double> growths = expected_growths(hypothesis, {worse, usual, per_subject});
  std::optional<double> least;
  for (std::size_t i = 0; i < hypothesis.alternatives.size(); ++i) {
    const double growth = growths[i] / view.design_effect;
    if (growth <= 0) continue;
    const double share = hypothesis.alternatives[i].share;
    const double begins = std::max(std::log(stake), wealth_of(test, i, view.design_effect));
    const double runs = std::max(0.0, std::log(view.needed / share) - begins) / growth;
    least = std::min(least.value_or(runs), runs);
  }
  constexpr double kForever = 1e9;
  if (!least || *least >= kForever) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(*least));
}

}  // namespace dagloop
