#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "dagloop/decide/ladder.hpp"
#include "decide_case.hpp"
#include "support/make_codes.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::DecideCase;
using test::kAsOf;
using test::make_node;
using test::make_rule;
using test::make_runs;
using test::QualityBuilder;
using Operation = PolicyRule::Operation;

/// Makes cases of all kinds from one seed: good and bad, scarce and plenty, stale and fresh.
class CaseMaker {
 public:
  explicit CaseMaker(std::uint64_t seed) : random_(seed) {}

  DecideCase make() {
    DecideCase c;
    c.quality = make_quality();
    c.at_percent(pick({0, 5, 10, 30, 45, 60, 100}));
    c.baseline = static_cast<BaselineKind>(number(0, 3));
    if (one_in(8)) c.checks.clear();
    if (one_in(3)) add_rules(c);
    if (one_in(4)) c.history.change = PolicyHistory::ChangeState::under_verification;
    if (one_in(4)) c.history.cooldown_until = c.now + std::chrono::hours(number(-5, 5));
    if (one_in(2)) c.history.in_force_since = c.now - std::chrono::hours(number(0, 12));
    for (int i = number(0, 3); i > 0; --i) {
      c.history.verified.push_back({{"DAG_ROLLOUT_PERCENT", std::to_string(number(0, 100))},
                                    {"DAG_NODE_TIMEOUT_MS", std::to_string(number(1, 60) * 1000)}});
    }
    if (one_in(10)) c.keys.erase(c.keys.begin());
    return c;
  }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool one_in(int n) { return number(1, n) == 1; }
  int pick(const std::vector<int>& values) {
    return values[static_cast<std::size_t>(number(0, static_cast<int>(values.size()) - 1))];
  }

  KpiPartial runs() {
    const int total = pick({0, 10, 20, 100, 100, 200});
    const int good = pick({50, 80, 90, 95, 98, 100, 100});
    const int succeeded = total * good / 100;
    KpiPartial partial = make_runs(static_cast<std::uint64_t>(total),
                                   static_cast<std::uint64_t>(succeeded), pick({100, 120, 900}));
    const std::vector<std::string> errors{"401", "500", "TOOL_TIMEOUT", "OTHER"};
    for (int i = succeeded; i < total; ++i) {
      test::fail_by(partial, errors[static_cast<std::size_t>(number(0, 3))]);
    }
    if (one_in(2)) partial.nodes["n"] = make_node(200, static_cast<std::uint64_t>(number(0, 60)));
    return partial;
  }

  QualityBuilder make_quality() {
    QualityBuilder quality;
    if (one_in(3)) {
      quality.current(runs());
    } else {
      if (!one_in(6)) quality.current(runs(), Cohort::canary);
      if (!one_in(6)) quality.current(runs(), Cohort::control);
    }
    if (one_in(2)) quality.baseline(runs());
    if (one_in(10)) quality.newest_record(kAsOf - 7h);
    if (one_in(10)) quality.malformed(2, 100);
    return quality;
  }

  void add_rules(DecideCase& c) {
    c.rules = {make_rule("timeout", 10, "error_rate.timeout", 0.01, "DAG_NODE_TIMEOUT_MS",
                         Operation::multiply, "1.5"),
               make_rule("backoff", 20, "error_rate.server", 0.01, "DAG_RETRY_BACKOFF_MS",
                         Operation::multiply, "2"),
               make_rule("rollout", 1, "error_rate.auth", 0.01, "DAG_ROLLOUT_PERCENT",
                         Operation::set, "100")};
    c.rules[1].group = c.rules[0].group;
  }

  std::mt19937_64 random_;
};

