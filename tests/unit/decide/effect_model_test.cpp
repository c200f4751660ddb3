#include "dagloop/decide/effect_model.hpp"

#include <catch2/catch.hpp>

#include "dagloop/decide/recommendation.hpp"
#include "dagloop/report/words.hpp"
#include "decide/run_model.hpp"
#include "support/make_codes.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using test::make_runs;
using test::make_runs_with_errors;
using test::QualityBuilder;

KeySpec number_key(const std::string& name, double min, double max, double step) {
  KeySpec spec;
  spec.name = name;
  spec.min = min;
  spec.max = max;
  spec.max_step = step;
  return spec;
}

/// A service of one node: 1000 pairs, 3 attempts, 80 first failures of which 20 last; each retry
/// mends half of the others. 35 runs fail of it.
KpiPartial one_node() {
  KpiPartial runs = make_runs_with_errors(1000, 965, {{"500", 35}});
  NodePartial& node = runs.nodes["n"];
  node.run_node_pairs = 1000;
  node.attempts = 1130;
  node.failed_attempts = 165;
  node.retries = 130;
  node.retries_succeeded = 45;
  for (int i = 0; i < 1130; ++i) node.latency.add(1000);
  return runs;
}

struct Case {
  Quality quality;
  PolicyValues values;
  KeySpec spec;
  ModelKeys keys;
  std::optional<double> p95_limit_ms = {};
  std::optional<std::string> proposed = {};

  ModelQuestion question(EffectModel model) const {
    return {model,
            quality.current.population(Population::dag),
            *quality.service,
            spec,
            values,
            keys,
            p95_limit_ms,
            proposed};
  }
};

Case attempts_case(const KpiPartial& runs, const std::string& attempts = "3") {
  return {QualityBuilder().current(runs).build(),
          {{"ATTEMPTS", attempts}},
          number_key("ATTEMPTS", 1, 6, 1),
          {{EffectModel::one_more_attempt, "ATTEMPTS"}}};
}

Case timeout_case(int cut_off) {
  KpiPartial runs = make_runs(2000, 2000 - static_cast<std::uint64_t>(cut_off));
  NodePartial& node = runs.nodes["n"];
  node.run_node_pairs = node.attempts = 2000;
  node.failed_attempts = static_cast<std::uint64_t>(cut_off);
  for (int i = 0; i < 2000 - cut_off; ++i) node.latency.add(500 + i * 9500.0 / 2000);
  for (int i = 0; i < cut_off; ++i) node.latency.add(10000);
  return {QualityBuilder().current(runs).build(),
          {{"TIMEOUT", "10000"}},
          number_key("TIMEOUT", 1000, 60000, 5000),
          {{EffectModel::node_timeout, "TIMEOUT"}}};
}

}  // namespace

TEST_CASE("what a node loses is computed by hand alike") {
  NodeDraw node;
  node.lasting = 0.02;
  node.error = 0.1;
  node.mended = 0.5;
  DurationHistogram durations;
  for (int i = 0; i < 10; ++i) durations.add(100);
  Draws draws(1);
  node.duration = DurationModel(coarse_durations(durations), std::nullopt).draw(draws);
  CHECK(lost_share(node, {1, std::nullopt}) == Approx(0.02 + 0.98 * 0.1));
  CHECK(lost_share(node, {3, std::nullopt}) == Approx(0.02 + 0.98 * 0.1 * 0.25));
  CHECK(lost_share(node, {3, 50.0}) == Approx(1));  // every attempt is cut off
}

