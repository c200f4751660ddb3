#include "dagloop/decide/prediction_ledger.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using test::make_runs;
using test::QualityBuilder;

Prediction prediction(EffectModel model = EffectModel::node_timeout) {
  return {model, {3, 1, 5}, {100, 0, 300}, 1000, Reach::inside};
}

LedgerEntry entry(const std::string& digest, std::optional<double> change) {
  LedgerEntry made{digest, "K", {"1", "2"}, prediction(), test::kAsOf, std::nullopt};
  if (change)
    made.outcome = Outcome{ActualEffect{*change, 0}, ActualEffect{50, 10}, test::kAsOf, 100, 100};
  return made;
}

std::vector<LedgerEntry> ledger(int inside, int outside) {
  std::vector<LedgerEntry> all;
  for (int i = 0; i < inside; ++i) all.push_back(entry("d", 3));
  for (int i = 0; i < outside; ++i) all.push_back(entry("d", -20));
  return all;
}

}  // namespace

TEST_CASE("an actual effect is inside up to the interval's ends") {
  CHECK(is_inside({3, 1, 5}, {1, 0}));
  CHECK(is_inside({3, 1, 5}, {5, 0}));
  CHECK_FALSE(is_inside({3, 1, 5}, {0.99, 0}));
  CHECK_FALSE(is_inside({3, 1, 5}, {5.01, 0}));
}

TEST_CASE("an interval is widened by the sampling error of the actual effect") {
  // Each side is 2; 1.2816 standard errors of 1.17 are 1.5: sqrt(2^2 + 1.5^2) = 2.5.
  CHECK(is_inside({3, 1, 5}, {0.51, 1.17}));
  CHECK_FALSE(is_inside({3, 1, 5}, {0.49, 1.17}));
  CHECK(is_inside({3, 1, 5}, {5.49, 1.17}));
  CHECK_FALSE(is_inside({3, 1, 5}, {5.51, 1.17}));
}

TEST_CASE("an estimate outside its own interval does no harm") {
  CHECK(is_inside({6, 1, 5}, {5, 0}));
  CHECK_FALSE(is_inside({6, 1, 5}, {5.5, 0}));
}

TEST_CASE("a model is trusted by the exact binomial test, from five outcomes on") {
  const auto trust = [](int inside, int outside) {
    return trust_in(EffectModel::node_timeout, ledger(inside, outside));
  };
  CHECK(trust(0, 0) == Trust::untested);
  CHECK(trust(0, 4) == Trust::untested);
  // P(X <= 2 | 5, 0.8) = 0.0579, P(X <= 1) = 0.0067.
  CHECK(trust(2, 3) == Trust::calibrated);
  CHECK(trust(1, 4) == Trust::badly_calibrated);
  // P(X <= 12 | 20, 0.8) = 0.0321, P(X <= 13) = 0.0867.
  CHECK(trust(13, 7) == Trust::calibrated);
  CHECK(trust(12, 8) == Trust::badly_calibrated);
  CHECK(trust_in(EffectModel::fallback, ledger(0, 9)) == Trust::untested);
}

TEST_CASE("calibrations count by model what has an outcome") {
  std::vector<LedgerEntry> all = ledger(3, 1);
  all.push_back(entry("waits", std::nullopt));
  all.push_back(entry("f", 2));
  all.back().prediction = prediction(EffectModel::fallback);
  all.back().outcome->p95_ms.reset();
  const auto found = calibrations(all);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == Calibration{EffectModel::node_timeout, 4, 3, 4, 4, Trust::untested});
  CHECK(found[1] == Calibration{EffectModel::fallback, 1, 1, 0, 0, Trust::untested});
}

TEST_CASE("the outcome of a change is what the figures differ by, with the error of both sides") {
  const Quality quality =
      QualityBuilder().current(make_runs(400, 360)).baseline(make_runs(100, 80)).build();
  const Outcome outcome = outcome_of(quality);
  REQUIRE(outcome.success_rate_pp);
  CHECK(outcome.success_rate_pp->change == Approx(10));
  // sqrt(0.7941 * 0.2059 / 100 + 0.898 * 0.102 / 400)
  CHECK(outcome.success_rate_pp->standard_error == Approx(4.317).margin(0.01));
  REQUIRE(outcome.p95_ms);
  CHECK(outcome.p95_ms->change == 0);
  CHECK(outcome.runs_before == 100);
  CHECK(outcome.runs_after == 400);
}

TEST_CASE("with too few runs, or nothing before, there is no effect to speak of") {
  CHECK_FALSE(outcome_of(QualityBuilder().current(make_runs(100, 90)).build()).success_rate_pp);
  const Quality few =
      QualityBuilder().current(make_runs(19, 19)).baseline(make_runs(100, 80)).build();
  CHECK_FALSE(outcome_of(few).success_rate_pp);
  CHECK_FALSE(outcome_of(few).p95_ms);
}