void check_promotion(const DecideCase& c, const Decision& decision) {
  CHECK(decision.verdict == Verdict::PASS);
  CHECK(data_faults(c.quality.build(), c.limits).empty());
  CHECK_FALSE(any_fired(decision.triggers));
  CHECK(c.history.change == PolicyHistory::ChangeState::none);
  CHECK((!c.history.cooldown_until || c.now >= *c.history.cooldown_until));
  CHECK((!c.history.in_force_since || c.now - *c.history.in_force_since >= c.config.soak));
  REQUIRE(decision.next_percent.has_value());
  CHECK(decision.next_percent == step_above(c.config.ladder, decision.current_percent));
  REQUIRE(decision.patch.size() == 1);
  const Change& change = decision.patch.at("DAG_ROLLOUT_PERCENT");
  CHECK(change.after == std::to_string(*decision.next_percent));
  const KeySpec* spec = find_key(c.keys, "DAG_ROLLOUT_PERCENT");
  REQUIRE(spec != nullptr);
  CHECK(step_fault(*spec, change.before, change.after) == std::nullopt);
  if (decision.current_percent > 0) {
    const Quality quality = c.quality.build();
    const Comparison comparison = choose_comparison(quality, c.baseline);
    REQUIRE(comparison.subject != nullptr);
    REQUIRE(comparison.reference != nullptr);
    CHECK(comparison.subject->total_runs >= c.config.min_sample);
    CHECK(comparison.reference->total_runs >= c.config.min_sample);
  }
}

void check_rollback(const DecideCase& c, const Decision& decision) {
  CHECK(any_fired(decision.triggers));
  CHECK(let_go_back(data_faults(c.quality.build(), c.limits)));
  CHECK(decision.patch.empty() == has_reason(decision.reasons, "nothing_to_roll_back_to"));
  const auto step = decision.patch.find("DAG_ROLLOUT_PERCENT");
  if (step != decision.patch.end()) {
    CHECK(std::stoi(step->second.after) < decision.current_percent);
    CHECK(decision.next_percent == std::stoi(step->second.after));
  }
}

void check_hold(const Decision& decision) {
  CHECK_FALSE(any_fired(decision.triggers));
  CHECK(decision.patch.count("DAG_ROLLOUT_PERCENT") == 0);
  CHECK_FALSE(decision.next_percent.has_value());
  CHECK(decision.patch.empty() != has_reason(decision.reasons, "policy_change_recommended"));
  if (decision.verdict == Verdict::INSUFFICIENT) CHECK(decision.patch.empty());
}

/// Runs of one side, as the log really has them: so many by how they ended.
struct RealRuns {
  std::uint64_t good = 0;
  std::uint64_t failed = 0;
  std::uint64_t auth = 0;  // of the failed ones
  std::uint64_t fell_back = 0;
  double latency_ms = 1000;

  KpiPartial runs() const {
    KpiPartial partial = make_runs(good + failed, good, latency_ms);
    test::set_codes(partial, {{"401", auth}, {"500", failed - auth}});
    partial.fallback = fell_back;
    partial.succeeded_unaided = good - std::min(good, fell_back);
    partial.nodes["n"] = make_node(good + failed, failed);
    return partial;
  }
};

/// A log whose lines can all be read, and what is left of it where some of them cannot.
struct SpoiltLog {
  QualityBuilder whole;
  QualityBuilder spoilt;
};

class LogSpoiler {
 public:
  explicit LogSpoiler(std::uint64_t seed) : random_(seed) {}

