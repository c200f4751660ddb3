// Effect models against services whose truth is known: do their 80 % intervals hold the true
// expected effect in about 80 % of all cases, and is what they suggest as good as the best?
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>

#include "dagloop/decide/effect_model.hpp"
#include "known_service.hpp"
#include "support/make_codes.hpp"
#include "support/make_quality.hpp"

using namespace dagloop;
using namespace dagloop::sim;

namespace {

#ifdef NDEBUG
constexpr std::uint64_t kServices = 150;
#else
constexpr std::uint64_t kServices = 12;  // ten times slower each; too few to judge shares
#endif
constexpr double kLeastWithin = 0.95;  // of the suggestions, within 1 point of the best
constexpr int kTrueRuns = 20000;

KeySpec make_spec(const std::string& name, KeyType type, double min, double max, double step) {
  KeySpec spec;
  spec.name = name;
  spec.type = type;
  spec.min = min;
  spec.max = max;
  spec.max_step = step;
  return spec;
}

/// How often intervals held the truth.
struct Coverage {
  std::string name;
  int cases = 0;
  int held = 0;
  int below = 0;  // the truth lay below
  void add(const Effect& effect, double truth, double rounding) {
    ++cases;
    const bool low = truth < effect.low - rounding;
    below += low ? 1 : 0;
    held += !low && truth <= effect.high + rounding ? 1 : 0;
  }
  double share() const { return static_cast<double>(held) / std::max(cases, 1); }
  void print() const {
    std::printf("%-44s %5d cases, %5.1f %% held, %4.1f %% below\n", name.c_str(), cases,
                100 * share(), 100.0 * below / std::max(cases, 1));
  }
};

void check_coverage(const Coverage& coverage) {
  INFO(coverage.name);
  if (kServices < 100) return;
  CHECK(coverage.share() >= 0.75);
  CHECK(coverage.share() <= 0.88);
}

/// How much the suggested setting loses against the best. Units: percentage points.
struct Regret {
  std::string name;
  std::vector<double> lost;
  double within(double points) const {
    const auto count =
        std::count_if(lost.begin(), lost.end(), [&](double l) { return l <= points; });
    return static_cast<double>(count) / static_cast<double>(lost.size());
  }
  void print() const {
    double sum = 0;
    for (const double each : lost) sum += each;
    std::printf("%-44s %5zu cases, %5.1f %% within 1 pp, mean %.2f pp, most %.2f pp\n",
                name.c_str(), lost.size(), 100 * within(1), sum / static_cast<double>(lost.size()),
                *std::max_element(lost.begin(), lost.end()));
  }
};

constexpr std::array kRuns{300, 1000, 4000};

struct NodeCase {
  KnownService service;
  Quality quality;
  PolicyValues values;
};

NodeCase make_case(std::uint64_t seed) {
  Lots lots(seed);
  NodeCase made;
  made.service = draw_service(lots);
  const KpiPartial log = serve(made.service, kRuns.at(seed % kRuns.size()), lots);
  made.quality = test::QualityBuilder().current(log).build();
  made.values = {{"ATTEMPTS", std::to_string(made.service.policy.attempts)},
                 {"TIMEOUT", std::to_string(static_cast<int>(made.service.policy.timeout_ms))}};
  return made;
}

const ModelKeys kKeys{{EffectModel::one_more_attempt, "ATTEMPTS"},
                      {EffectModel::node_timeout, "TIMEOUT"}};

ModelQuestion ask(const NodeCase& node_case, EffectModel model, const KeySpec& spec) {
  return {model,
          node_case.quality.current.population(Population::dag),
          *node_case.quality.service,
          spec,
          node_case.values,
          kKeys,
          {},
          {}};
}

KnownPolicy with(const NodeCase& node_case, EffectModel model, const std::string& value) {
  KnownPolicy policy = node_case.service.policy;
  if (model == EffectModel::node_timeout) policy.timeout_ms = std::stod(value);
  if (model == EffectModel::one_more_attempt) policy.attempts = std::stoi(value);
  return policy;
}

struct NodeFindings {
  Coverage gain, shorter, longer, p95;
  Regret regret;
};

void look_at(const NodeCase& node_case, EffectModel model, const KeySpec& spec, std::uint64_t seed,
             NodeFindings& findings) {
  const ModelQuestion question = ask(node_case, model, spec);
  const KnownPolicy& now = node_case.service.policy;
  const double success = true_success(node_case.service, now);
  const std::string& current = node_case.values.at(spec.name);
  double best = success;
  std::vector<std::string> values = tried_values(spec, current);
  for (const std::string& value : values) {
    best = std::max(best, true_success(node_case.service, with(node_case, model, value)));
  }
  const std::string& value = values[seed / 3 % values.size()];
  const KnownPolicy changed = with(node_case, model, value);
  const auto prediction = predict(question, value);
  REQUIRE(prediction);
  const double truth = 100 * (true_success(node_case.service, changed) - success);
  findings.gain.add(prediction->success_rate_pp, truth, 0.005);
  const bool is_longer = std::stod(value) > std::stod(current);
  (is_longer ? findings.longer : findings.shorter).add(prediction->success_rate_pp, truth, 0.005);
  const double slower = true_p95(node_case.service, changed, seed * 1000003, kTrueRuns) -
                        true_p95(node_case.service, now, seed * 1000003, kTrueRuns);
  findings.p95.add(prediction->p95_ms, slower, 0.5);
  const ModelAnswer answer = ask_model(question);
  REQUIRE(answer.kind != ModelAnswer::Kind::cannot_tell);
  const bool changes = answer.kind == ModelAnswer::Kind::change;
  const KnownPolicy chosen = changes ? with(node_case, model, answer.value) : now;
  findings.regret.lost.push_back(100 * (best - true_success(node_case.service, chosen)));
}

NodeFindings look_at_all(EffectModel model, const std::function<KeySpec(const NodeCase&)>& spec) {
  const std::string name(to_string(model));
  NodeFindings findings;
  findings.gain.name = name + ", success rate";
  findings.shorter.name = name + ", success rate, less of it";
  findings.longer.name = name + ", success rate, more of it";
  findings.p95.name = name + ", p95 latency";
  findings.regret.name = name + ", suggested value";
  for (std::uint64_t seed = 1; seed <= kServices; ++seed) {
    const NodeCase node_case = make_case(seed);
    look_at(node_case, model, spec(node_case), seed, findings);
  }
  for (const Coverage& each : {findings.gain, findings.shorter, findings.longer, findings.p95}) {
    each.print();
  }
  findings.regret.print();
  return findings;
}

/// A service that only its runs are known of, and what is true of it.
struct RunCase {
  Quality quality;
  PolicyValues values;
  KeySpec spec;
  std::function<double(const std::string&)> success;  // true rate at a value
};

KpiPartial count_runs(const std::vector<std::pair<bool, double>>& runs, const std::string& code) {
  KpiPartial log;
  for (const auto& [succeeded, latency_ms] : runs) {
    ++log.total_runs;
    if (succeeded) ++log.succeeded;
    if (!succeeded) test::fail_by(log, code);
    log.latency.add(latency_ms);
  }
  return log;
}

RunCase pipeline_case(std::uint64_t seed) {
  Lots lots(seed);
  DurationLaw law = draw_law(lots);
  if (lots.chance(0.5)) law.hanging = lots.between(0, 0.05);
  const double timeout = std::round(law.median_ms * lots.between(2, 5) / 100) * 100;
  const double good = lots.between(0.85, 1);
  std::vector<std::pair<bool, double>> runs;
  for (int i = 0; i < kRuns.at(seed % kRuns.size()); ++i) {
    const double duration = law.draw(lots);
    const bool cut = duration > timeout;
    runs.emplace_back(lots.chance(good) && !cut, cut ? timeout * 1.001 : duration);
  }
  return {test::QualityBuilder().current(count_runs(runs, "PIPELINE_TIMEOUT")).build(),
          {{"KEY", std::to_string(static_cast<int>(timeout))}},
          make_spec("KEY", KeyType::duration_ms, 100, 600000, std::round(timeout * 0.5)),
          [=](const std::string& value) { return good * (1 - law.above(std::stod(value))); }};
}

/// Half the services have a limit; the others refuse as a power of the concurrency.
RunCase fan_out_case(std::uint64_t seed) {
  Lots lots(seed);
  constexpr double kConcurrency = 16;
  const double refused = lots.between(0.02, 0.3);
  const double good = lots.between(0.85, 1);
  const bool has_limit = lots.chance(0.5);
  const double power = lots.between(0.7, 2.5);
  const double limit = lots.between(0.1, 0.95);
  const auto rate = [=](const std::string& value) {
    const double times = std::stod(value) / kConcurrency;
    const double left =
        has_limit ? std::max(0.0, (times - limit) / (1 - limit)) : std::pow(times, power);
    return (1 - std::min(1.0, refused * left)) * good;
  };
  KpiPartial log;
  for (int i = 0; i < kRuns.at(seed % kRuns.size()); ++i) {
    const bool is_refused = lots.chance(refused);
    const bool succeeded = !is_refused && lots.chance(good);
    ++log.total_runs;
    log.succeeded += succeeded ? 1U : 0U;
    if (!succeeded) test::fail_by(log, is_refused ? "429" : "500");
    log.latency.add(lots.between(1000, 5000));
    log.fanout_total += 10;
  }
  return {test::QualityBuilder().current(log).build(),
          {{"KEY", "16"}},
          make_spec("KEY", KeyType::int_, 1, 32, 8),
          rate};
}

RunCase fallback_case(std::uint64_t seed) {
  Lots lots(seed);
  const double failed = lots.between(0.03, 0.3);
  const double good = lots.between(0.85, 1);
  const double by_rules = lots.uniform();
  KpiPartial log;
  for (int i = 0; i < kRuns.at(seed % kRuns.size()); ++i) {
    const bool is_failed = lots.chance(failed);
    const bool succeeded = !is_failed && lots.chance(good);
    ++log.total_runs;
    log.succeeded += succeeded ? 1U : 0U;
    if (!succeeded) test::fail_by(log, is_failed ? "LLM_AUTOFILL_FAILED" : "500");
    log.latency.add(lots.between(1000, 5000));
  }
  constexpr std::array kSeen{0, 30, 300};
  for (int i = kSeen.at(seed / 3 % 3); i > 0; --i) {
    ++log.plan_sources["rule"].runs;
    log.plan_sources["rule"].succeeded += lots.chance(by_rules) ? 1U : 0U;
  }
  KeySpec spec;
  spec.name = "KEY";
  spec.type = KeyType::enum_;
  spec.values = {"off", "rule"};
  return {test::QualityBuilder().current(log).build(),
          {{"KEY", "off"}},
          spec,
          [=](const std::string& value) {
            return (1 - failed) * good + (value == "rule" ? failed * by_rules : 0);
          }};
}

void check_runs(EffectModel model, const std::function<RunCase(std::uint64_t)>& make) {
  const std::string name(to_string(model));
  Coverage gain;
  gain.name = name + ", success rate";
  Regret regret;
  regret.name = name + ", suggested value";
  for (std::uint64_t seed = 1; seed <= 2 * kServices; ++seed) {
    const RunCase run_case = make(seed);
    const ModelKeys keys{{model, "KEY"}};
    const ModelQuestion question{model,
                                 run_case.quality.current.population(Population::dag),
                                 *run_case.quality.service,
                                 run_case.spec,
                                 run_case.values,
                                 keys,
                                 {},
                                 {}};
    const std::string& current = run_case.values.at("KEY");
    const std::vector<std::string> values = tried_values(run_case.spec, current);
    const double now = run_case.success(current);
    double best = now;
    for (const std::string& value : values) best = std::max(best, run_case.success(value));
    const std::string& value = values[seed / 3 % values.size()];
    const auto prediction = predict(question, value);
    REQUIRE(prediction);
    gain.add(prediction->success_rate_pp, 100 * (run_case.success(value) - now), 0.005);
    const ModelAnswer answer = ask_model(question);
    const bool changes = answer.kind == ModelAnswer::Kind::change;
    regret.lost.push_back(100 * (best - run_case.success(changes ? answer.value : current)));
  }
  gain.print();
  regret.print();
  check_coverage(gain);
  CHECK(regret.within(1) >= (kServices < 100 ? 0.8 : kLeastWithin));
}

void check_nodes(const NodeFindings& findings) {
  check_coverage(findings.gain);
  check_coverage(findings.p95);
  CHECK(findings.regret.within(1) >= (kServices < 100 ? 0.8 : kLeastWithin));
}

}  // namespace

TEST_CASE("predicted effects of attempts hold the truth, and the suggestion is near the best") {
  const auto findings = look_at_all(EffectModel::one_more_attempt, [](const NodeCase&) {
    return make_spec("ATTEMPTS", KeyType::int_, 1, 6, 1);
  });
  check_nodes(findings);
}

TEST_CASE(
    "predicted effects of a node timeout hold the truth, and the suggestion is near the best") {
  const auto findings = look_at_all(EffectModel::node_timeout, [](const NodeCase& node_case) {
    const double timeout = node_case.service.policy.timeout_ms;
    return make_spec("TIMEOUT", KeyType::duration_ms, 100, 600000, std::round(timeout * 0.5));
  });
  check_nodes(findings);
}

TEST_CASE("predicted effects of a pipeline timeout hold the truth") {
  check_runs(EffectModel::pipeline_timeout, pipeline_case);
}

TEST_CASE("predicted effects of a fan-out's concurrency hold the truth") {
  check_runs(EffectModel::fan_out_concurrency, fan_out_case);
}

TEST_CASE("predicted effects of a fallback hold the truth") {
  check_runs(EffectModel::fallback, fallback_case);
}
