// What the rules recommend, as a decision's patch: which of it, and when it waits.
#include <catch2/catch.hpp>

#include "dagloop/decide/decision.hpp"
#include "decide_case.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::codes;
using test::DecideCase;
using test::failing;
using test::make_rule;
using test::text_of;
using test::timeout_rule;
using test::with_timeouts;
using Operation = PolicyRule::Operation;
using Approval = Decision::Approval;

TEST_CASE("a failed gate with a recommendation holds with that change as its patch") {
  DecideCase c;
  c.quality = failing();
  c.rules = {timeout_rule()};
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(decision.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"30000", "45000"}}});
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"policy_change_recommended", "gate_fail",
                                 "pipeline_success_rate_below_threshold"});
  CHECK(decision.approval == Approval::required);
  CHECK_FALSE(decision.next_percent.has_value());
}

TEST_CASE("the patch holds the best rank's group alone, the others wait") {
  DecideCase c;
  c.quality = failing();
  PolicyRule backoff = timeout_rule("backoff", 30, "DAG_RETRY_BACKOFF_MS");
  PolicyRule fallback = make_rule("fallback", 20, "error_rate.timeout", 0.05, "DAG_FALLBACK_MODE",
                                  Operation::set, "rule");
  backoff.group = "raise";
  c.rules = {backoff, fallback, timeout_rule("raise", 10)};
  const Decision decision = c.decide();
  CHECK(decision.recommendations.size() == 3);
  CHECK(decision.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"30000", "45000"}},
                                {"DAG_RETRY_BACKOFF_MS", {"200", "300"}}});
  CHECK(text_of(decision.reasons, "policy_change_recommended") ==
        "rule raise (group raise): reason of raise");
}

TEST_CASE("a proposal stands while all of it is recommended, whatever else ranks better by now") {
  DecideCase c;
  c.quality = failing();
  PolicyRule fallback = make_rule("fallback", 1, "error_rate.timeout", 0.05, "DAG_FALLBACK_MODE",
                                  Operation::set, "rule");
  PolicyRule backoff = timeout_rule("backoff", 30, "DAG_RETRY_BACKOFF_MS");
  backoff.group = "raise";
  c.rules = {fallback, backoff, timeout_rule("raise", 10)};
  c.history.proposed = {{"DAG_NODE_TIMEOUT_MS", "45000"}, {"DAG_RETRY_BACKOFF_MS", "300"}};
  const Decision standing = c.decide();
  CHECK(standing.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"30000", "45000"}},
                                {"DAG_RETRY_BACKOFF_MS", {"200", "300"}}});
  CHECK(text_of(standing.reasons, "policy_change_recommended") ==
        "rule raise (group raise): reason of raise");
  c.history.proposed["DAG_RETRY_BACKOFF_MS"] = "400";
  CHECK(c.decide().patch == Patch{{"DAG_FALLBACK_MODE", {"off", "rule"}}});
}

TEST_CASE("a promotion lets the recommendations wait") {
  DecideCase c;
  c.quality = with_timeouts();
  c.rules = {timeout_rule()};
  const Decision decision = c.decide();
  CHECK(decision.action == Action::promote);
  CHECK(decision.patch == Patch{{"DAG_ROLLOUT_PERCENT", {"30", "60"}}});
  CHECK(decision.recommendations.size() == 1);
  CHECK(has_reason(decision.reasons, "recommendations_wait"));
}

TEST_CASE("a promotion that has to wait lets the recommendations go first") {
  DecideCase c;
  c.quality = with_timeouts();
  c.rules = {timeout_rule()};
  c.history.in_force_since = c.now - 1h;
  const Decision decision = c.decide();
  CHECK(decision.action == Action::hold);
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"policy_change_recommended", "soak_not_over"});
  CHECK(decision.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"30000", "45000"}}});
}

TEST_CASE("at the top recommendations are still made") {
  DecideCase c;
  c.at_percent(100);
  c.quality = with_timeouts();
  c.rules = {timeout_rule()};
  const Decision decision = c.decide();
  CHECK(codes(decision.reasons) ==
        std::vector<std::string>{"policy_change_recommended", "at_top_step"});
  CHECK(decision.patch == Patch{{"DAG_NODE_TIMEOUT_MS", {"30000", "45000"}}});
}

TEST_CASE("no rule moves the rollout key: the ladder alone does") {
  DecideCase c;
  c.quality = failing();
  c.rules = {timeout_rule("sneak", 1, "DAG_ROLLOUT_PERCENT")};
  const Decision decision = c.decide();
  CHECK(decision.patch.empty());
  CHECK(decision.recommendations.empty());
  CHECK(has_reason(decision.reasons, "rollout_key_moves_by_ladder"));
}

TEST_CASE("dropped recommendations are told among the reasons") {
  DecideCase c;
  c.quality = failing();
  c.rules = {timeout_rule("unknown", 1, "SECRET")};
  CHECK(codes(c.decide().reasons) ==
        std::vector<std::string>{"gate_fail", "pipeline_success_rate_below_threshold",
                                 "key_not_allowlisted"});
}

}  // namespace
}  // namespace dagloop
