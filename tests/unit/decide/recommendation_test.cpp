#include "dagloop/decide/recommendation.hpp"

#include <catch2/catch.hpp>

#include "dagloop/report/words.hpp"
#include "decide_case.hpp"
#include "support/make_codes.hpp"

namespace dagloop {
namespace {

using test::codes;
using test::make_enum;
using test::make_key;
using test::make_node;
using test::make_rule;
using test::make_runs_with_errors;
using test::QualityBuilder;
using Operation = PolicyRule::Operation;

const std::vector<KeySpec> kKeys{make_key("TIMEOUT", KeyType::duration_ms, 1000, 60000, 15000),
                                 make_key("ATTEMPTS", KeyType::int_, 1, 6, 1),
                                 make_key("SHARE", KeyType::float_, 0, 1, std::nullopt),
                                 make_key("STRICT", KeyType::bool_, {}, {}, {}),
                                 make_enum("MODE", {"off", "rule"})};

const PolicyValues kValues{{"TIMEOUT", "20000"},
                           {"ATTEMPTS", "3"},
                           {"SHARE", "0.5"},
                           {"STRICT", "false"},
                           {"MODE", "off"}};

/// 8 timeouts in 100 runs.
Quality timeouts() {
  return QualityBuilder().current(make_runs_with_errors(100, 92, {{"TOOL_TIMEOUT", 8}})).build();
}

PolicyRule on_timeouts(const std::string& id, int rank, const std::string& key, Operation operation,
                       const std::string& operand) {
  return make_rule(id, rank, "error_rate.timeout", 0.05, key, operation, operand);
}

RecommendationSet recommend_with(const std::vector<PolicyRule>& rules,
                                 const PolicyValues& values = kValues) {
  return recommend(rules, timeouts(), kKeys, values);
}

RuleCondition node_condition(const std::string& figure, Comparator comparator, double threshold) {
  return {RuleCondition::Scope::node, figure, comparator, threshold, 20};
}

TEST_CASE("a rule whose condition holds is recommended with its evidence") {
  const auto set = recommend_with({on_timeouts("raise", 7, "TIMEOUT", Operation::multiply, "1.5")});
  REQUIRE(set.recommendations.size() == 1);
  CHECK(set.recommendations[0] == Recommendation{"raise",
                                                 "raise",
                                                 7,
                                                 "TIMEOUT",
                                                 "20000",
                                                 "30000",
                                                 "reason of raise",
                                                 {Reason{"condition_met",
                                                         {{"kpi", "error_rate.timeout"},
                                                          {"value", 0.08},
                                                          {"count", 8},
                                                          {"total", 100},
                                                          {"comparator", ">="},
                                                          {"threshold", 0.05}}}},
                                                 "effect of raise",
                                                 std::nullopt});
  CHECK(set.dropped.empty());
}

TEST_CASE("a condition holds on its threshold and not short of it") {
  PolicyRule rule = on_timeouts("raise", 1, "TIMEOUT", Operation::multiply, "1.5");
  rule.when[0].threshold = 0.08;
  CHECK(recommend_with({rule}).recommendations.size() == 1);
  rule.when[0].threshold = 0.081;
  const auto set = recommend_with({rule});
  CHECK(set.recommendations.empty());
  CHECK(set.dropped.empty());
}

TEST_CASE("a condition does not hold on a sample that is too small, or on no value") {
  PolicyRule rule = on_timeouts("raise", 1, "TIMEOUT", Operation::multiply, "1.5");
  rule.when[0].min_sample = 100;
  CHECK(recommend_with({rule}).recommendations.size() == 1);
  rule.when[0].min_sample = 101;
  CHECK(recommend_with({rule}).recommendations.empty());
  rule.when[0] = {RuleCondition::Scope::population, "fanout_failed_rate", Comparator::at_least, 0,
                  0};
  CHECK(recommend_with({rule}).recommendations.empty());
}

TEST_CASE("all conditions of a rule must hold, and the evidence names each") {
  PolicyRule rule = on_timeouts("raise", 1, "TIMEOUT", Operation::multiply, "1.5");
  rule.when.push_back(
      {RuleCondition::Scope::population, "pipeline_success_rate", Comparator::below, 0.95, 20});
  const auto both = recommend_with({rule});
  REQUIRE(both.recommendations.size() == 1);
  CHECK(reasons_text(both.recommendations[0].evidence) ==
        "error_rate.timeout 8.0 % (8 of 100), >= 5 %; pipeline_success_rate 92.0 % (92 of 100), < "
        "95 %");
  rule.when[1].threshold = 0.9;
  CHECK(recommend_with({rule}).recommendations.empty());
}

TEST_CASE("the non-DAG population has no say") {
  const Quality quality = QualityBuilder()
                              .current(make_runs_with_errors(100, 0, {{"TOOL_TIMEOUT", 100}}),
                                       Cohort::none, Population::non_dag)
                              .build();
  CHECK(recommend({on_timeouts("raise", 1, "TIMEOUT", Operation::multiply, "1.5")}, quality, kKeys,
                  kValues)
            .recommendations.empty());
}

TEST_CASE("node conditions must all hold for one node, which the evidence names") {
  PolicyRule rule = on_timeouts("more", 1, "ATTEMPTS", Operation::add, "1");
  rule.when = {node_condition("failure_rate", Comparator::at_least, 0.3),
               node_condition("retry_success_rate", Comparator::at_least, 0.5)};
  KpiPartial runs = make_runs_with_errors(100, 92, {});
  runs.nodes["fails"] = make_node(100, 40, 40, 4);
  runs.nodes["retries"] = make_node(100, 10, 30, 27);
  const auto recommend_on = [&] {
    return recommend({rule}, QualityBuilder().current(runs).build(), kKeys, kValues)
        .recommendations;
  };
  CHECK(recommend_on().empty());
  runs.nodes["zboth"] = make_node(100, 30, 30, 15);
  const auto recommendations = recommend_on();
  REQUIRE(recommendations.size() == 1);
  CHECK(reasons_text(recommendations[0].evidence) ==
        "node zboth: failure_rate 30.0 % (30 of 100), >= 30 %; "
        "retry_success_rate 50.0 % (15 of 30), >= 50 %");
}

TEST_CASE("population and node conditions of one rule are both demanded") {
  PolicyRule rule = on_timeouts("more", 1, "ATTEMPTS", Operation::add, "1");
  rule.when.push_back(node_condition("attempts", Comparator::at_least, 50));
  KpiPartial runs = make_runs_with_errors(100, 92, {{"TOOL_TIMEOUT", 8}});
  const auto recommend_on = [&] {
    return recommend({rule}, QualityBuilder().current(runs).build(), kKeys, kValues)
        .recommendations;
  };
  CHECK(recommend_on().empty());
  runs.nodes["n1"] = make_node(50, 0);
  REQUIRE(recommend_on().size() == 1);
  CHECK(reasons_text(recommend_on()[0].evidence) ==
        "error_rate.timeout 8.0 % (8 of 100), >= 5 %; node n1: attempts 50, >= 50");
  test::set_codes(runs, {});
  CHECK(recommend_on().empty());
}

TEST_CASE("a node is judged by its own latency") {
  PolicyRule rule = on_timeouts("slow", 1, "TIMEOUT", Operation::add, "1000");
  rule.when = {node_condition("p95_latency_ms", Comparator::above, 500)};
  KpiPartial runs = make_runs_with_errors(100, 92, {});
  runs.nodes["n1"] = make_node(20, 0);
  for (int i = 0; i < 20; ++i) runs.nodes["n1"].latency.add(700);
  const auto set = recommend({rule}, QualityBuilder().current(runs).build(), kKeys, kValues);
  REQUIRE(set.recommendations.size() == 1);
  CHECK(reasons_text(set.recommendations[0].evidence) ==
        "node n1: p95_latency_ms 700 ms (n = 20), > 500 ms");
}

TEST_CASE("add, multiply and set give their values") {
  const auto suggested = [](const std::string& key, Operation operation,
                            const std::string& operand) {
    const auto set = recommend_with({on_timeouts("r", 1, key, operation, operand)});
    REQUIRE(set.recommendations.size() == 1);
    return set.recommendations[0].suggested;
  };
  CHECK(suggested("ATTEMPTS", Operation::add, "1") == "4");
  CHECK(suggested("ATTEMPTS", Operation::add, "-1") == "2");
  CHECK(suggested("TIMEOUT", Operation::set, "25000") == "25000");
  CHECK(suggested("SHARE", Operation::multiply, "0.5") == "0.25");
  CHECK(suggested("MODE", Operation::set, "rule") == "rule");
  CHECK(suggested("STRICT", Operation::set, "true") == "true");
}

TEST_CASE("a suggestion beyond the step is clipped and says so") {
  const auto set = recommend_with({on_timeouts("r", 1, "TIMEOUT", Operation::multiply, "3")});
  REQUIRE(set.recommendations.size() == 1);
  CHECK(set.recommendations[0].suggested == "35000");
  CHECK(reason_text(set.recommendations[0].clipped.value()) ==
        "60000 was suggested; clipped to 35000 by the maximum step");
}

TEST_CASE("a suggestion clipped back to the present value is dropped") {
  PolicyValues values = kValues;
  values["ATTEMPTS"] = "6";
  const auto set = recommend_with({on_timeouts("r", 1, "ATTEMPTS", Operation::add, "1")}, values);
  CHECK(set.recommendations.empty());
  REQUIRE(codes(set.dropped) == std::vector<std::string>{"already_in_force"});
  CHECK(reason_text(set.dropped[0]) ==
        "rule r: ATTEMPTS is already 6 (7 was suggested; clipped to 6 by the bounds)");
}

TEST_CASE("what cannot be recommended is dropped with its reason") {
  struct Case {
    std::string key;
    Operation operation;
    std::string operand;
    std::string code;
  };
  const std::vector<Case> cases{{"SECRET", Operation::set, "1", "key_not_allowlisted"},
                                {"MODE", Operation::add, "1", "not_applicable"},
                                {"STRICT", Operation::multiply, "2", "not_applicable"},
                                {"MODE", Operation::set, "legacy", "not_allowed"},
                                {"TIMEOUT", Operation::set, "long", "not_allowed"},
                                {"MODE", Operation::set, "off", "already_in_force"},
                                {"STRICT", Operation::set, "0", "already_in_force"},
                                {"TIMEOUT", Operation::multiply, "1", "already_in_force"}};
  for (const Case& c : cases) {
    CAPTURE(c.key, c.operand);
    const auto set = recommend_with({on_timeouts("r", 1, c.key, c.operation, c.operand)});
    CHECK(set.recommendations.empty());
    CHECK(codes(set.dropped) == std::vector<std::string>{c.code});
  }
}

TEST_CASE("a key that the env file lacks is dropped, never added") {
  PolicyValues values = kValues;
  values.erase("MODE");
  const auto set = recommend_with({on_timeouts("r", 1, "MODE", Operation::set, "rule")}, values);
  CHECK(set.recommendations.empty());
  CHECK(codes(set.dropped) == std::vector<std::string>{"key_not_in_env_file"});
}

TEST_CASE(
    "a present value that is no number cannot be added to, nor replaced: it has no way back") {
  PolicyValues values = kValues;
  values["SHARE"] = "half";
  CHECK(codes(recommend_with({on_timeouts("r", 1, "SHARE", Operation::add, "0.1")}, values)
                  .dropped) == std::vector<std::string>{"not_applicable"});
  const auto set = recommend_with({on_timeouts("r", 1, "SHARE", Operation::set, "0.5")}, values);
  CHECK(set.recommendations.empty());
  REQUIRE(codes(set.dropped) == std::vector<std::string>{"not_allowed"});
  CHECK_THAT(reason_text(set.dropped[0]), Catch::Contains("no way back to the present value"));
}

TEST_CASE("a present value too far outside its bounds is left to an operator") {
  PolicyValues values = kValues;
  values["TIMEOUT"] = "90000";
  const auto set =
      recommend_with({on_timeouts("r", 1, "TIMEOUT", Operation::add, "-1000")}, values);
  CHECK(set.recommendations.empty());
  CHECK(codes(set.dropped) == std::vector<std::string>{"already_in_force"});
}

TEST_CASE("an overflowing product is not applicable") {
  PolicyValues values = kValues;
  values["SHARE"] = "1e300";
  CHECK(codes(recommend_with({on_timeouts("r", 1, "SHARE", Operation::multiply, "1e300")}, values)
                  .dropped) == std::vector<std::string>{"not_applicable"});
}

TEST_CASE("recommendations come by rank, equal ranks in the document's order") {
  const auto set = recommend_with({on_timeouts("c", 20, "SHARE", Operation::multiply, "0.5"),
                                   on_timeouts("b", 10, "MODE", Operation::set, "rule"),
                                   on_timeouts("a", 10, "TIMEOUT", Operation::multiply, "1.5"),
                                   on_timeouts("d", 1, "ATTEMPTS", Operation::add, "1")});
  std::vector<std::string> ids;
  for (const Recommendation& recommendation : set.recommendations) {
    ids.push_back(recommendation.rule);
  }
  CHECK(ids == std::vector<std::string>{"d", "b", "a", "c"});
}

TEST_CASE("among many rules of one rank the document's first one for a key is heard") {
  std::vector<PolicyRule> rules;
  for (int i = 0; i < 100; ++i) {
    rules.push_back(on_timeouts(std::to_string(i), 1 + i % 2, "TIMEOUT", Operation::add,
                                std::to_string(100 + i)));
  }
  const auto set = recommend_with(rules);
  REQUIRE(set.recommendations.size() == 1);
  CHECK(set.recommendations[0].rule == "0");
  REQUIRE(set.dropped.size() == 99);
  CHECK(reason_text(set.dropped[0]).starts_with("rule 2:"));
  CHECK(reason_text(set.dropped[98]).starts_with("rule 99:"));
}

TEST_CASE("of two suggestions for one key the better rank wins") {
  const auto set = recommend_with({on_timeouts("down", 20, "TIMEOUT", Operation::multiply, "0.5"),
                                   on_timeouts("up", 10, "TIMEOUT", Operation::multiply, "1.5")});
  REQUIRE(set.recommendations.size() == 1);
  CHECK(set.recommendations[0].rule == "up");
  CHECK(codes(set.dropped) == std::vector<std::string>{"better_rank_wins"});
  CHECK(reason_text(set.dropped[0]) == "rule down: TIMEOUT already has a rule of better rank");
}

TEST_CASE("a key that already is where the better rule wants it is not moved by a weaker one") {
  PolicyValues values = kValues;
  values["ATTEMPTS"] = "6";
  const auto set = recommend_with({on_timeouts("up", 10, "ATTEMPTS", Operation::add, "1"),
                                   on_timeouts("down", 20, "ATTEMPTS", Operation::add, "-1")},
                                  values);
  CHECK(set.recommendations.empty());
  CHECK(codes(set.dropped) == std::vector<std::string>{"already_in_force", "better_rank_wins"});
}

/// `timeouts` in 100 runs, with TIMEOUT = 30000 proposed already.
RecommendationSet with_proposal(const std::vector<PolicyRule>& rules, std::uint64_t timeouts) {
  const Quality quality =
      QualityBuilder()
          .current(make_runs_with_errors(100, 100 - timeouts, {{"TOOL_TIMEOUT", timeouts}}))
          .build();
  ModelContext context;
  context.proposed = {{"TIMEOUT", "30000"}};
  return recommend(rules, quality, kKeys, kValues, context);
}

TEST_CASE("what is proposed stands until its figure has left the threshold by more than noise") {
  const auto raise = on_timeouts("raise", 7, "TIMEOUT", Operation::multiply, "1.5");
  const auto standing = with_proposal({raise}, 4);
  REQUIRE(standing.recommendations.size() == 1);
  CHECK(reasons_text(standing.recommendations[0].evidence) ==
        "error_rate.timeout 4.0 % (4 of 100), >= 5 % but for noise, and proposed already");
  CHECK(with_proposal({raise}, 1).recommendations.size() == 1);  // up to 5.4 %
  CHECK(with_proposal({raise}, 0).recommendations.empty());      // up to 3.7 %
  auto below = raise;
  below.when[0].comparator = Comparator::below;
  CHECK(with_proposal({below}, 10).recommendations.empty());  // from 5.5 %
  CHECK(with_proposal({below}, 9).recommendations.size() == 1);
}

TEST_CASE("what is not proposed has to cross its threshold") {
  const auto other = on_timeouts("attempts", 1, "ATTEMPTS", Operation::add, "1");
  CHECK(with_proposal({other}, 4).recommendations.empty());
  const auto elsewhere = on_timeouts("double", 1, "TIMEOUT", Operation::multiply, "2");
  const auto raise = on_timeouts("raise", 7, "TIMEOUT", Operation::multiply, "1.5");
  const auto set = with_proposal({elsewhere, raise}, 4);
  REQUIRE(set.recommendations.size() == 1);
  CHECK(set.recommendations[0].rule == "raise");
}

TEST_CASE("a rule that was undone stays contained where unread runs may hide that it still is so") {
  const auto rule = on_timeouts("raise", 7, "TIMEOUT", Operation::multiply, "1.5");
  LedgerEntry undone{"d", "TIMEOUT", {"10000", "15000"}, {}, test::kAsOf - std::chrono::hours(48),
                     {}};
  undone.rule = "raise";
  undone.figure = NamedFigure{"", "error_rate.timeout", 0.1, 0.06, 0.16};
  undone.is_undone = true;
  const auto recommended = [&](std::uint64_t unread) {
    const Quality quality = QualityBuilder()
                                .current(make_runs_with_errors(100, 70, {{"TOOL_TIMEOUT", 30}}))
                                .unread(unread)
                                .build();
    return recommend({rule}, quality, kKeys, kValues, {{}, {}, {undone}});
  };
  CHECK(recommended(0).recommendations.size() == 1);
  const auto contained = recommended(150);  // 30 of 250: as it was
  CHECK(contained.recommendations.empty());
  CHECK(codes(contained.dropped) == std::vector<std::string>{"rule_was_undone"});
}

TEST_CASE("a figure without an interval leaves its threshold by a tenth") {
  auto raise = on_timeouts("raise", 7, "TIMEOUT", Operation::multiply, "1.5");
  const auto stands_at = [&](double threshold, Comparator comparator) {
    raise.when = {node_condition("attempts", comparator, threshold)};
    KpiPartial runs = make_runs_with_errors(100, 100, {});
    runs.nodes["n"] = make_node(100, 0, 0, 0);
    ModelContext context;
    context.proposed = {{"TIMEOUT", "30000"}};
    const Quality quality = QualityBuilder().current(runs).build();
    return !recommend({raise}, quality, kKeys, kValues, context).recommendations.empty();
  };
  CHECK(stands_at(110, Comparator::at_least));  // 100 + 11
  CHECK_FALSE(stands_at(112, Comparator::at_least));
  CHECK(stands_at(91, Comparator::at_most));
  CHECK_FALSE(stands_at(90, Comparator::at_most));
}

TEST_CASE("no rule on the attempts of a node holds where they are not known") {
  auto rule = on_timeouts("more", 1, "ATTEMPTS", Operation::add, "1");
  rule.when = {node_condition("attempts", Comparator::at_least, 0)};
  KpiPartial runs = make_runs_with_errors(100, 92, {});
  runs.nodes["n"] = make_node(100, 9);
  const auto recommend_on = [&] {
    return recommend({rule}, QualityBuilder().current(runs).build(), kKeys, kValues)
        .recommendations;
  };
  CHECK(recommend_on().size() == 1);
  runs.runs_without_tries = 100;
  CHECK(recommend_on().empty());
}

TEST_CASE("no rules recommend nothing") {
  const auto set = recommend_with({});
  CHECK(set.recommendations.empty());
  CHECK(set.dropped.empty());
}

}  // namespace
}  // namespace dagloop
