#include "report/figures.hpp"

#include <catch2/catch.hpp>
#include <chrono>

#include "make_quality.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Kpi latency(double ms) {
  Kpi kpi;
  kpi.kind = KpiKind::quantile;
  kpi.value = ms;
  return kpi;
}

Kpi mean(double value) {
  Kpi kpi;
  kpi.kind = KpiKind::ratio;
  kpi.value = value;
  return kpi;
}

std::string success_change(const Kpi& now, const Kpi& before) {
  return show_change("pipeline_success_rate", now, &before);
}

}  // namespace

TEST_CASE("counts have their thousands separated") {
  CHECK(show_count(0) == "0");
  CHECK(show_count(999) == "999");
  CHECK(show_count(1000) == "1,000");
  CHECK(show_count(12'345) == "12,345");
  CHECK(show_count(100'000) == "100,000");
  CHECK(show_count(1'234'567'890) == "1,234,567,890");
}

TEST_CASE("a count agrees with its noun") {
  CHECK(show_counted(0, "run") == "0 runs");
  CHECK(show_counted(1, "run") == "1 run");
  CHECK(show_counted(1000, "run") == "1,000 runs");
}

TEST_CASE("shares are percents with one digit behind the point") {
  CHECK(show_percent(0) == "0.0 %");
  CHECK(show_percent(0.952) == "95.2 %");
  CHECK(show_percent(0.0014) == "0.1 %");
  CHECK(show_percent(1) == "100.0 %");
  CHECK(show_percent(1.2) == "120.0 %");  // more failed items than items were logged
}

TEST_CASE("what is not nothing never prints as 0 %, and what is not all never as 100 %") {
  CHECK(show_percent(0.0004) == "0.04 %");
  CHECK(show_percent(0.00001) == "<0.01 %");
  CHECK(show_percent(0.9996) == "99.96 %");
  CHECK(show_percent(0.999'999) == ">99.99 %");
  test::Random random(31);
  for (int round = 0; round < 2000; ++round) {
    const auto n = static_cast<double>(2 + random.below(1'000'000));
    CHECK(show_percent(1 / n) != "0.0 %");
    CHECK(show_percent(1 - 1 / n) != "100.0 %");
  }
}

TEST_CASE("latencies are printed in the unit that people would use") {
  CHECK(show_latency(0) == "0 ms");
  CHECK(show_latency(0.001) == "<0.01 ms");
  CHECK(show_latency(0.43) == "0.43 ms");
  CHECK(show_latency(9.5) == "9.5 ms");
  CHECK(show_latency(290.4) == "290 ms");
  CHECK(show_latency(1530) == "1.53 s");
  CHECK(show_latency(65'000) == "1 min 5 s");
  CHECK(show_latency(120'000) == "2 min");
  CHECK(show_latency(3'900'000) == "1 h 5 min");
  CHECK(show_latency(7'200'000) == "2 h");
  CHECK(show_latency(360'000'000) == "100 h");
}

TEST_CASE("a latency that rounds up to the next unit is printed in that unit") {
  CHECK(show_latency(9.96) == "10 ms");
  CHECK(show_latency(999.4) == "999 ms");
  CHECK(show_latency(999.6) == "1.00 s");
  CHECK(show_latency(59'994) == "59.99 s");
  CHECK(show_latency(59'996) == "1 min");
  CHECK(show_latency(3'599'600) == "1 h");
}

TEST_CASE("spans are printed in their two largest units") {
  CHECK(show_span(seconds(59)) == "less than a minute");
  CHECK(show_span(minutes(35)) == "35 min");
  CHECK(show_span(hours(6)) == "6 h");
  CHECK(show_span(hours(6) + minutes(5)) == "6 h 5 min");
  CHECK(show_span(hours(24)) == "1 d");
  CHECK(show_span(hours(74) + minutes(59)) == "3 d 2 h");
}

TEST_CASE("instants are printed to the minute, never later than they are") {
  CHECK(show_time(test::kAsOf) == "2026-02-25 06:00 UTC");
  CHECK(show_time(test::kAsOf + seconds(59) + Microseconds(999'999)) == "2026-02-25 06:00 UTC");
  CHECK(show_time(test::kAsOf - Microseconds(1)) == "2026-02-25 05:59 UTC");
}

TEST_CASE("a KPI is printed in its own unit, and as no data where it has none") {
  CHECK(show_value("pipeline_success_rate", make_rate(19, 20)) == "95.0 %");
  CHECK(show_value("pipeline_success_rate", make_rate(0, 0)) == "no data");
  CHECK(show_value("error_rate.auth", make_rate(1, 8)) == "12.5 %");
  CHECK(show_value("p95_latency_ms", latency(1530)) == "1.53 s");
  CHECK(show_value("attempts_per_node", mean(1.0234)) == "1.023");
}

TEST_CASE("a threshold is printed exactly as it is configured") {
  CHECK(show_limit("pipeline_success_rate", 0.9) == "90 %");
  CHECK(show_limit("pipeline_success_rate", 0.07) == "7 %");
  CHECK(show_limit("pipeline_success_rate", 0.99995) == "99.995 %");
  CHECK(show_limit("p95_latency_ms", 2500) == "2.50 s");
  CHECK(show_limit("attempts_per_node", 1.25) == "1.25");
}

TEST_CASE("a limit between two printed figures keeps its digits") {
  CHECK(show_limit("p95_latency_ms", 800) == "800 ms");
  CHECK(show_limit("p95_latency_ms", 2503) == "2.503 s");
  CHECK(show_limit("p95_latency_ms", 62'500) == "62.5 s");
  CHECK(show_limit("p95_latency_ms", 120'000) == "2 min");
}

TEST_CASE("a figure in a sentence reads as in a table, and never as a limit that it is not") {
  CHECK(show_told("pipeline_success_rate", 0.9668) == "96.7 %");
  CHECK(show_told("error_rate.auth", 0.125) == "12.5 %");
  CHECK(show_told("p95_latency_ms", 2267) == "2.27 s");
  CHECK(show_told("attempts_per_node", 1.0234) == "1.023");
  CHECK(show_told("pipeline_success_rate", 0.9, 0.9) == "90.0 %");
  CHECK(show_told("pipeline_success_rate", 0.8996, 0.9) == "89.96 %");
  CHECK(show_told("pipeline_success_rate", 0.899'999'9, 0.9) == "89.99999 %");
  CHECK(show_told("p95_latency_ms", 2501, 2500) == "2.501 s");
  CHECK(show_told("p95_latency_ms", 60'010, 60'000) == "60.01 s");
  CHECK(show_told("attempts_per_node", 1.2501, 1.25) == "1.2501");
}

TEST_CASE("an interval has the digits of its ends, and none is printed where there is none") {
  CHECK(show_interval(make_rate(50, 100)) == "40.4 to 59.6 %");
  CHECK(show_interval(make_rate(0, 400)) == "0.0 to 1.0 %");
  CHECK(show_interval(make_rate(400, 400)) == "99.0 to 100.0 %");
  CHECK(show_interval(make_rate(5, 20'000)) == "0.01 to 0.06 %");
  CHECK(show_interval(make_rate(0, 0)).empty());
  CHECK(show_interval(latency(5)).empty());
}

TEST_CASE("a change of a share is in percentage points, better or worse by the KPI's direction") {
  CHECK(success_change(make_rate(900, 1000), make_rate(950, 1000)) == "▼ 5.0 pp, worse");
  CHECK(success_change(make_rate(950, 1000), make_rate(900, 1000)) == "▲ 5.0 pp, better");
  const Kpi before = make_rate(20, 1000);
  CHECK(show_change("fallback_rate", make_rate(70, 1000), &before) == "▲ 5.0 pp, worse");
  CHECK(show_change("fallback_rate", make_rate(5, 1000), &before) == "▼ 1.5 pp, better");
}

TEST_CASE("a change that noise may explain is no clear change") {
  CHECK(success_change(make_rate(90, 100), make_rate(95, 100)) == "▼ 5.0 pp, no clear change");
  CHECK(success_change(make_rate(95'012, 100'000), make_rate(95'000, 100'000)) ==
        "▲ 0.01 pp, no clear change");
  const Kpi second = latency(1000);
  CHECK(show_change("p95_latency_ms", latency(1040), &second) == "▲ 4 %, no clear change");
}

TEST_CASE("evidence is told as a chance that people can use, with three digits at most") {
  CHECK(show_chance(253.9) == "below 1 in 253");
  CHECK(show_chance(2.89) == "below 1 in 2.8");
  CHECK(show_chance(12'399) == "below 1 in 12,300");
  CHECK(show_chance(999'999) == "below 1 in 999,000");
  CHECK(show_chance(5.46e42) == "below 1 in 1,000,000");
  CHECK(show_chance(1.99) == "not small yet");
  CHECK(show_chance(0) == "not small yet");
  CHECK(show_odds(222.2) == "1 in 222");
  CHECK(show_odds(2) == "1 in 2");
}

TEST_CASE("a difference is told in words, without a sign") {
  CHECK(show_worse_by(3.846, 36.72) == "worse by 3.85 to 36.7 points");
  CHECK(show_worse_by(-12.3, -4.5) == "better by 4.5 to 12.3 points");
  CHECK(show_worse_by(-3.76, 62) ==
        "between 3.76 points better and 62 points worse, so no clear change");
}

TEST_CASE("a change of a latency or a mean is in percent of what it was") {
  const Kpi second = latency(1000);
  CHECK(show_change("p95_latency_ms", latency(1250), &second) == "▲ 25 %, worse");
  CHECK(show_change("p95_latency_ms", latency(800), &second) == "▼ 20 %, better");
  const Kpi nothing = latency(0);
  CHECK(show_change("p95_latency_ms", latency(500), &nothing) == "▲ 500 ms, worse");
  const Kpi once = mean(1);
  CHECK(show_change("attempts_per_node", mean(1.1), &once) == "▲ 10 %, worse");
}

TEST_CASE("small changes keep their digits, and those too small to show are the same") {
  CHECK(success_change(make_rate(99'940, 100'000), make_rate(99'980, 100'000)) ==
        "▼ 0.04 pp, worse");
  CHECK(success_change(make_rate(500'001, 1'000'000), make_rate(500'000, 1'000'000)) == "same");
  CHECK(success_change(make_rate(9, 10), make_rate(90, 100)) == "same");
  const Kpi second = latency(1000);
  CHECK(show_change("p95_latency_ms", latency(1004), &second) == "same");
}

TEST_CASE("there is no change where one side has no data") {
  CHECK(success_change(make_rate(0, 0), make_rate(1, 2)).empty());
  CHECK(success_change(make_rate(1, 2), make_rate(0, 0)).empty());
  CHECK(show_change("fallback_rate", make_rate(1, 2), nullptr).empty());
}

}  // namespace dagloop
