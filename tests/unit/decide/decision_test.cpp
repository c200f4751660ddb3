#include "dagloop/decide/decision.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "decide_case.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::codes;
using test::DecideCase;
using test::failing;
using test::kAsOf;
using test::make_rule;
using test::make_runs;
using test::make_runs_with_errors;
using test::QualityBuilder;
using test::text_of;
using test::timeout_rule;
using test::with_timeouts;
using Operation = PolicyRule::Operation;
using Approval = Decision::Approval;

/// A canary far worse than its control.
QualityBuilder crashing() {
  return QualityBuilder()
      .current(make_runs(100, 50), Cohort::canary)
      .current(make_runs(200, 196), Cohort::control);
}

TEST_CASE("a good canary is promoted one step, and the decision says what it rests on") {
  const Decision decision = DecideCase().decide();
  CHECK(decision.action == Action::promote);
  CHECK(decision.verdict == Verdict::PASS);
  CHECK(decision.current_percent == 30);
  CHECK(decision.next_percent == 60);
  CHECK(decision.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "60"}}});
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"gate_pass", "not_inferior_to_control"});
  CHECK(decision.approval == Approval::required);
  CHECK(decision.generated_at == kAsOf + 1min);
  CHECK(decision.as_of == kAsOf);
  CHECK(decision.expires_at == kAsOf + 1min + 24h);
  CHECK(decision.env_sha256 == "0123");
  CHECK(decision.proposed_by == "loop");
  CHECK(decision.triggers.size() == 6);
}

TEST_CASE("data faults hold before anything else, without triggers, recommendations or patch") {
  DecideCase c;
  c.quality = crashing().newest_record(kAsOf - 7h);
  c.rules = {timeout_rule()};
  c.history.change = PolicyHistory::ChangeState::under_verification;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.verdict == Verdict::INSUFFICIENT);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"data_stale"});
  CHECK(decision.triggers.empty());
  CHECK(decision.recommendations.empty());
  CHECK(decision.patch.empty());
  CHECK_FALSE(decision.next_percent.has_value());
}

TEST_CASE("each data fault holds by its own reason") {
  DecideCase c;
  c.quality = DecideCase::healthy().newest_record(std::nullopt);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"no_data"});
  c.quality = DecideCase::healthy().malformed(11, 1000);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"malformed_share_above_limit"});
  CHECK(c.decide().action == Action::hold);
}

TEST_CASE("too many lines that could not be read hold everything but a way back") {
  DecideCase c;
  c.quality = crashing().malformed(20, 100);
  c.history.verified = {{{"DAG_ROLLOUT_PERCENT", "10"}}};
  const Decision back = c.decide();
  CHECK(back.action == Action::rollback);
  CHECK(back.verdict == Verdict::INSUFFICIENT);
  CHECK(back.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(codes(back.reasons) ==
        std::vector<std::string>{"success_drop_fired", "malformed_share_above_limit"});
  c.quality = crashing().malformed(20, 100).newest_record(kAsOf - 7h);
  CHECK(c.decide().action == Action::hold);
  c.quality = DecideCase::healthy().malformed(20, 100);
  c.rules = {timeout_rule()};
  const Decision held = c.decide();
  CHECK(held.action == Action::hold);
  CHECK(held.patch.empty());
  CHECK(held.recommendations.empty());
  CHECK(codes(held.reasons) == std::vector<std::string>{"malformed_share_above_limit"});
}

TEST_CASE("a report of an earlier version promotes nothing, and lets a rollback go ahead") {
  DecideCase c;
  c.edit = [](Quality& quality) { quality.tells_unread = false; };
  CHECK(c.decide().action == Action::hold);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"report_of_earlier_version"});
  CHECK(c.decide().verdict == Verdict::INSUFFICIENT);
  c.quality = crashing();
  CHECK(c.decide().action == Action::rollback);
}

TEST_CASE("a fired trigger rolls back to the latest verified policy below, without approval") {
  DecideCase c;
  c.quality = crashing();
  c.history.verified = {{{"DAG_ROLLOUT_PERCENT", "10"}}};
  const Decision decision = c.decide();
  CHECK(decision.action == Action::rollback);
  CHECK(decision.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "10"}}});
  CHECK(decision.next_percent == 10);
  CHECK(decision.approval == Approval::not_required);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"success_drop_fired"});
  CHECK(decision.recommendations.empty());
}

TEST_CASE("without a verified policy a rollback is one step down and needs an approval") {
  DecideCase c;
  c.quality = crashing();
  const Decision decision = c.decide();
  CHECK(decision.action == Action::rollback);
  CHECK(decision.next_percent == 10);
  CHECK(decision.approval == Approval::required);
}

TEST_CASE("every fired trigger is a reason of the rollback") {
  DecideCase c;
  c.quality =
      QualityBuilder()
          .current(make_runs_with_errors(100, 50, {{"401", 25}, {"500", 25}}), Cohort::canary)
          .current(make_runs(200, 196), Cohort::control);
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"success_drop_fired",
                                                              "error_ratio.auth_fired",
                                                              "error_ratio.server_fired"});
}

TEST_CASE("a trigger outranks cool-down, verification and a gate that passes") {
  DecideCase c;
  c.quality = crashing();
  c.checks = {};
  c.history.cooldown_until = kAsOf + 24h;
  CHECK(c.decide().action == Action::rollback);
  c.history.change = PolicyHistory::ChangeState::under_verification;
  CHECK(c.decide().action == Action::rollback);
}

