#include "dagloop/decide/gate.hpp"

#include <catch2/catch.hpp>

#include "dagloop/decide/figure_case.hpp"
#include "dagloop/report/words.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using Catch::Matchers::StartsWith;
using test::make_node;
using test::make_runs;
using test::QualityBuilder;

GateCheck success_check(std::uint64_t min_sample = 20, Severity severity = Severity::fail) {
  return {
      "pipeline_success_rate", Population::dag, Comparator::at_least, 0.9, min_sample, severity};
}

Quality window_of(const KpiPartial& runs) { return QualityBuilder().current(runs).build(); }

TEST_CASE("gate passes when the figure is exactly on its threshold") {
  const GateResult result = evaluate_gate({success_check()}, window_of(make_runs(100, 90)), {});
  CHECK(result.verdict == Verdict::PASS);
  CHECK(result.reasons.empty());
  REQUIRE(result.checks.size() == 1);
  CHECK(result.checks[0].status == CheckStatus::pass);
  CHECK(result.checks[0].value == 0.9);
  CHECK(result.checks[0].sample_count == 100);
  CHECK(result.checks[0].ci95 == wilson95(90, 100));
  CHECK(result.checks[0].reason.code == "pipeline_success_rate_ok");
}

TEST_CASE("gate fails when the figure misses its threshold by one run") {
  const GateResult result = evaluate_gate({success_check()}, window_of(make_runs(100, 89)), {});
  CHECK(result.verdict == Verdict::FAIL);
  CHECK(result.checks[0].status == CheckStatus::fail);
  CHECK(result.checks[0].reason.code == "pipeline_success_rate_below_threshold");
  CHECK(reason_text(result.checks[0].reason) ==
        "pipeline_success_rate of dag is 89.0 % (89 of 100); demanded is >= 90 %");
}

TEST_CASE("gate is insufficient when the window has fewer runs than the check needs") {
  const GateResult result = evaluate_gate({success_check()}, window_of(make_runs(19, 19)), {});
  CHECK(result.verdict == Verdict::INSUFFICIENT);
  CHECK(result.checks[0].status == CheckStatus::insufficient);
  CHECK(result.checks[0].reason.code == "pipeline_success_rate_insufficient");
  CHECK(reason_text(result.checks[0].reason) ==
        "pipeline_success_rate of dag: 19 of 20 observations; "
        "1 more needed; at the present rate (19 in 1d) in about 2h");
  CHECK(evaluate_gate({success_check()}, window_of(make_runs(20, 20)), {}).verdict ==
        Verdict::PASS);
}

TEST_CASE("gate is insufficient when a KPI has no value, even with a sample of 0 asked for") {
  const GateResult result = evaluate_gate({success_check(0)}, window_of(make_runs(0, 0)), {});
  CHECK(result.verdict == Verdict::INSUFFICIENT);
  CHECK_FALSE(result.checks[0].value.has_value());
  CHECK_FALSE(result.checks[0].ci95.has_value());
}

TEST_CASE("a failed check outweighs an insufficient one") {
  GateCheck fanout = success_check();
  fanout.kpi = "fanout_failed_rate";
  fanout.comparator = Comparator::at_most;
  const GateResult result =
      evaluate_gate({fanout, success_check()}, window_of(make_runs(100, 50)), {});
  CHECK(result.verdict == Verdict::FAIL);
  CHECK(result.checks[0].status == CheckStatus::insufficient);
  CHECK(result.checks[1].status == CheckStatus::fail);
}

TEST_CASE("a warning never changes the verdict, missed or insufficient") {
  const GateResult missed =
      evaluate_gate({success_check(20, Severity::warn)}, window_of(make_runs(100, 10)), {});
  CHECK(missed.verdict == Verdict::PASS);
  CHECK(missed.checks[0].status == CheckStatus::warn);
  CHECK(missed.checks[0].reason.code == "pipeline_success_rate_below_threshold");

  const GateResult insufficient =
      evaluate_gate({success_check(20, Severity::warn)}, window_of(make_runs(3, 0)), {});
  CHECK(insufficient.verdict == Verdict::PASS);
  CHECK(insufficient.checks[0].status == CheckStatus::insufficient);
}