TEST_CASE("another attempt is predicted to mend half of what does not last") {
  // Of 35 lost pairs 20 last; half of the other 15 are mended: 7.5 of 1000 runs.
  const Case made = attempts_case(one_node());
  const auto more = predict(made.question(EffectModel::one_more_attempt), "4");
  REQUIRE(more);
  CHECK(more->success_rate_pp.estimate == Approx(0.75).margin(0.25));
  CHECK(more->success_rate_pp.low < 0.75);
  CHECK(more->success_rate_pp.high > 0.75);
  CHECK(more->success_rate_pp.low >= 0);
  CHECK(more->n == 1130);
  // One fewer loses the 15 that the third attempt mended.
  const auto fewer = predict(made.question(EffectModel::one_more_attempt), "2");
  REQUIRE(fewer);
  CHECK(fewer->success_rate_pp.estimate == Approx(-1.5).margin(0.35));
  CHECK(fewer->success_rate_pp.high < 0);
  CHECK(fewer->p95_ms.estimate <= 0);
}

TEST_CASE("the same figures give the same answer, byte for byte") {
  const Case made = attempts_case(one_node());
  const auto once = ask_model(made.question(EffectModel::one_more_attempt));
  const auto again = ask_model(made.question(EffectModel::one_more_attempt));
  CHECK(once.value == again.value);
  CHECK(to_canonical_json(prediction_to_json(once.prediction)) ==
        to_canonical_json(prediction_to_json(again.prediction)));
}

TEST_CASE("a better value is suggested, no change where nothing is gained") {
  const auto answer = ask_model(attempts_case(one_node()).question(EffectModel::one_more_attempt));
  CHECK(answer.kind == ModelAnswer::Kind::change);
  CHECK(answer.value == "4");
  KpiPartial lasting = one_node();  // no retry ever helps
  lasting.nodes["n"].retries = 160;
  lasting.nodes["n"].attempts = 1160;
  lasting.nodes["n"].retries_succeeded = 0;
  lasting.nodes["n"].failed_attempts = 240;
  const auto none = ask_model(attempts_case(lasting).question(EffectModel::one_more_attempt));
  CHECK(none.kind == ModelAnswer::Kind::no_change);
  CHECK_THAT(reason_text(none.why),
             Catch::StartsWith("no change is the best answer: of 2 values tried"));
}

TEST_CASE("of very many nodes those that fail decide, whatever stands beside them") {
  KpiPartial runs = one_node();
  for (int i = 0; i < 300; ++i) {
    NodePartial& node = runs.nodes["good" + std::to_string(i)];
    node.run_node_pairs = node.attempts = 1000;
    for (int k = 0; k < 1000; ++k) node.latency.add(10);
  }
  const auto more = predict(attempts_case(runs).question(EffectModel::one_more_attempt), "4");
  REQUIRE(more);
  CHECK(more->success_rate_pp.estimate == Approx(0.75).margin(0.3));
}

TEST_CASE("no attempt mends what failed by an error that lasts") {
  KpiPartial runs = one_node();
  test::set_codes(runs, {{"401", 35}});
  const auto answer = ask_model(attempts_case(runs).question(EffectModel::one_more_attempt));
  CHECK(answer.kind == ModelAnswer::Kind::no_change);
}

TEST_CASE("without retries, nodes or durations a model says that it cannot tell") {
  KpiPartial never = one_node();
  never.nodes["n"].retries = never.nodes["n"].retries_succeeded = 4;
  CHECK(ask_model(attempts_case(never).question(EffectModel::one_more_attempt)).kind ==
        ModelAnswer::Kind::cannot_tell);
  const Case empty = attempts_case(make_runs(1000, 900));
  const auto answer = ask_model(empty.question(EffectModel::one_more_attempt));
  CHECK(answer.kind == ModelAnswer::Kind::cannot_tell);
  CHECK_THAT(reason_text(answer.why), Catch::Contains("too few for the model"));
  CHECK_FALSE(predict(empty.question(EffectModel::one_more_attempt), "4"));
}

