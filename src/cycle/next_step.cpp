#include "dagloop/cycle/next_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// The flags that each tool takes, of those that lead to a configuration; the cycle takes all.
struct Takes {
  std::string_view tool;
  std::string_view flags;  // each behind a space, and one at the end
};

constexpr std::array<Takes, 5> kTakes{{
    {"eval_dag_quality",
     " --config --source --window --baseline --mapping --dedupe --rollup --out --formats "},
    {"dag_quality_gate",
     " --config --source --window --baseline --mapping --dedupe --rollup --out "},
    {"decide_dag_policy", " --config --env-file --state --out "},
    // Its --out is where the approval goes.
    {"approve_dag_policy", " --config "},
    {"apply_dag_policy", " --config --env-file --state "},
}};

bool takes(std::string_view tool, const std::string& flag) {
  for (const Takes& each : kTakes) {
    if (each.tool == tool) return each.flags.find(" " + flag + " ") != std::string_view::npos;
  }
  return true;
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string tick_command(const TickEnd& end) {
  return command_of(end.config, "dag_optimization_cycle",
                    end.mode == TickMode::apply ? std::vector<std::string>{"--apply"}
                                                : std::vector<std::string>{});
}

std::string applying_tick(const TickEnd& end) {
  return command_of(end.config, "dag_optimization_cycle", {"--apply"});
}

bool ends_with_any(const std::vector<Reason>& reasons, std::string_view ending) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const Reason& each) { return each.code.ends_with(ending); });
}

// When what is waited for is there: the latest of what the reasons say, and whether that is sure.
struct Due {
  TimePoint at;
  bool is_forecast = false;
};

std::optional<Due> due_of(const std::vector<Reason>& reasons, TimePoint now) {
  constexpr double kMost_s = 1e9;  // beyond it no time is told
  std::optional<Due> due;
  const auto keep = [&](Due found) {
    if (found.at > now && (!due || found.at > due->at)) due = found;
  };
  for (const Reason& reason : reasons) {
    const ReasonValue* until = find_arg(reason, "until");
    const auto* at = until == nullptr ? nullptr : std::get_if<TimePoint>(until);
    // Records up to then are counted; that is no time to wait for.
    if (at != nullptr && reason.code != "evidence_not_sealed") keep({*at, false});
    const ReasonValue* wait = find_arg(reason, "wait_s");
    const auto* wait_s = wait == nullptr ? nullptr : std::get_if<double>(wait);
    if (wait_s == nullptr || !(*wait_s < kMost_s)) continue;
    const std::chrono::minutes minutes(std::llround(std::ceil(*wait_s / 60)));
    keep({std::chrono::floor<std::chrono::minutes>(now) + minutes, true});
  }
  return due;
}

NextStep wait_and_look(const TickEnd& end, const std::vector<Reason>& reasons,
                       const std::string& what) {
  const auto due = due_of(reasons, end.now);
  if (!due) return {what + "; the next tick looks again", tick_command(end)};
  return {fmt::format("{}; {} {} on a tick can tell", what,
                      due->is_forecast ? "from about" : "from", format_time(due->at)),
          tick_command(end)};
}

NextStep begin_anew(const TickEnd& end) {
  std::string what = "mend the cause; then a person begins a new rollout";
  if (end.cooldown_until && end.now < *end.cooldown_until) {
    what += ", after the cool-down until " + format_time(*end.cooldown_until);
  }
  return {what, command_of(end.config, "apply_dag_policy",
                           {"--new-rollout", "--why", "TEXT", "--apply"})};
}

std::string approve_command(const Config& config, const std::string& decision) {
  std::vector<std::string> arguments{"--decision", decision, "--as", "NAME", "--key", "FILE"};
  if (config.policy.approvals_dir != config.reports.dir) {
    arguments.insert(arguments.end(), {"--out", config.policy.approvals_dir});
  }
  return command_of(config, "approve_dag_policy", arguments);
}

NextStep to_approve(const TickEnd& end) {
  if (end.readiness == TickEnd::Readiness::unready) {
    return {"mend what is named above; the tick after that proposes it", tick_command(end)};
  }
  if (end.readiness == TickEnd::Readiness::no_approvers) {
    return {"make a key, and put the entry that this prints into " + end.config.policy.approvers,
            "approve_dag_policy --init-key --key FILE --as NAME"};
  }
  // Only what the state holds as proposed can be approved and applied.
  if (!end.approve_until) return {"let a tick with --apply propose it", applying_tick(end)};
  return approve_step(end.config, decision_path(end.config), *end.approve_until);
}

