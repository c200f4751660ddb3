#include "dagloop/config/config.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

using namespace dagloop;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

Config read(const std::string& text) { return parse_config(parse_json(text, "c.json"), "c.json"); }

/// Returns the message that reading `text` ends with; empty when it is fine.
std::string fault_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    CHECK(exit_code(error.kind()) == ExitCode::usage);
    return error.what();
  }
  return "";
}

struct BadValue {
  std::string text;
  std::string named;  // what the message must name
};

}  // namespace

TEST_CASE("an empty configuration has the documented defaults") {
  const Config config = read("{}");
  CHECK(config.window == hours(24));
  CHECK(config.baseline.kind == BaselineKind::automatic);
  CHECK(config.input.sources.empty());
  CHECK(config.input.mapping.empty());
  CHECK(config.input.rollup.empty());
  CHECK(config.input.limits.max_malformed_share == 0.01);
  CHECK(config.input.limits.max_age == hours(6));
  CHECK(config.input.future_skew == minutes(5));
  CHECK(config.input.run_horizon == hours(24));
  CHECK(config.input.dedupe == Dedupe::runs);
  CHECK(config.gate.size() == 3);
  CHECK(config.decision.ladder == std::vector<int>{0, 10, 30, 60, 100});
  CHECK(config.decision.rollout_key == "DAG_ROLLOUT_PERCENT");
  CHECK(config.decision.soak == hours(6));
  CHECK(config.decision.cooldown == hours(24));
  CHECK(config.policy.env_file.empty());
  CHECK(config.policy.allowlist == "config/policy_allowlist.json");
  CHECK(config.policy.rules == "config/policy_rules.json");
  CHECK(config.policy.approvers == "config/approvers.json");
  CHECK(config.policy.approvals_dir.empty());  // follows reports.dir
  CHECK(config.policy.approval_ttl == hours(24));
  CHECK(config.policy.people == ApprovalDemand::People::one);
  CHECK(config.policy.reload.empty());
  CHECK(config.policy.reload_timeout == std::chrono::seconds(30));
  CHECK(config.policy.symlinks == Symlinks::refuse);
  CHECK(config.policy.trusted_group.empty());
  CHECK(config.file.empty());
  CHECK(config.state == "sqlite:state/dagloop.db");
  CHECK(config.reports.dir == "reports");
  CHECK(config.reports.formats.size() == 3);
  CHECK(config.reports.retention == hours(24 * 90));
}

TEST_CASE("every key of the configuration is read, comments included") {
  const Config config = read(R"({
    // a whole configuration
    "$schema": "config.schema.json", "window": "6h", "baseline": "control",
    "input": {"sources": ["a.jsonl", "logs/"], "mapping": "m.json", "rollup": "sqlite:r.db",
              "max_malformed_share": 0.5,
              "max_age": "2h", "future_skew": "1m", "lateness": "1h", "run_horizon": "2d",
              "dedupe": "records"},
    "error_classes": {"auth": ["DENIED"]},
    "gate": {"checks": [{"kpi": "fallback_rate", "comparator": "<", "threshold": 0.25}]},
    "decision": {"ladder": [0, 50, 100], "rollout_key": "SHARE", "evidence": "point",
                 "min_sample": 7, "promotion_margin_pp": 1.5, "soak": "1h", "cooldown": "2h",
                 "triggers": {"success_drop_pp": null, "p95_ms": 900}},
    "policy": {"env_file": "e.env", "allowlist": "a.json", "rules": "r.json",
               "approvers": "who.json", "approvals_dir": "ok", "approval_ttl": "30m",
               "approval_people": 2, "reload": ["svc", "reload"], "reload_timeout": "5s",
               "symlinks": "same_tree", "trusted_group": "ops"},
    /* where the loop remembers */ "state": "sqlite:s.db",
    "reports": {"dir": "out", "formats": ["md", "json"], "retention": "7d", "language": "en"}
  })");
  CHECK(config.window == hours(6));
  CHECK(config.baseline.kind == BaselineKind::control);
  CHECK(config.input.sources == std::vector<std::string>{"a.jsonl", "logs/"});
  CHECK(config.input.mapping == "m.json");
  CHECK(config.input.rollup == "sqlite:r.db");
  CHECK(config.input.limits.max_malformed_share == 0.5);
  CHECK(config.input.limits.max_age == hours(2));
  CHECK(config.input.future_skew == minutes(1));
  CHECK(config.input.run_horizon == hours(48));
  CHECK(config.input.dedupe == Dedupe::records);
  CHECK(config.error_classes.classify("DENIED") == ErrorClass::auth);
  REQUIRE(config.gate.size() == 1);
  CHECK(config.gate.front().kpi == "fallback_rate");
  CHECK(config.gate.front().comparator == Comparator::below);
  CHECK(config.decision.ladder == std::vector<int>{0, 50, 100});
  CHECK(config.decision.rollout_key == "SHARE");
  CHECK(config.decision.min_sample == 7);
  CHECK(config.decision.promotion_margin_pp == 1.5);
  CHECK(config.decision.soak == hours(1));
  CHECK(config.decision.cooldown == hours(2));
  CHECK_FALSE(config.decision.triggers.success_drop_pp);
  CHECK(config.decision.triggers.p95_ms == 900.0);
  CHECK(config.policy.env_file == "e.env");
  CHECK(config.policy.allowlist == "a.json");
  CHECK(config.policy.rules == "r.json");
  CHECK(config.policy.approvers == "who.json");
  CHECK(config.policy.approvals_dir == "ok");
  CHECK(config.policy.approval_ttl == minutes(30));
  CHECK(config.policy.people == ApprovalDemand::People::two);
  CHECK(config.policy.reload == std::vector<std::string>{"svc", "reload"});
  CHECK(config.policy.reload_timeout == std::chrono::seconds(5));
  CHECK(config.policy.symlinks == Symlinks::same_tree);
  CHECK(config.policy.trusted_group == "ops");
  CHECK(config.state == "sqlite:s.db");
  CHECK(config.reports.dir == "out");
  CHECK(config.reports.formats == std::vector{ReportFormat::md, ReportFormat::json});
  CHECK(config.reports.retention == hours(24 * 7));
}

