// apply_dag_policy: an approved decision -> the env file; rollback, status, journal verification.
#include "dagloop/base/clock.hpp"
#include "dagloop/base/process_runner.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/hand_proposal.hpp"
#include "dagloop/cycle/journal_check.hpp"
#include "dagloop/cycle/manual_change.hpp"
#include "dagloop/cycle/next_step.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/state/state_store.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string decision;
  std::vector<std::string> approvals;
  std::string actor = "apply_dag_policy";
  bool apply = false;
  bool propose = false;
  bool rollback = false;
  bool accept_clock = false;
  bool new_rollout = false;
  std::string why;
  bool status = false;
  bool verify_journal = false;
  std::string head;
  std::string head_file;
  bool json = false;
};

ExitCode verify_journal(FileSystem& files, StateStore& store, const Flags& flags,
                        const std::string& where) {
  KeptHead kept{std::nullopt, flags.head_file};
  if (!flags.head.empty()) kept.head = head_flag(flags.head, "--head");
  const JournalCheck check = check_journal(files, store, where, kept);
  std::vector<std::string> done;
  if (!flags.head_file.empty()) done.push_back(flags.head_file + " has the present head");
  print("journal intact: " + std::to_string(check.entry_count) + " entries, head " +
            to_string(check.head) + "\n",
        done);
  if (check.made_file) log_warning(flags.head_file + " did not exist: nothing to compare with yet");
  return ExitCode::done;
}

NeededFiles given_files(const Flags& flags) {
  NeededFiles given{{flags.decision, "decision file"}};
  for (const std::string& path : flags.approvals) given.push_back({path, "approval file"});
  return given;
}

// What is missing is named at once. Only an approval takes approvers: the way back goes without.
void check_files(const Flags& flags, FileSystem& files, const PolicyConfig& policy) {
  NeededFiles needed = together(given_files(flags), policy_files(policy));
  if (!flags.approvals.empty()) needed.push_back(approvers_file(policy));
  check_present(files, needed);
}

ManualResult change(const Flags& flags, const ChangeContext& context, FileSystem& files) {
  const TickMode mode = flags.apply ? TickMode::apply : TickMode::dry_run;
  if (flags.accept_clock) return accept_clock(context, mode);
  if (!flags.rollback && !flags.new_rollout && flags.decision.empty()) {
    throw Error(ErrorKind::usage, "--decision", "is missing",
                "give --decision FILE, --rollback, --new-rollout, --status or --verify-journal");
  }
  check_files(flags, files, context.config.policy);
  if (flags.new_rollout) return begin_new_rollout(context, mode, flags.why);
  if (flags.rollback) return roll_back_policy(context, mode);
  if (flags.propose) {
    return propose_decision(context, mode, read_document(files, flags.decision, "decision"));
  }
  std::vector<Approval> approvals;
  for (const std::string& path : flags.approvals) {
    approvals.push_back(
        path == "-" ? approval_from_json(read_document(files, path, "approval"), "standard input")
                    : read_approval(files, path, context.config.policy.symlinks));
  }
  return apply_decision(context, mode, read_document(files, flags.decision, "decision"), approvals);
}

std::string printed(const Flags& flags, const Config& config, const ManualResult& result) {
  constexpr const char* kTool = "apply_dag_policy";
  Json::Array notes;
  for (const std::string& note : result.notes) notes.emplace_back(note);
  if (flags.json) {
    return to_pretty_json(Json::object({{"schema", "dagloop.apply_result/1"},
                                        {"mode", flags.apply ? "apply" : "dry_run"},
                                        {"exit_code", static_cast<int>(result.code)},
                                        {"diff", result.diff},
                                        {"notes", std::move(notes)}}));
  }
  std::string text = result.diff;
  for (const std::string& note : result.notes) text += note + "\n";
  if (flags.apply && result.approve_until) {
    const std::string decision = flags.decision == "-" ? decision_path(config) : flags.decision;
    return text + next_lines(approve_step(config, decision, *result.approve_until));
  }
  if (!flags.rollback) return text;
  if (!flags.apply) {
    return text + next_lines({"go back, if this is what you want",
                              command_of(config, kTool, {"--rollback", "--apply"})});
  }
  return text + next_lines({"see what is in force, and until when it cools down",
                            command_of(config, kTool, {"--status"})});
}