std::string tried_again(const TickEnd& end, const std::string& what) {
  return what + "; the loop tries again after the cool-down" +
         (end.cooldown_until ? ", from " + format_time(*end.cooldown_until) + " on" : "");
}

NextStep after_rollback(const TickEnd& end) {
  if (end.decision.patch.empty()) {
    return {"no way back is known, so a person has to act; see what is in force",
            command_of(end.config, "apply_dag_policy", {"--status"})};
  }
  if (!end.is_made) return {"roll back at once; no approval is needed", applying_tick(end)};
  if (ends_with_any(end.decision.reasons, "_fired")) return begin_anew(end);
  return {tried_again(end, "mend the cause"), tick_command(end)};
}

// What stands against a change, the most urgent first, and what is to be done about it.
struct Remedy {
  std::string_view ending;  // of a reason's code
  std::string_view what;
};

constexpr std::array<Remedy, 11> kRemedies{{
    {"no_data", "mend what writes the log"},
    {"data_stale", "mend what writes the log"},
    {"malformed_share_above_limit", "mend the lines that could not be read"},
    {"no_comparable_runs", "send the same pipelines and plan sources to both sides"},
    {"no_cohorts", "write the field `cohort` into each run"},
    {"no_canary_runs", "see that runs go to the canary, and that their `cohort` says canary"},
    {"no_control_runs", "see that runs go past the canary, and that their `cohort` says control"},
    {"gate_fail", "find what fails in the report, and mend it"},
    {"canary_share_too_high", "mend what sends runs to the canary"},
    {"unreadable_records_could_change_this", "mend the lines that could not be read"},
    {"_unconfirmed", "nothing to do until it is sure"},
}};

NextStep after_hold(const TickEnd& end) {
  std::vector<Reason> reasons = end.decision.reasons;
  reasons.insert(reasons.end(), end.waits_for.begin(), end.waits_for.end());
  if (has_reason(reasons, "excluded_by_evidence")) return begin_anew(end);
  for (const Remedy& each : kRemedies) {
    if (ends_with_any(reasons, each.ending)) {
      return wait_and_look(end, {}, std::string(each.what));
    }
  }
  return wait_and_look(end, reasons, "nothing to do");
}

}  // namespace

std::string next_lines(const NextStep& next) {
  return "next: " + escape_controls(next.what) + "\n  " + escape_controls(next.command) + "\n";
}

std::string next_sentence(const NextStep& next) {
  return "Next: " + next.what + ": " + next.command;
}

std::string command_of(const Config& config, std::string_view tool,
                       const std::vector<std::string>& arguments) {
  std::string text(tool);
  for (const GivenFlag& flag : config.given) {
    if (!takes(tool, flag.name)) continue;
    text += " " + flag.name + " " + quoted(redact_uri(flag.value));
  }
  for (const std::string& argument : arguments) text += " " + quoted(argument);
  return text;
}

std::string decision_path(const Config& config) {
  return config.reports.dir + "/dag_policy_decision_latest.json";
}

NextStep approve_step(const Config& config, const std::string& decision, TimePoint until) {
  return {"approve it until " + format_time(until) + "; the tick after that applies it",
          approve_command(config, decision)};
}

NextStep next_after(const TickEnd& end) {
  if (end.is_interrupted) {
    return {"finish or undo the change that was interrupted", applying_tick(end)};
  }
  if (end.code == ExitCode::attention && has_reason(end.decision.reasons, std::string(kDeclined))) {
    return {
        "look for what changed, in the service and in what it depends on; where the policy is "
        "not to blame, a person begins anew from the present figures",
        command_of(end.config, "apply_dag_policy", {"--new-rollout", "--why", "TEXT", "--apply"})};
  }
  if (end.code == ExitCode::attention) {
    return {"mend what keeps the runs from being judged, or take the change back",
            command_of(end.config, "apply_dag_policy", {"--rollback", "--apply"})};
  }
  if (end.is_taken_back) return {tried_again(end, "mend the reload hook"), tick_command(end)};
  const bool needs_approval = end.decision.approval == Decision::Approval::required;
  if (end.is_approved)
    return {"it is approved; let a tick with --apply apply it", applying_tick(end)};
  if (!end.decision.patch.empty() && needs_approval && !end.is_made) return to_approve(end);
  if (end.decision.action == Action::rollback) return after_rollback(end);
  if (end.is_made) {
    return {"nothing to do; the next ticks verify the change by its runs", tick_command(end)};
  }
  return after_hold(end);
}

}  // namespace dagloop
