#include "dagloop/decide/data_state.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"
#include "dagloop/report/words.hpp"
#include "support/make_quality.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::kAsOf;
using test::QualityBuilder;

const Window kDay = test::kCurrentWindow;

TEST_CASE("fresh and well-formed data has no fault") {
  CHECK(data_faults(QualityBuilder().build(), {}).empty());
}

TEST_CASE("data without a valid record is no data") {
  const auto faults = data_faults(QualityBuilder().newest_record(std::nullopt).build(), {});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "no_data");
  CHECK(reason_text(faults[0]) == "no valid record before 2026-02-25T06:00:00Z");
}

TEST_CASE("data is stale when the newest record is older than the limit, not when it is as old") {
  const DataLimits limits{.max_malformed_share = 0.01, .max_age = 6h};
  CHECK(data_faults(QualityBuilder().newest_record(kAsOf - 6h).build(), limits).empty());
  const auto faults = data_faults(QualityBuilder().newest_record(kAsOf - 6h - 1us).build(), limits);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "data_stale");
}

TEST_CASE("the text of stale data names the newest record, the limit and as_of") {
  const auto faults = data_faults(QualityBuilder().newest_record(kAsOf - 7h).build(), {});
  REQUIRE(faults.size() == 1);
  CHECK(reason_text(faults[0]) ==
        "the newest record is of 2026-02-24T23:00:00Z, more than 6h before 2026-02-25T06:00:00Z");
}

TEST_CASE("the malformed share may reach its limit and not exceed it") {
  const DataLimits limits{.max_malformed_share = 0.25, .max_age = 6h};
  CHECK(data_faults(QualityBuilder().malformed(25, 100).build(), limits).empty());
  const auto faults = data_faults(QualityBuilder().malformed(26, 100).build(), limits);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "malformed_share_above_limit");
  CHECK(reason_text(faults[0]) ==
        "26.0 % of the lines of the window are malformed (26 of 100); the limit is 25 %");
}

TEST_CASE("the malformed share of a cohort counts from 100 lines of it on, and names the first") {
  const DataLimits limits{.max_malformed_share = 0.01, .max_age = 6h};
  const auto faults_of = [&](LineShare canary) {
    return data_faults(
        QualityBuilder().malformed(2, 1000).malformed_of(&RangeLines::canary, canary).build(),
        limits);
  };
  CHECK(faults_of({99, 2}).empty());
  CHECK(faults_of({200, 2}).empty());
  const auto faults = faults_of({100, 2});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "malformed_share_above_limit");
  CHECK(reason_text(faults[0]) ==
        "2.0 % of the lines of the canary are malformed (2 of 100); the limit is 1 %; the first "
        "of the log: "
        "a.jsonl:7 "
        "(unknown_status: status)");
}

TEST_CASE("input that is nothing but malformed lines has both faults") {
  const auto faults =
      data_faults(QualityBuilder().newest_record(std::nullopt).malformed(10, 10).build(), {});
  CHECK(faults.size() == 2);
  CHECK(has_reason(faults, "no_data"));
  CHECK(has_reason(faults, "malformed_share_above_limit"));
  CHECK_FALSE(has_reason(faults, "data_stale"));
}

namespace {

std::string forecast(std::uint64_t have, std::uint64_t need, const Window& window) {
  Reason reason{"canary_sample_insufficient", {{"have", have}, {"need", need}, {"side", "canary"}}};
  add_forecast(reason.args, have, need, window);
  const std::string text = reason_text(reason);
  return text.substr(text.find("; ") + 2);
}

}  // namespace

TEST_CASE("the forecast extends the present rate") {
  CHECK(forecast(12, 20, kDay) == "8 more needed; at the present rate (12 in 1d) in about 16h");
}

TEST_CASE("the forecast gives no time where nothing was seen") {
  CHECK(forecast(0, 20, kDay) == "20 more needed; none came so far, so there is no telling when");
}

TEST_CASE("the forecast rounds up, in minutes to an hour, hours to two days, then days") {
  const auto ends_with = [](std::uint64_t have, std::uint64_t need, const std::string& ending) {
    const std::string text = forecast(have, need, kDay);
    CAPTURE(text, ending);
    CHECK(text.size() > ending.size());
    CHECK(text.substr(text.size() - ending.size()) == ending);
  };
  ends_with(1440, 1441, "in about 1m");
  ends_with(1000, 1001, "in about 2m");  // 1.44 minutes
  ends_with(24, 25, "in about 60m");
  ends_with(23, 24, "in about 2h");
  ends_with(1, 3, "in about 48h");
  ends_with(1, 4, "in about 3d");
  ends_with(2, 7, "in about 3d");  // 2.5 days
}

TEST_CASE("the forecast follows the window's length") {
  const Window hour{kAsOf - 1h, kAsOf};
  CHECK(forecast(10, 20, hour) == "10 more needed; at the present rate (10 in 1h) in about 60m");
}

TEST_CASE("a forecast for a sample that is complete is a bug of the caller") {
  CHECK_THROWS_AS(forecast(20, 20, kDay), Error);
  CHECK_THROWS_AS(forecast(21, 20, kDay), Error);
}

TEST_CASE("has_reason looks for the whole code") {
  const std::vector<Reason> reasons{{"gate_pass"}};
  CHECK(has_reason(reasons, "gate_pass"));
  CHECK_FALSE(has_reason(reasons, "gate"));
  CHECK_FALSE(has_reason({}, "gate_pass"));
}

}  // namespace
}  // namespace dagloop