TEST_CASE("a bad configuration is refused with file and key") {
  const std::vector<BadValue> cases{
      {R"({"windw": "1d"})", "windw"},
      {R"({"window": "7m"})", "window"},
      {R"({"window": "0h"})", "window"},
      {R"({"window": 24})", "window"},
      {R"({"baseline": "best"})", "baseline"},
      {R"({"input": {"source": []}})", "source"},
      {R"({"input": {"sources": "a.jsonl"}})", "input"},
      {R"({"input": {"max_malformed_share": 1}})", "max_malformed_share"},
      {R"({"input": {"max_malformed_share": -0.1}})", "max_malformed_share"},
      {R"({"input": {"max_age": "-6h"}})", "max_age"},
      {R"({"input": {"lateness": "late"}})", "lateness"},
      {R"({"input": {"dedupe": "all"}})", "dedupe"},
      {R"({"error_classes": {"weather": ["RAIN"]}})", "weather"},
      {R"({"gate": {"checks": [{"kpi": "x", "comparator": ">=", "threshold": 1}]}})", "kpi"},
      {R"({"decision": {"ladder": [10]}})", "ladder"},
      {R"({"decision": {"evidence": "bayes"}})", "evidence"},
      {R"({"policy": {"approval_people": 3}})", "approval_people"},
      {R"({"policy": {"reload": "systemctl reload x"}})", "reload"},
      {R"({"policy": {"env": "x"}})", "env"},
      {R"({"policy": {"symlinks": "follow"}})", "symlinks"},
      {R"({"policy": {"trusted_group": ""}})", "trusted_group"},
      {R"({"policy": {"trusted_group": 7}})", "trusted_group"},
      {R"({"reports": {"formats": ["pdf"]}})", "formats"},
      {R"({"reports": {"language": "de"}})", "language"},
      {R"({"state": 7})", "state"},
      {R"([])", "c.json"},
  };
  for (const BadValue& bad : cases) {
    CAPTURE(bad.text);
    const std::string fault = fault_of(bad.text);
    CHECK_THAT(fault, Catch::Contains(bad.named));
    CHECK_THAT(fault, Catch::Contains("; "));
  }
}

TEST_CASE("a baseline is a word or a period on slot boundaries") {
  CHECK(parse_baseline("auto", "f").kind == BaselineKind::automatic);
  CHECK(parse_baseline("previous", "f").kind == BaselineKind::previous);
  CHECK(parse_baseline("control", "f").kind == BaselineKind::control);
  const BaselineSpec period = parse_baseline("2026-02-01T00:00:00Z..2026-02-02T00:05:00Z", "f");
  CHECK(period.kind == BaselineKind::period);
  REQUIRE(period.period);
  CHECK(period.period->start == parse_time("2026-02-01T00:00:00Z"));
  CHECK(period.period->length() == hours(24) + minutes(5));
}

TEST_CASE("a baseline that is neither is refused, naming where it was given") {
  for (const char* text :
       {"", "best", "..", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z..",
        "2026-02-02T00:00:00Z..2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z..2026-02-01T00:00:00Z",
        "2026-02-01T00:01:00Z..2026-02-02T00:00:00Z", "2026-02-01..2026-02-02"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse_baseline(text, "--baseline"),
                      Catch::StartsWith("usage: --baseline: ") && Catch::Contains("T1..T2"));
  }
}

TEST_CASE("formats are read in the order given") {
  CHECK(parse_formats("html,json") == std::vector{ReportFormat::html, ReportFormat::json});
  CHECK(parse_formats("md") == std::vector{ReportFormat::md});
  CHECK_THROWS_WITH(parse_formats("md,pdf"), Catch::Contains("\"pdf\""));
  CHECK_THROWS_WITH(parse_formats("md,,json"), Catch::Contains("formats"));
}

TEST_CASE("a window is a positive multiple of the slot") {
  CHECK(checked_window(minutes(5), "w") == minutes(5));
  CHECK(checked_window(hours(24 * 7), "w") == hours(24 * 7));
  for (const Microseconds bad :
       {Microseconds(0), Microseconds(minutes(-5)), Microseconds(minutes(7)), Microseconds(1)}) {
    CHECK_THROWS_WITH(checked_window(bad, "--window"), Catch::StartsWith("usage: --window: "));
  }
}

TEST_CASE("approvals are looked for among the reports, wherever these are, unless told otherwise") {
  Config config;
  settle_directories(config);
  CHECK(config.policy.approvals_dir == "reports");
  config = Config();
  config.reports.dir = "elsewhere";
  settle_directories(config);
  CHECK(config.policy.approvals_dir == "elsewhere");
  config.policy.approvals_dir = "ok";
  settle_directories(config);
  CHECK(config.policy.approvals_dir == "ok");
}
