#include "dagloop/kpi/kpi_set.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "make_codes.hpp"

namespace dagloop {
namespace {

KpiPartial example() {
  KpiPartial partial;
  partial.total_runs = 20;
  partial.succeeded = 17;
  partial.verification_failed = 1;
  partial.fallback = 4;
  partial.compensation_failed = 1;
  partial.compensation_total = 3;
  partial.manual_required = 2;
  partial.idempotent_reuse = 5;
  partial.fanout_failed = 6;
  partial.fanout_total = 60;
  test::set_codes(partial, {{"TOOL_TIMEOUT", 2}, {"503", 1}, {"weird", 1}});
  partial.nodes["a"] = {30, 6, 10, 4, 20, {}};
  partial.nodes["b"] = {10, 0, 0, 0, 10, {}};
  for (int i = 1; i <= 20; ++i) partial.latency.add(100 * i);
  return partial;
}

void check_rate(const KpiSet& kpis, const std::string& name, std::uint64_t numerator,
                std::uint64_t denominator) {
  CAPTURE(name);
  const Kpi* kpi = kpis.find(name);
  REQUIRE(kpi != nullptr);
  CHECK(kpi->numerator == numerator);
  CHECK(kpi->denominator == denominator);
  CHECK(*kpi->value == static_cast<double>(numerator) / static_cast<double>(denominator));
}

}  // namespace

TEST_CASE("every KPI is the quotient that the contract names") {
  const KpiSet kpis = compute_kpis(example());
  check_rate(kpis, "pipeline_success_rate", 17, 20);
  check_rate(kpis, "verification_failed_rate", 1, 20);
  check_rate(kpis, "fallback_rate", 4, 20);
  check_rate(kpis, "compensation_failed_rate", 1, 3);
  check_rate(kpis, "manual_required_rate", 2, 20);
  check_rate(kpis, "fanout_failed_rate", 6, 60);
  check_rate(kpis, "idempotent_reuse_rate", 5, 20);
  check_rate(kpis, "error_rate.timeout", 2, 20);
  check_rate(kpis, "error_rate.server", 1, 20);
  check_rate(kpis, "error_rate.other", 1, 20);
  check_rate(kpis, "error_rate.auth", 0, 20);
  check_rate(kpis, "attempt_failure_rate", 6, 40);
  check_rate(kpis, "attempts_per_node", 40, 30);
  CHECK(kpis.find("p50_latency_ms")->value == 1000);
  CHECK(kpis.find("p95_latency_ms")->value == 1900);
  CHECK(kpis.find("p99_latency_ms")->value == 2000);
  CHECK(kpis.find("p99_latency_ms")->denominator == 20);
  CHECK(kpis.all().size() == kpi_names().size());
}

TEST_CASE("the KPIs come in the order of the contract") {
  const std::vector<std::string> expected{"pipeline_success_rate",   "verification_failed_rate",
                                          "fallback_rate",           "compensation_failed_rate",
                                          "manual_required_rate",    "fanout_failed_rate",
                                          "idempotent_reuse_rate",   "error_rate.auth",
                                          "error_rate.server",       "error_rate.timeout",
                                          "error_rate.rate_limit",   "error_rate.validation",
                                          "error_rate.llm",          "error_rate.verification",
                                          "error_rate.compensation", "error_rate.other",
                                          "p50_latency_ms",          "p95_latency_ms",
                                          "p99_latency_ms",          "attempt_failure_rate",
                                          "attempts_per_node",       "overdue_rate",
                                          "tokens_per_run",          "cost_per_run"};
  CHECK(kpi_names() == expected);
}

TEST_CASE("success and reuse are better higher, everything else lower") {
  for (const std::string& name : kpi_names()) {
    CAPTURE(name);
    const bool higher = name == "pipeline_success_rate" || name == "idempotent_reuse_rate";
    CHECK(better_direction(name) == (higher ? Better::higher : Better::lower));
  }
}

TEST_CASE("a KPI of the same name twice is a bug, and one that is not there is not found") {
  KpiSet kpis;
  kpis.add("x", make_rate(1, 2));
  CHECK_THROWS_AS(kpis.add("x", make_rate(1, 2)), Error);
  CHECK(kpis.find("x")->value == 0.5);
  CHECK(kpis.find("y") == nullptr);
}

TEST_CASE("rates carry a Wilson interval, ratios and quantiles do not") {
  const KpiSet kpis = compute_kpis(example());
  CHECK(kpis.find("pipeline_success_rate")->ci95 == wilson95(17, 20));
  CHECK_FALSE(kpis.find("attempts_per_node")->ci95);
  CHECK_FALSE(kpis.find("p95_latency_ms")->ci95);
}

TEST_CASE("a KPI with nothing to divide by is null and never 0") {
  const KpiSet kpis = compute_kpis({});
  for (const auto& [name, kpi] : kpis.all()) {
    CAPTURE(name);
    CHECK_FALSE(kpi.value);
    CHECK_FALSE(kpi.ci95);
    CHECK(kpi.denominator == 0);
  }
}

TEST_CASE("figures of attempts are null where some runs have tries that nobody knows") {
  KpiPartial partial = example();
  partial.runs_without_tries = 1;
  const KpiSet kpis = compute_kpis(partial);
  for (const char* name : {"attempt_failure_rate", "attempts_per_node"}) {
    CAPTURE(name);
    CHECK_FALSE(kpis.find(name)->value);
    CHECK_FALSE(kpis.find(name)->ci95);
    CHECK(kpis.find(name)->denominator == 0);
  }
  CHECK(kpis.find("attempts_per_node")->kind == KpiKind::ratio);
  check_rate(kpis, "pipeline_success_rate", 17, 20);
}

TEST_CASE("a node whose earlier tries are not known has the latency of its last ones alone") {
  NodePartial node = example().nodes.at("a");
  node.latency.add(250);
  const NodeKpis figures = compute_node_kpis(node, Tries::unknown);
  CHECK_FALSE(figures.attempts);
  CHECK_FALSE(figures.failure_rate.value);
  CHECK_FALSE(figures.retry_success_rate.value);
  CHECK(figures.p95_latency_ms.value == 250);
}

TEST_CASE("node figures are those of its attempts") {
  const NodeKpis node = compute_node_kpis(example().nodes.at("a"));
  CHECK(node.attempts == 30);
  CHECK(node.failure_rate.value == 0.2);
  CHECK(node.retry_success_rate.value == 0.4);
  CHECK(node.failure_rate.ci95 == wilson95(6, 30));
  CHECK_FALSE(compute_node_kpis(example().nodes.at("b")).retry_success_rate.value);
}

TEST_CASE("more failed items than items gives a rate without an interval") {
  const Kpi kpi = make_rate(3, 2);
  CHECK(kpi.value == 1.5);
  CHECK_FALSE(kpi.ci95);
}

}  // namespace dagloop