TEST_CASE("an outcome is written once, into its own decision's entries") {
  std::vector<LedgerEntry> all{entry("a", 1), entry("a", std::nullopt), entry("b", std::nullopt)};
  const Quality quality =
      QualityBuilder().current(make_runs(100, 90)).baseline(make_runs(100, 80)).build();
  CHECK(add_outcome(all, "a", quality) == 1);
  CHECK(all[0] == entry("a", 1));
  CHECK(all[1].outcome == outcome_of(quality));
  CHECK_FALSE(all[2].outcome);
  CHECK(add_outcome(all, "a", quality) == 0);
}

TEST_CASE("a change has helped where the figure that its rule names is better beyond noise") {
  LedgerEntry made = entry("a", std::nullopt);
  made.figure = NamedFigure{"", "pipeline_success_rate", 0.80, 0.75, 0.85};
  const auto helped = [&](std::uint64_t succeeded) {
    std::vector<LedgerEntry> all{made};
    add_outcome(all, "a", QualityBuilder().current(make_runs(100, succeeded)).build());
    return has_helped(all.front());
  };
  CHECK(helped(95));
  CHECK_FALSE(helped(82));
  CHECK_FALSE(helped(60));
  CHECK_FALSE(has_helped(made));  // nothing came of it yet
}

TEST_CASE("what is undone has not helped, whatever came of it") {
  LedgerEntry made = entry("a", 1);
  made.figure = NamedFigure{"", "error_rate.server", 0.3, 0.28, 0.32};
  made.outcome->figure = ActualEffect{-0.2, 0.01};
  CHECK(has_helped(made));
  std::vector<LedgerEntry> all{made, made};
  mark_undone(all, {{"K", {"3", "1"}}});
  CHECK(all == std::vector<LedgerEntry>{made, made});  // left another value
  mark_undone(all, {{"K", {"2", "1"}}});
  CHECK(all[0] == made);
  CHECK(all[1].is_undone);
  CHECK_FALSE(has_helped(all[1]));
}

TEST_CASE("a figure is named by what met the rule, with its 80 % interval") {
  const std::vector<Reason> of_runs{
      {"condition_met",
       {{"kpi", "error_rate.server"}, {"value", 0.1}, {"count", 10}, {"total", 100}}}};
  const auto figure = named_figure(of_runs);
  REQUIRE(figure);
  CHECK(figure->node.empty());
  CHECK(figure->low == Approx(0.0680).margin(0.0005));  // Wilson, z = 1.2816
  CHECK(figure->high == Approx(0.1447).margin(0.0005));
  const auto of_node = named_figure({{"node_meets", {{"node", "n1"}, {"met", of_runs}}}});
  REQUIRE(of_node);
  CHECK(of_node->node == "n1");
  CHECK(of_node->kpi == "error_rate.server");
  CHECK_FALSE(named_figure({}));
  CHECK(has_left(*figure, {"", "error_rate.server", 0.2, 0.15, 0.25}));
  CHECK_FALSE(has_left(*figure, {"", "error_rate.server", 0.13, 0.11, 0.15}));
}

TEST_CASE("the ledger keeps the latest 200") {
  std::vector<LedgerEntry> all;
  for (int i = 0; i < 203; ++i) add_entries(all, {entry(std::to_string(i), 1)});
  CHECK(all.size() == 200);
  CHECK(all.front().decision_digest == "3");
  CHECK(all.back().decision_digest == "202");
}

TEST_CASE("a ledger reads back as it was, and what is none is refused") {
  std::vector<LedgerEntry> all = ledger(1, 1);
  all.push_back(entry("waits", std::nullopt));
  all.back().prediction->reach = Reach::extrapolated;
  all.push_back({"plain",
                 "K",
                 {"1", "2"},
                 std::nullopt,
                 test::kAsOf,
                 std::nullopt,
                 "rule-1",
                 NamedFigure{"n1", "failure_rate", 0.5, 0.4, 0.6},
                 true});
  all.back().outcome = Outcome{};
  all.back().outcome->figure = ActualEffect{0.1, 0.02};
  all[1].outcome->p95_ms.reset();
  const Json document = ledger_to_json(all);
  CHECK(ledger_from_json(JsonReader(document, "l")) == all);
  const auto edited = [&](const char* key, const Json& value) {
    Json copy = document;
    copy.as_array()[0]["prediction"][key] = value;
    static_cast<void>(ledger_from_json(JsonReader(copy, "l")));
  };
  CHECK_THROWS_AS(edited("model", "magic"), Error);
  CHECK_THROWS_AS(edited("reach", "far"), Error);
  CHECK_THROWS_AS(edited("n", -1), Error);
  CHECK_THROWS_AS(edited("p95_ms", Json::object({{"estimate", 1}, {"low", 3}, {"high", 2}})),
                  Error);
}

}  // namespace dagloop