TEST_CASE("a rollback of a policy change under verification leaves the percentage alone") {
  DecideCase c;
  c.quality = crashing();
  c.history.change = PolicyHistory::ChangeState::under_verification;
  c.history.verified = {c.values};
  c.values["DAG_NODE_TIMEOUT_MS"] = "45000";
  const Decision decision = c.decide();
  CHECK(decision.action == Action::rollback);
  CHECK(decision.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"45000", "30000"}}});
  CHECK_FALSE(decision.next_percent.has_value());
}

TEST_CASE("a trigger at the bottom of the ladder has nothing to roll back to, and says so") {
  DecideCase c;
  c.at_percent(0);
  c.quality = crashing();
  const Decision decision = c.decide();
  CHECK(decision.action == Action::rollback);
  CHECK(decision.patch.empty());
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"success_drop_fired", "nothing_to_roll_back_to"});
}

TEST_CASE("a canary that a rollback to 0 % has taken away is no side of a comparison") {
  DecideCase c;
  c.at_percent(0);
  c.quality = crashing().baseline(make_runs(300, 260));
  CHECK(c.decide().action == Action::rollback);
  c.history.rolled_back = RolledBack{};
  c.history.cooldown_until = c.now + 1us;
  const Decision held = c.decide();
  CHECK(held.action == Action::hold);
  CHECK(codes(held.reasons) == std::vector<std::string>{"cooldown"});
  c.baseline = BaselineKind::control;
  CHECK(c.decide().action == Action::hold);
  c.at_percent(10);
  CHECK(c.decide().action == Action::rollback);
}

TEST_CASE("triggers judge window against window where no run has a cohort") {
  DecideCase c;
  c.at_percent(100);
  c.quality = QualityBuilder().current(make_runs(100, 85)).baseline(make_runs(100, 95));
  CHECK(c.decide().action == Action::rollback);
  c.quality = QualityBuilder().current(make_runs(100, 86)).baseline(make_runs(100, 95));
  CHECK(c.decide().action == Action::hold);
}

TEST_CASE("a change under verification holds everything else, recommendations are listed") {
  DecideCase c;
  c.quality = with_timeouts();
  c.rules = {timeout_rule()};
  c.history.change = PolicyHistory::ChangeState::under_verification;
  c.history.cooldown_until = kAsOf + 24h;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"change_under_verification"});
  CHECK(decision.recommendations.size() == 1);
  CHECK(decision.patch.empty());
}

TEST_CASE("a cool-down holds until its end, and says when that is") {
  DecideCase c;
  c.quality = with_timeouts();
  c.rules = {timeout_rule()};
  c.history.cooldown_until = c.now + 1us;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"cooldown"});
  CHECK(decision.recommendations.size() == 1);
  CHECK(decision.patch.empty());
  c.history.cooldown_until = kAsOf + 3h;
  CHECK(text_of(c.decide().reasons, "cooldown") ==
        "cool-down after a rollback until 2026-02-25T09:00:00Z");
  c.history.cooldown_until = c.now;
  CHECK(c.decide().action == Action::promote);
}

TEST_CASE("an insufficient gate holds and forecasts what each check lacks") {
  DecideCase c;
  c.quality = QualityBuilder().current(make_runs(12, 12), Cohort::canary);
  c.rules = {make_rule("any", 1, "fallback_rate", 0, "DAG_FALLBACK_MODE", Operation::set, "rule")};
  c.rules[0].when[0].min_sample = 1;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.verdict == Verdict::INSUFFICIENT);
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"gate_insufficient", "pipeline_success_rate_insufficient",
                                 "verification_failed_rate_insufficient"});
  CHECK_THAT(text_of(decision.reasons, "pipeline_success_rate_insufficient"),
             Catch::Contains("8 more needed") && Catch::Contains("in about 16h"));
  CHECK(decision.recommendations.size() == 1);
  CHECK(decision.patch.empty());
}

TEST_CASE("a gate without checks holds by that reason") {
  DecideCase c;
  c.checks = {};
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"gate_insufficient", "no_checks"});
}

TEST_CASE("a failed gate holds with the checks that failed, and is never promoted") {
  DecideCase c;
  c.quality = failing();
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.verdict == Verdict::FAIL);
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"gate_fail", "pipeline_success_rate_below_threshold"});
  CHECK(decision.patch.empty());
}

TEST_CASE("at the top with nothing to recommend the ladder is complete") {
  DecideCase c;
  c.at_percent(100);
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) == std::vector<std::string>{"ladder_complete"});
  CHECK(decision.patch.empty());
}

TEST_CASE("at the top a failed gate is no complete ladder") {
  DecideCase c;
  c.at_percent(100);
  c.quality = failing();
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"gate_fail", "pipeline_success_rate_below_threshold"});
}

TEST_CASE("a rollout key that is missing or no percentage stops the tool") {
  DecideCase c;
  for (const std::string text : {"", "many", "-1", "101", "10.5", "10%"}) {
    CAPTURE(text);
    c.values["DAG_ROLLOUT_PERCENT"] = text;
    CHECK_THROWS_WITH(c.decide(), Catch::Contains("DAG_ROLLOUT_PERCENT"));
  }
  c.values.erase("DAG_ROLLOUT_PERCENT");
  try {
    c.decide();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    CHECK_THAT(error.what(), Catch::Contains("DAG_ROLLOUT_PERCENT"));
  }
}

TEST_CASE("the rollout key is the configured one") {
  DecideCase c;
  c.config.rollout_key = "SHARE";
  c.keys.push_back(test::make_key("SHARE", KeyType::int_, 0, 100, 40));
  c.values["SHARE"] = "10";
  CHECK(c.decide().patch == Patch{{"SHARE", {"10", "30"}}});
}

}  // namespace
}  // namespace dagloop