TEST_CASE("the reason of a miss says on which side of the threshold the figure is") {
  const Quality quality = window_of(make_runs(100, 50));
  const auto code = [&](Comparator comparator, double threshold) {
    GateCheck check = success_check();
    check.comparator = comparator;
    check.threshold = threshold;
    return evaluate_gate({check}, quality, {}).checks[0].reason.code;
  };
  CHECK(code(Comparator::at_least, 0.6) == "pipeline_success_rate_below_threshold");
  CHECK(code(Comparator::above, 0.5) == "pipeline_success_rate_below_threshold");
  CHECK(code(Comparator::at_most, 0.4) == "pipeline_success_rate_above_threshold");
  CHECK(code(Comparator::below, 0.5) == "pipeline_success_rate_above_threshold");
  CHECK(code(Comparator::at_least, 0.5) == "pipeline_success_rate_ok");
  CHECK(code(Comparator::at_most, 0.5) == "pipeline_success_rate_ok");
}

TEST_CASE("the reason keeps the dot of an error class") {
  GateCheck check = success_check();
  check.kpi = "error_rate.auth";
  check.comparator = Comparator::at_most;
  check.threshold = 0.01;
  const GateResult result =
      evaluate_gate({check}, window_of(test::make_runs_with_errors(100, 95, {{"401", 5}})), {});
  CHECK(result.checks[0].reason.code == "error_rate.auth_above_threshold");
}

TEST_CASE("each population is judged by its own runs") {
  GateCheck other = success_check();
  other.population = Population::non_dag;
  const Quality quality = QualityBuilder()
                              .current(make_runs(100, 95))
                              .current(make_runs(100, 10), Cohort::none, Population::non_dag)
                              .build();
  CHECK(evaluate_gate({success_check()}, quality, {}).verdict == Verdict::PASS);
  CHECK(evaluate_gate({other}, quality, {}).verdict == Verdict::FAIL);
}

TEST_CASE("a latency check counts the durations, not the runs") {
  GateCheck check{"p95_latency_ms", Population::dag, Comparator::at_most, 1000, 20, Severity::fail};
  CHECK(evaluate_gate({check}, window_of(make_runs(50, 50, 1000)), {}).verdict == Verdict::PASS);
  const GateResult slow = evaluate_gate({check}, window_of(make_runs(50, 50, 1001)), {});
  CHECK(slow.verdict == Verdict::FAIL);
  CHECK(reason_text(slow.checks[0].reason) ==
        "p95_latency_ms of dag is 1.001 s (n = 50); demanded is <= 1.00 s");
  CHECK(evaluate_gate({check}, window_of(make_runs(50, 50, std::nullopt)), {}).verdict ==
        Verdict::INSUFFICIENT);
}

TEST_CASE("a value just short of its threshold does not print as the threshold") {
  const GateResult result = evaluate_gate({success_check()}, window_of(make_runs(10000, 8999)), {});
  CHECK(reason_text(result.checks[0].reason) ==
        "pipeline_success_rate of dag is 89.99 % (8999 of 10000); demanded is >= 90 %");
}

TEST_CASE("data faults make the gate insufficient whatever the figures, and checks are shown") {
  for (const std::uint64_t succeeded : {std::uint64_t{100}, std::uint64_t{0}}) {
    const Quality quality = QualityBuilder()
                                .current(make_runs(100, succeeded))
                                .newest_record(test::kAsOf - std::chrono::hours{7})
                                .build();
    const GateResult result = evaluate_gate({success_check()}, quality, {});
    CHECK(result.verdict == Verdict::INSUFFICIENT);
    CHECK(has_reason(result.reasons, "data_stale"));
    REQUIRE(result.checks.size() == 1);
    CHECK(result.checks[0].sample_count == 100);
  }
}

TEST_CASE("a gate without checks is insufficient, never a pass") {
  const GateResult result = evaluate_gate({}, window_of(make_runs(100, 100)), {});
  CHECK(result.verdict == Verdict::INSUFFICIENT);
  CHECK(has_reason(result.reasons, "no_checks"));
}