TEST_CASE("a shorter timeout loses exactly what is seen to last longer") {
  // Even durations from 0.5 s to 10 s: a quarter of 2000 and more lie above 7.5 s.
  const Case made = timeout_case(0);
  const auto shorter = predict(made.question(EffectModel::node_timeout), "7500");
  REQUIRE(shorter);
  CHECK(shorter->success_rate_pp.estimate == Approx(-26.3).margin(1));
  CHECK(shorter->reach == Reach::inside);
  CHECK(ask_model(made.question(EffectModel::node_timeout)).kind == ModelAnswer::Kind::no_change);
}

TEST_CASE("a longer timeout gains something of what is cut off, never more") {
  const Case made = timeout_case(100);
  const auto longer = predict(made.question(EffectModel::node_timeout), "15000");
  REQUIRE(longer);
  CHECK(longer->success_rate_pp.estimate > 0.5);
  CHECK(longer->success_rate_pp.high <= 6);
  CHECK(longer->reach == Reach::inside);
}

TEST_CASE("far beyond the timeout the model is not sure, and may be wrong altogether") {
  Case made = timeout_case(100);
  made.spec.max_step = 30000;
  const auto far = predict(made.question(EffectModel::node_timeout), "30000");
  REQUIRE(far);
  CHECK(far->reach == Reach::extrapolated);
  CHECK(far->success_rate_pp.low == 0);
  CHECK_THAT(prediction_text(*far), Catch::Contains("not sure"));
}

TEST_CASE("nothing is suggested that is predicted to pass the p95 threshold") {
  Case made = timeout_case(100);
  KpiPartial runs;
  REQUIRE(ask_model(made.question(EffectModel::node_timeout)).kind == ModelAnswer::Kind::change);
  made.p95_limit_ms = 1;  // and the p95 only rises
  const auto answer = ask_model(made.question(EffectModel::node_timeout));
  CHECK(answer.kind == ModelAnswer::Kind::no_change);
  CHECK_THAT(reason_text(answer.why), Catch::Contains("threshold of 1 ms"));
}

TEST_CASE("a proposal that is about as good as the best stands") {
  Case made = timeout_case(100);
  const auto free = ask_model(made.question(EffectModel::node_timeout));
  REQUIRE(free.kind == ModelAnswer::Kind::change);
  std::size_t kept = 0;
  for (const std::string& value : tried_values(made.spec, "10000")) {
    made.proposed = value;
    const auto answer = ask_model(made.question(EffectModel::node_timeout));
    CHECK((answer.value == value || answer.value == free.value));
    kept += answer.value == value ? 1U : 0U;
  }
  CHECK(kept >= 2);
  CHECK(kept < 16);
}

TEST_CASE("values are tried within bounds and step alone, the nearest first") {
  CHECK(tried_values(number_key("K", 1, 6, 1), "3") == std::vector<std::string>{"4", "2"});
  CHECK(tried_values(number_key("K", 1, 6, 1), "6") == std::vector<std::string>{"5"});
  CHECK(tried_values(number_key("K", 0, 10000, 800), "1000").size() == 16);
  CHECK(tried_values(number_key("K", 0, 10000, 800), "1000").front() == "1100");
  CHECK(tried_values(number_key("K", 5, 5, 1), "5").empty());
  KeySpec words;
  words.type = KeyType::enum_;
  words.values = {"off", "rule"};
  CHECK(tried_values(words, "off") == std::vector<std::string>{"rule"});
}

TEST_CASE("a fallback gains the share of failures that it is seen to save") {
  KpiPartial runs = make_runs_with_errors(1000, 900, {{"LLM_AUTOFILL_FAILED", 100}});
  runs.plan_sources["rule"] = {400, 320};
  KeySpec words;
  words.name = "MODE";
  words.type = KeyType::enum_;
  words.values = {"off", "rule"};
  Case made{QualityBuilder().current(runs).build(), {{"MODE", "off"}}, words, {}};
  const auto known = predict(made.question(EffectModel::fallback), "rule");
  REQUIRE(known);
  CHECK(known->success_rate_pp.estimate == Approx(8).margin(0.2));
  CHECK(known->success_rate_pp.high - known->success_rate_pp.low < 3);
  runs.plan_sources.clear();
  made.quality = QualityBuilder().current(runs).build();
  const auto unknown = predict(made.question(EffectModel::fallback), "rule");
  CHECK(unknown->success_rate_pp.estimate == Approx(5).margin(0.4));
  CHECK(unknown->success_rate_pp.low < 1.5);
  CHECK(unknown->success_rate_pp.high > 8.5);
}