  SpoiltLog make() {
    const bool has_cohorts = below(3) > 0;
    SpoiltLog log;
    if (has_cohorts) {
      add_side(Cohort::canary, 40 + below(160), log);
      add_side(Cohort::control, 40 + below(400), log);
    } else {
      add_side(Cohort::none, 60 + below(300), log);
      const KpiPartial before = random_runs(60 + below(300)).runs();
      log.whole.baseline(before);
      log.spoilt.baseline(before);
    }
    return log;
  }
  std::uint64_t below(std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_);
  }

 private:
  RealRuns random_runs(std::uint64_t total) {
    const std::array<std::uint64_t, 6> in_hundred{0, 0, 1, 3, 8, 20};
    RealRuns runs;
    runs.failed = total * in_hundred.at(below(6)) / 100;
    runs.good = total - runs.failed;
    runs.auth = runs.failed == 0 ? 0 : below(runs.failed + 1);
    runs.fell_back = runs.good * in_hundred.at(below(6)) / 100;
    runs.latency_ms = below(8) == 0 ? 2000 : 1000;
    return runs;
  }
  // Of each kind a random part is unread, the failed ones above all.
  void add_side(Cohort cohort, std::uint64_t total, SpoiltLog& log) {
    const RealRuns real = random_runs(total);
    RealRuns left = real;
    const std::uint64_t most = below(2) == 0 ? 3 : total / 10 + 1;
    const auto take = [&](std::uint64_t& count) {
      const std::uint64_t taken = std::min(count, below(most + 1));
      count -= taken;
      return taken;
    };
    std::uint64_t unread = take(left.failed);
    left.auth = std::min(left.auth, left.failed);
    if (below(2) == 0) unread += take(left.good);
    left.fell_back = std::min(left.fell_back, left.good);
    log.whole.current(real.runs(), cohort);
    log.spoilt.current(left.runs(), cohort);
    const bool shows_cohort = cohort == Cohort::control || below(2) == 0;
    log.spoilt.unread(unread, shows_cohort ? cohort : Cohort::none);
  }

  std::mt19937_64 random_;
};

bool goes_forward(const Decision& decision) {
  return decision.action == Action::promote ||
         (decision.action == Action::hold && !decision.patch.empty());
}

TEST_CASE("whichever lines cannot be read, no action is more daring than with all of them") {
  int forward = 0;
  int held_back = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    LogSpoiler spoiler(seed);
    const SpoiltLog log = spoiler.make();
    DecideCase c;
    c.at_percent(spoiler.below(4) == 0 ? 0 : 30);
    if (spoiler.below(2) == 0) {
      c.rules = {make_rule("timeout", 10, "error_rate.auth", 0.02, "DAG_NODE_TIMEOUT_MS",
                           Operation::multiply, "1.2"),
                 make_rule("backoff", 20, "attempt_failure_rate", 0.02, "DAG_RETRY_BACKOFF_MS",
                           Operation::multiply, "1.5")};
    }
    c.quality = log.whole;
    const bool with_all = goes_forward(c.decide());
    c.quality = log.spoilt;
    const bool with_some = goes_forward(c.decide());
    if (with_some) CHECK(with_all);
    forward += with_some ? 1 : 0;
    held_back += with_all && !with_some ? 1 : 0;
  }
  CHECK(forward > 400);
  CHECK(held_back > 100);
}

TEST_CASE("whatever the inputs, a decision keeps its promises") {
  std::map<Action, int> seen;
  int patched_holds = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    const DecideCase c = CaseMaker(seed).make();
    const Decision decision = c.decide();
    ++seen[decision.action];
    CHECK_FALSE(decision.reasons.empty());
    for (const auto& [key, change] : decision.patch) {
      CHECK(c.values.at(key) == change.before);
      CHECK(change.before != change.after);
    }
    switch (decision.action) {
      case Action::promote:
        check_promotion(c, decision);
        break;
      case Action::rollback:
        check_rollback(c, decision);
        break;
      case Action::hold:
        check_hold(decision);
        patched_holds += decision.patch.empty() ? 0 : 1;
        break;
    }
  }
  // Were one of these rare, the properties above would say little of it.
  CHECK(seen[Action::promote] > 100);
  CHECK(seen[Action::rollback] > 350);
  CHECK(seen[Action::hold] > 400);
  CHECK(patched_holds > 50);
}

TEST_CASE("the same inputs give the same decision") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    const Decision a = CaseMaker(seed).make().decide();
    const Decision b = CaseMaker(seed).make().decide();
    CHECK(a.action == b.action);
    CHECK(a.patch == b.patch);
    CHECK(a.reasons == b.reasons);
    CHECK(a.recommendations == b.recommendations);
    CHECK(a.expires_at == b.expires_at);
    CHECK(a.triggers.size() == b.triggers.size());
  }
}

}  // namespace
}  // namespace dagloop