TEST_CASE("a gate of warnings alone passes") {
  CHECK(evaluate_gate({success_check(20, Severity::warn)}, window_of(make_runs(100, 100)), {})
            .verdict == Verdict::PASS);
}

TEST_CASE("the default gate judges success, verification and, as a warning, attempts") {
  KpiPartial runs = make_runs(100, 95);
  runs.verification_failed = 5;
  runs.nodes["n1"] = make_node(200, 60);
  const GateResult good = evaluate_gate(default_gate(), window_of(runs), {});
  CHECK(good.verdict == Verdict::PASS);
  REQUIRE(good.checks.size() == 3);
  CHECK(good.checks[2].status == CheckStatus::warn);

  runs.verification_failed = 6;
  const GateResult bad = evaluate_gate(default_gate(), window_of(runs), {});
  CHECK(bad.verdict == Verdict::FAIL);
  CHECK(bad.checks[1].reason.code == "verification_failed_rate_above_threshold");
}

TEST_CASE("a gate that unread records could fail is insufficient, and says so") {
  const auto gate_with = [](std::uint64_t unread) {
    KpiPartial runs = make_runs(100, 95);
    runs.unread_runs = unread;
    const Quality quality = window_of(runs);
    return gate_that_stands(evaluate_gate({success_check()}, quality, {}), quality);
  };
  const double threshold = success_check().threshold;
  const std::uint64_t allowed = static_cast<std::uint64_t>(95 / threshold) - 100;
  CHECK(gate_with(0).verdict == Verdict::PASS);
  CHECK(gate_with(allowed).verdict == Verdict::PASS);
  const GateResult held = gate_with(allowed + 1);
  CHECK(held.verdict == Verdict::INSUFFICIENT);
  CHECK(has_reason(held.reasons, "unreadable_records_could_change_this"));
}

TEST_CASE("a gate on attempts does not pass where failed ones may hide in unread lines") {
  GateCheck check = success_check();
  check.kpi = "attempt_failure_rate";
  check.comparator = Comparator::at_most;
  check.threshold = 0.1;
  const auto gate_with = [&](std::uint64_t unread) {
    KpiPartial runs = make_runs(100, 100);
    runs.nodes["n"].attempts = 90;
    runs.nodes["n"].run_node_pairs = 90;
    runs.unread_attempts = unread;
    runs.unread_durations = 2;
    const Quality quality = window_of(runs);
    return gate_that_stands(evaluate_gate({check}, quality, {}), quality);
  };
  CHECK(gate_with(10).verdict == Verdict::PASS);
  const GateResult held = gate_with(11);
  CHECK(held.verdict == Verdict::INSUFFICIENT);
  REQUIRE(held.reasons.size() == 1);
  CHECK_THAT(reason_text(held.reasons[0]),
             StartsWith("what could not be read may hide the outcome of up to 0 runs, up to 11 "
                        "failed attempts, 2 values of runs; at worst: "));
}

TEST_CASE("gate verdict agrees with its definition for all pairs of outcomes") {
  // Outcomes of one check by the runs it sees: 100 of 100, 0 of 100, 1 of 1.
  const std::vector<std::pair<KpiPartial, CheckStatus>> outcomes{
      {make_runs(100, 100), CheckStatus::pass},
      {make_runs(100, 0), CheckStatus::fail},
      {make_runs(1, 1), CheckStatus::insufficient}};
  GateCheck other = success_check();
  other.population = Population::non_dag;
  for (const auto& [dag, first] : outcomes) {
    for (const auto& [non_dag, second] : outcomes) {
      const Quality quality =
          QualityBuilder().current(dag).current(non_dag, Cohort::none, Population::non_dag).build();
      const bool fails = first == CheckStatus::fail || second == CheckStatus::fail;
      const bool lacks = first == CheckStatus::insufficient || second == CheckStatus::insufficient;
      const Verdict expected =
          fails ? Verdict::FAIL : (lacks ? Verdict::INSUFFICIENT : Verdict::PASS);
      CHECK(evaluate_gate({success_check(), other}, quality, {}).verdict == expected);
    }
  }
}

}  // namespace
}  // namespace dagloop
