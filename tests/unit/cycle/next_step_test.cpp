// What an operator is told to do next, and the command for it.
#include "dagloop/cycle/next_step.hpp"

#include <catch2/catch.hpp>

namespace dagloop {
namespace {

const TimePoint kTickTime = *parse_time("2026-02-25T06:00:00Z");
const TimePoint kLater = *parse_time("2026-02-25T14:00:00Z");

/// The end of a tick that writes, with the decision to hold.
struct End {
  Config config;
  Decision decision;
  TickEnd end{config, decision, TickMode::apply, ExitCode::done, kTickTime};

  End() {
    config.given = {{"--config", "dagloop.json"}};
    config.policy.approvals_dir = config.reports.dir;
  }
  std::string command() const { return next_after(end).command; }
  std::string what() const { return next_after(end).what; }
};

}  // namespace

TEST_CASE("a command takes the flags that its tool has, in the order of the configuration") {
  Config config;
  config.given = {{"--config", "a.json"},
                  {"--source", "logs/*.jsonl"},
                  {"--state", "sqlite:s.db"},
                  {"--out", "out dir"}};
  CHECK(command_of(config, "apply_dag_policy", {"--rollback", "--apply"}) ==
        "apply_dag_policy --config a.json --state sqlite:s.db --rollback --apply");
  CHECK(command_of(config, "dag_quality_gate", {}) ==
        "dag_quality_gate --config a.json --source 'logs/*.jsonl' --out 'out dir'");
  CHECK(command_of(config, "dag_optimization_cycle", {}) ==
        "dag_optimization_cycle --config a.json --source 'logs/*.jsonl' --state sqlite:s.db --out "
        "'out dir'");
}

TEST_CASE("no command shows a password, and a quote within a path stays within") {
  Config config;
  config.given = {{"--state", "postgresql://loop:hunter2@db/loop"}, {"--env-file", "it's.env"}};
  CHECK(command_of(config, "apply_dag_policy", {}) ==
        "apply_dag_policy --state 'postgresql://loop:***@db/loop' --env-file 'it'\\''s.env'");
}

TEST_CASE("what comes last on a terminal is the command alone") {
  CHECK(next_lines({"approve it", "approve_dag_policy --as NAME"}) ==
        "next: approve it\n  approve_dag_policy --as NAME\n");
  CHECK(next_sentence({"approve it", "approve_dag_policy --as NAME"}) ==
        "Next: approve it: approve_dag_policy --as NAME");
}

TEST_CASE("a hold says until when there is nothing to do") {
  End end;
  end.decision.reasons = {{"soak_not_over", {{"since", kTickTime}, {"until", kLater}}}};
  CHECK(end.what() == "nothing to do; from 2026-02-25T14:00:00Z on a tick can tell");
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json --apply");
  end.decision.reasons.push_back({"canary_sample_insufficient", {{"wait_s", 36'000.0}}});
  CHECK(end.what() == "nothing to do; from about 2026-02-25T16:00:00Z on a tick can tell");
  end.end.mode = TickMode::dry_run;
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json");
}

TEST_CASE("a forecast beyond all sense gives no time") {
  End end;
  end.decision.reasons = {{"canary_sample_insufficient", {{"wait_s", 1e300}}}};
  CHECK(end.what() == "nothing to do; the next tick looks again");
}

TEST_CASE("a hold names what has to be mended before any tick can go on") {
  End end;
  for (const auto& [code, what] : std::vector<std::pair<std::string, std::string>>{
           {"data_stale", "mend what writes the log"},
           {"no_data", "mend what writes the log"},
           {"malformed_share_above_limit", "mend the lines that could not be read"},
           {"no_cohorts", "write the field `cohort` into each run"},
           {"gate_fail", "find what fails in the report, and mend it"},
           {"success_drop_unconfirmed", "nothing to do until it is sure"}}) {
    end.decision.reasons = {{code}};
    CHECK(end.what() == what + "; the next tick looks again");
  }
  end.decision.reasons = {{"change_under_verification"}};
  end.end.waits_for = {{"data_stale"}};
  CHECK(end.what() == "mend what writes the log; the next tick looks again");
}

TEST_CASE("a change that needs an approval leads to its approval") {
  End end;
  end.decision.action = Action::promote;
  end.decision.patch = {{"DAG_ROLLOUT_PERCENT", {"10", "30"}}};
  CHECK(end.what() == "let a tick with --apply propose it");
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json --apply");
  end.end.approve_until = kLater;
  CHECK(end.what() == "approve it until 2026-02-25T14:00:00Z; the tick after that applies it");
  CHECK(end.command() ==
        "approve_dag_policy --config dagloop.json --decision "
        "reports/dag_policy_decision_latest.json --as NAME --key FILE");
  end.config.policy.approvals_dir = "approvals";
  CHECK(end.command().ends_with(" --key FILE --out approvals"));
  end.end.readiness = TickEnd::Readiness::unready;
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json --apply");
  end.end.readiness = TickEnd::Readiness::no_approvers;
  CHECK(end.command() == "approve_dag_policy --init-key --key FILE --as NAME");
}

TEST_CASE("a way back that needs no approval leads to the tick that takes it") {
  End end;
  end.decision.action = Action::rollback;
  end.decision.approval = Decision::Approval::not_required;
  end.decision.reasons = {{"success_drop_fired"}};
  end.decision.patch = {{"DAG_ROLLOUT_PERCENT", {"10", "0"}}};
  end.end.mode = TickMode::dry_run;
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json --apply");
  end.end.mode = TickMode::apply;
  end.end.is_made = true;
  end.end.cooldown_until = kLater;
  CHECK(end.what() ==
        "mend the cause; then a person begins a new rollout, after the cool-down until "
        "2026-02-25T14:00:00Z");
  CHECK(end.command() == "apply_dag_policy --config dagloop.json --new-rollout --why TEXT --apply");
  end.decision.patch.clear();
  end.end.is_made = false;
  CHECK(end.command() == "apply_dag_policy --config dagloop.json --status");
}

TEST_CASE("a change whose reload hook failed is not approved again, the hook is mended") {
  End end;
  end.decision.action = Action::promote;
  end.decision.patch = {{"DAG_ROLLOUT_PERCENT", {"10", "30"}}};
  end.end.code = ExitCode::rolled_back;
  end.end.is_taken_back = true;
  end.end.cooldown_until = kLater;
  CHECK(end.what() ==
        "mend the reload hook; the loop tries again after the cool-down, from "
        "2026-02-25T14:00:00Z on");
  CHECK(end.command() == "dag_optimization_cycle --config dagloop.json --apply");
}

TEST_CASE("whoever has to act is told how to take the change back") {
  End end;
  end.end.code = ExitCode::attention;
  CHECK(end.command() == "apply_dag_policy --config dagloop.json --rollback --apply");
  // A decline is no evidence against the policy: to go back may mend nothing.
  end.decision.reasons = {{std::string(kDeclined)}};
  CHECK_THAT(end.what(), Catch::StartsWith("look for what changed, ") &&
                             Catch::EndsWith("a person begins anew from the present figures"));
  CHECK(end.command() == "apply_dag_policy --config dagloop.json --new-rollout --why TEXT --apply");
}

}  // namespace dagloop