TEST_CASE("a lower concurrency gains part of the refusals, a higher one loses") {
  KpiPartial runs = make_runs_with_errors(1000, 900, {{"429", 100}});
  runs.fanout_total = 1000;
  const Case made{
      QualityBuilder().current(runs).build(), {{"WIDTH", "8"}}, number_key("WIDTH", 1, 32, 4), {}};
  const auto lower = predict(made.question(EffectModel::fan_out_concurrency), "4");
  const auto higher = predict(made.question(EffectModel::fan_out_concurrency), "12");
  REQUIRE(lower);
  CHECK(lower->success_rate_pp.low > 1);
  CHECK(lower->success_rate_pp.high <= 12);
  CHECK(lower->p95_ms.low >= 0);
  CHECK(higher->success_rate_pp.high < 0);
  CHECK(higher->p95_ms.high <= 0);
}

TEST_CASE("a pipeline timeout gains only where runs are cut off") {
  KpiPartial runs = make_runs(0, 0);
  runs.total_runs = 2000;
  runs.succeeded = 1900;
  for (int i = 0; i < 1900; ++i) runs.latency.add(500 + i * 9500.0 / 1900);
  for (int i = 0; i < 100; ++i) runs.latency.add(10000);
  Case made{QualityBuilder().current(runs).build(),
            {{"TIMEOUT", "10000"}},
            number_key("TIMEOUT", 1000, 60000, 5000),
            {}};
  const auto longer = predict(made.question(EffectModel::pipeline_timeout), "15000");
  REQUIRE(longer);
  CHECK(longer->success_rate_pp.estimate > 0.5);
  CHECK(longer->success_rate_pp.high <= 6);
  made.values["TIMEOUT"] = "20000";
  CHECK(ask_model(made.question(EffectModel::pipeline_timeout)).kind ==
        ModelAnswer::Kind::no_change);
}

TEST_CASE("a badly calibrated model proposes nothing, nor does its rule") {
  PolicyRule more{
      "more",
      "g",
      1,
      {{RuleCondition::Scope::population, "pipeline_success_rate", Comparator::below, 1, 20}},
      "ATTEMPTS",
      PolicyRule::Operation::add,
      "1",
      EffectModel::one_more_attempt,
      "why",
      "what"};
  PolicyRule other = more;
  other.id = "other";
  other.rank = 9;
  other.env_key = "OTHER";
  other.model.reset();
  const Case made = attempts_case(one_node());
  const std::vector<KeySpec> keys{made.spec, number_key("OTHER", 0, 9, 1)};
  const PolicyValues values{{"ATTEMPTS", "3"}, {"OTHER", "3"}};
  const auto ids = [&](const ModelContext& context) {
    std::string all;
    for (const auto& each :
         recommend({more, other}, made.quality, keys, values, context).recommendations) {
      all += each.rule + (each.trust == Trust::badly_calibrated ? "! " : " ");
    }
    return all;
  };
  CHECK(ids({}) == "more other ");
  ModelContext context;
  for (int i = 0; i < 6; ++i) {
    LedgerEntry entry;
    entry.prediction.emplace().success_rate_pp = {3, 1, 5};
    entry.outcome = Outcome{ActualEffect{-9, 0.1}, std::nullopt, {}, 100, 100};
    context.ledger.push_back(entry);
  }
  CHECK(ids(context) == "other ");
}

}  // namespace dagloop
