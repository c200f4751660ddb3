// dag_optimization_cycle: one tick of the loop; a dry run unless --apply.
#include "as_of_flag.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/base/process_runner.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/drill.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/cycle/tick.hpp"
#include "dagloop/report/env_explanation.hpp"
#include "dagloop/state/state_store.hpp"
#include "progress_line.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string as_of;
  bool apply = false;
  bool drill = false;
  bool explain_env = false;
  bool json = false;
};

std::string printed(const Flags& flags, const Config& config, const TickResult& result) {
  Json::Array notes;
  for (const std::string& note : result.notes) notes.emplace_back(note);
  if (flags.json) {
    return to_pretty_json(Json::object(
        {{"schema", "dagloop.tick_result/1"},
         {"mode", flags.apply ? "apply" : "dry_run"},
         {"exit_code", static_cast<int>(result.code)},
         {"phase", to_string(result.phase)},
         {"notes", std::move(notes)},
         {"story", result.story},
         {"next", Json::object({{"what", result.next.what}, {"command", result.next.command}})},
         {"last_rollback", rollback_timing_to_json(result.last_rollback)},
         {"decision", result.decision}}));
  }
  std::string text = result.headline + "\n";
  if (!result.story.empty()) text += indented({result.story});
  text += indented(result.wrong);
  text += result.why;
  for (const std::string& note : result.notes) text += note + "\n";
  return text + "report: " + config.reports.dir + "/dag_quality_latest.md\n" +
         next_lines(result.next);
}

// What is in force, or written, whether it can be printed or not.
std::vector<std::string> done_by(const Flags& flags, const Config& config,
                                 const TickResult& result) {
  std::vector<std::string> done;
  if (flags.apply) {
    done = {"the tick is done (" + std::string(to_string(result.phase)) + ", exit code " +
            std::to_string(static_cast<int>(result.code)) + ")"};
    done.insert(done.end(), result.notes.begin(), result.notes.end());
  }
  if (result.faults.empty()) done.push_back("its report is in " + config.reports.dir);
  return done;
}

ExitCode run_drill(const Flags& flags, FileSystem& files, const Config& config) {
  check_rehearsable(files, config);
  PosixProcessRunner processes;
  const SystemClock clock;
  const auto state = open_state(config.state, StateAccess::read_only,
                                {config.policy.symlinks, config.policy.trusted_group});
  const auto rehearsal = open_state(drill_state_uri(config.state), StateAccess::read_write,
                                    {Symlinks::refuse, config.policy.trusted_group});
  const DrillResult result =
      rehearse_rollback({files, clock, config, *state, *rehearsal, processes});
  remove_drill_state(files, config.state);
  const Json document = drill_to_json(result);
  publish(files, config.reports, result.at,
          {{"dag_rollback_drill", "json", to_pretty_json(document)}}, OldReports::kept);
  print(flags.json ? to_pretty_json(document) : drill_text(result, config),
        {"the drill's report is in " + config.reports.dir});
  return ExitCode::done;
}

// A fault is the answer here, not what kept the tool from giving one.
ExitCode run_explain_env(const Flags& flags, FileSystem& files, const Config& config) {
  const PolicyConfig& policy = config.policy;
  const EnvFile env = read_env_file(files, policy.env_file, policy.symlinks);
  const auto keys = read_allowlist(files, policy).names();
  const EnvExplanation found{policy.env_file, policy.loader, explain_env(env, policy.loader, keys),
                             loader_fault(env, policy.loader, keys)};
  print(flags.json ? to_pretty_json(env_explanation_to_json(found)) : env_explanation_text(found));
  if (!found.fault) return ExitCode::done;
  log_warning(found.fault->error.what());
  return exit_code(found.fault->error.kind());
}

ExitCode run(const Flags& flags) {
  PosixFileSystem files;
  PosixProcessRunner processes;
  const SystemClock clock;
  const Config config = load_config(files, flags.config);
  if (flags.apply && is_last(flags.as_of)) {
    throw Error(ErrorKind::usage, "--as-of last",
                "cannot be combined with --apply: a change belongs to the present, not to the time "
                "at which the log happens to end",
                "leave out --apply for a dry run, or leave out --as-of");
  }
  if (flags.explain_env) return run_explain_env(flags, files, config);
  // Whoever may write the configuration names the command that a change runs.
  if (flags.apply || flags.drill) guard_config(files, flags.config);
  if (flags.drill) return run_drill(flags, files, config);
  const auto source = configured_source(files, config, progress_line, log_warning);
  const auto store =
      // A dry run cannot write the state, whatever it does.
      open_state(config.state, flags.apply ? StateAccess::read_write : StateAccess::read_only,
                 {config.policy.symlinks, config.policy.trusted_group,
                  flags.apply ? OnDoubt::tell : OnDoubt::refuse});
  const TickResult result = run_tick({files, processes, *store, *source, clock, config},
                                     flags.apply ? TickMode::apply : TickMode::dry_run,
                                     as_of_flag(flags.as_of, files, config, clock));
  for (const std::string& fault : result.faults) log_warning(fault);
  print(printed(flags, config, result), done_by(flags, config, result));
  return result.code;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"dag_optimization_cycle",
       "Runs one tick of the loop: evaluate, gate, decide, apply or verify. Dry run "
       "unless --apply.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config,
                          {FlagGroup::source, FlagGroup::env_file, FlagGroup::state, FlagGroup::out,
                           FlagGroup::formats});
         app.add_option("--as-of", flags.as_of,
                        "time to decide at: RFC 3339, or last: right after the newest record or "
                        "unread line, in a dry run (default: now)");
         auto* apply = app.add_flag("--apply", flags.apply,
                                    "write env file and state; without it nothing changes");
         auto* drill = app.add_flag(
             "--drill", flags.drill,
             "rehearse a rollback on a copy of env file and state, and measure its time");
         drill->excludes(apply);
         app.add_flag("--explain-env", flags.explain_env,
                      "show what every loader of env files makes of the allowlist's keys")
             ->excludes(apply)
             ->excludes(drill);
         app.add_flag("--json", flags.json, "print the tick's result as a document");
       },
       [&] { return run(flags); }});
}
