#include "dagloop/report/replay_report.hpp"

#include <catch2/catch.hpp>

#include "../../support/make_quality.hpp"
#include "dagloop/base/json_schema.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

ReplayRecord make_record(const std::string& name) {
  ReplayRecord record;
  record.name = name;
  record.policies = "as given";
  record.records = 1000;
  Decision decision;
  decision.as_of = kAsOf;
  decision.current_percent = 10;
  decision.reasons = {{"gate_insufficient", {{"text", "too few"}}}};
  record.add(decision);
  TriggerResult trigger;
  trigger.name = "success_drop";
  trigger.kpi = "pipeline_success_rate";
  trigger.state = TriggerState::fired;
  trigger.value = 0.7;
  trigger.reason = {"success_drop_fired", {{"text", "70 % | of <b>\x1b[2J"}}};
  EvidenceView view;
  view.is_available = true;
  view.e_value = 1e300;
  view.needed = 200;
  trigger.evidence = view;
  decision.as_of += hours(1);
  decision.action = Action::rollback;
  decision.verdict = Verdict::FAIL;
  decision.next_percent = 0;
  decision.patch["DAG_ROLLOUT_PERCENT"] = {"10", "0"};
  decision.reasons = {trigger.reason};
  decision.triggers = {trigger};
  record.add(decision);
  record.findings = {{{kAsOf, kAsOf + hours(3)}, kAsOf + hours(1)},
                     {{kAsOf + hours(5), kAsOf + hours(6)}, std::nullopt}};
  return record;
}

ReplayReport make_report() {
  ReplayReport report{kAsOf + hours(10), {kAsOf, kAsOf + hours(8)}, hours(1), {}};
  report.records = {make_record("a.json"), make_record("b.json")};
  ThresholdReport thresholds;
  thresholds.most_a_month = 2.5;
  thresholds.each = {{"success_drop_pp", 10.0, 7.25, "", 1, report.records[0].findings},
                     {"error_ratio", std::nullopt, std::nullopt, "why not", 0, {}}};
  thresholds.findings = report.records[0].findings;
  report.records[1].thresholds = thresholds;
  return report;
}

}  // namespace

TEST_CASE("a replay document is valid by its schema and survives its text") {
  const Json document = replay_to_json(make_report());
  CHECK_NOTHROW(validate_schema(document, "policy_replay", "replay"));
  const std::string text = to_pretty_json(document);
  CHECK(to_pretty_json(parse_json(text, "replay")) == text);
  const Json& first = document.find("configurations")->as_array().front();
  CHECK(first.find("rollback")->as_integer() == 1);
  CHECK(first.find("suggestion")->is_null());
  const Json& alarm = first.find("alarms")->as_array().front();
  CHECK(alarm.find("triggers")->as_array().front().find("e_value")->as_number() == 1e300);
  const Json& missed = first.find("regressions")->as_array()[1];
  CHECK(missed.find("delay_seconds")->is_null());
  CHECK(first.find("regressions")->as_array()[0].find("delay_seconds")->as_integer() == 3600);
}

TEST_CASE("the fragment holds the thresholds that are suggested, and no others") {
  CHECK(to_compact_json(suggested_config(*make_report().records[1].thresholds)) ==
        R"({"decision":{"triggers":{"success_drop_pp":7.25}}})");
}

TEST_CASE("the page compares, and tells each alarm, change and marked regression") {
  const std::string text = render_text(compose_replay_page(make_report()));
  for (const char* words :
       {"configuration  ticks  promote  hold  rollback  without data  unconfirmed  alarms  first "
        "alarm",
        "a.json         2      0        1     1         0             0            1       2026-",
        "after 1 h 0 min", "missed", "success_drop", "10 % -> 0 %", "too few", "7.25", "why not"}) {
    CHECK_THAT(text, Catch::Contains(words));
  }
}

TEST_CASE("no text of a replay commands a terminal or breaks a table") {
  const Page page = compose_replay_page(make_report());
  CHECK(render_text(page).find('\x1b') == std::string::npos);
  const std::string markdown = render_markdown(page);
  CHECK_THAT(markdown, Catch::Contains("70 % \\| of \\<b>"));
  CHECK(markdown.find('\x1b') == std::string::npos);
}