// What is in force, whether it can be printed or not.
std::vector<std::string> done_by(const Flags& flags, const ManualResult& result) {
  if (!flags.apply) return {};
  std::vector<std::string> done;
  if (result.code == ExitCode::done && !result.diff.empty()) done = {"the change was made"};
  done.insert(done.end(), result.notes.begin(), result.notes.end());
  if (done.empty()) done = {"what was asked for is done"};
  return done;
}

ExitCode run(const Flags& flags) {
  PosixFileSystem files;
  PosixProcessRunner processes;
  const SystemClock clock;
  const Config config = load_config(files, flags.config, given_files(flags));
  // The configuration names the command that is run after a change.
  if (flags.apply) guard_config(files, flags.config);
  const bool may_go_back = flags.rollback || !flags.decision.empty();
  const auto store =
      open_state(config.state, flags.apply ? StateAccess::read_write : StateAccess::read_only,
                 {config.policy.symlinks, config.policy.trusted_group,
                  may_go_back ? OnDoubt::tell : OnDoubt::refuse});
  if (flags.verify_journal) return verify_journal(files, *store, flags, redact_uri(config.state));
  if (flags.status) {
    // Most likely a wrong path: an empty status would look like a loop that never ran.
    if (!store->newest_records().state) {
      log_warning("there is no state at " + redact_uri(config.state) +
                  ": check --state, `state` in the configuration, and the working directory");
    }
    print(to_pretty_json(describe_state(store->load(), config.decision.rollout_key, clock.now())));
    return ExitCode::done;
  }
  if (config.policy.env_file.empty()) {
    throw Error(ErrorKind::usage, "--env-file", "no env file is configured",
                "give --env-file or policy.env_file in the configuration");
  }
  const ChangeContext context{files, processes, *store, clock, config, flags.actor};
  const ManualResult result = change(flags, context, files);
  print(printed(flags, config, result), done_by(flags, result));
  return result.code;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"apply_dag_policy",
       "Applies an approved decision to the env file, or rolls back; a dry run unless --apply.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config, {FlagGroup::env_file, FlagGroup::state});
         auto* decision = app.add_option("--decision", flags.decision, "decision document");
         auto* propose = app.add_flag("--propose", flags.propose,
                                      "make it the decision that waits for approval: only that "
                                      "one can be applied")
                             ->needs(decision);
         app.add_option("--approval", flags.approvals, "approval document (repeatable)")
             ->needs(decision)
             ->excludes(propose)
             ->allow_extra_args(false);
         app.add_flag("--apply", flags.apply, "write; without it the change is only shown");
         app.add_flag("--rollback", flags.rollback, "go back to the last verified policy")
             ->excludes(decision);
         auto* anew = app.add_flag("--new-rollout", flags.new_rollout,
                                   "let a policy that evidence excluded be rolled out anew")
                          ->excludes(decision);
         app.add_option("--why", flags.why, "why that may be, for the journal")->needs(anew);
         app.add_flag("--accept-clock", flags.accept_clock,
                      "accept the clock although the state has later times")
             ->excludes(decision);
         app.add_flag("--status", flags.status, "print the state of the loop");
         auto* verify = app.add_flag("--verify-journal", flags.verify_journal,
                                     "check the audit journal and the state, and print the head");
         app.add_option("--head", flags.head,
                        "head kept earlier, from which the journal must continue")
             ->needs(verify);
         app.add_option("--head-file", flags.head_file,
                        "file with a head kept earlier; then gets the present head")
             ->needs(verify);
         app.add_option("--as", flags.actor, "who makes the change, for the journal")
             ->envname("USER");
         app.add_flag("--json", flags.json, "print the result as a document");
       },
       [&] { return run(flags); }});
}
