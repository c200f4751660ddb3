// approve_dag_policy: shows a decision and signs an approval of exactly it; makes key pairs.
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/closed_directory.hpp"
#include "dagloop/base/memory_secrecy.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/report/documents.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string decision;
  std::string name;
  std::string key;
  bool init_key = false;
  bool yes = false;
  bool json = false;
};

ExitCode init_key(FileSystem& files, const Flags& flags) {
  KeyPair pair = generate_key_pair();
  ::umask(0077);  // a directory that is made for the key is its owner's alone
  write_secret_key(files, flags.key, pair.secret);
  wipe(pair.secret);
  print(to_pretty_json(approver_entry({flags.name, pair.public_key, {}, {}})),
        {flags.key + " holds the new private key, of which nobody knows the public one: remove it "
                     "and make another"});
  log_info("private key written to " + flags.key +
           "; add the entry above to \"approvers\" in the approvers file");
  return ExitCode::done;
}

void ask(const Flags& flags) {
  if (flags.yes) return;
  // A "y" from a pipe is nobody's approval.
  if (flags.decision == "-" || isatty(STDIN_FILENO) == 0) {
    throw Error(ErrorKind::usage, "--yes", "there is no terminal to ask on",
                "look at the change above and give --yes");
  }
  std::cerr << "Approve this change? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "yes") {
    throw Error(ErrorKind::approval, "approval", "not given", "nothing was signed");
  }
}

// What is missing is named at once, before the change is shown.
Config load_all(FileSystem& files, const Flags& flags) {
  const NeededFiles given{
      {flags.decision, "decision file"},
      {flags.key, "private key", "make one with --init-key, or give --key", ErrorKind::approval}};
  Config config = load_config(files, flags.config, given);
  check_present(files, together(given, {approvers_file(config.policy)}));
  return config;
}

// The figures of the report beside the decision: those of the decision may be hours old. They
// are shown, and hold up nothing.
std::string present_figures(FileSystem& files, const Flags& flags, const Config& config) {
  if (flags.decision == "-") return "";
  const std::string path = parent_directory(flags.decision) + "/dag_quality_latest.json";
  try {
    if (!files.stat(path)) return "  now: there is no report at " + path + "\n";
    const Quality quality = quality_from_json(read_json_file(files, path, "quality report"), path);
    return present_text(quality, evaluate_gate(config.gate, quality, config.input.limits));
  } catch (const Error& error) {
    return std::string("  now: the report cannot be read: ") + error.what() + "\n";
  }
}

ExitCode approve(FileSystem& files, const Flags& flags) {
  const Config config = load_all(files, flags);
  const Json document = read_document(files, flags.decision, "decision");
  const Decision decision = checked_decision(document, flags.decision);
  const std::string digest = decision_digest(document);
  const std::string& group = config.policy.trusted_group;
  check_closed(files, config.policy.approvers, {"approvers file", group});
  std::string secret = read_secret_key(files, flags.key, config.policy.symlinks, group);
  const TimePoint now = SystemClock().now();
  // The words are made here, from what is signed: a document with other words cannot mislead.
  std::cerr << decision_text(decision, digest) << present_figures(files, flags, config);
  if (decision.patch.empty()) {
    throw Error(ErrorKind::usage, flags.decision, "changes nothing: there is nothing to approve",
                "approve a decision that has a patch");
  }
  if (now >= decision.expires_at) {
    throw Error(ErrorKind::approval, flags.decision, "the decision has expired", "decide again");
  }
  const Approval approval =
      sign_approval({digest, flags.name, now, decision.expires_at, ""}, secret);
  // Before the question: nobody is asked for a signature that would be refused.
  check_would_hold(files, config.policy, approval, decision);
  ask(flags);
  const std::string text = to_pretty_json(approval_to_json(approval));
  const std::string stem = approval_stem(files, config.reports.dir, approval);
  const std::string path = config.reports.dir + "/" + stem + "_latest.json";
  std::vector<std::string> done;
  if (!flags.json || !flags.config.out.empty()) {
    publish(files, config.reports, now, {{stem, "json", text}});
    done.push_back("the approval is in " + path);
  }
  print(flags.json ? text : path + "\n", done);
  return ExitCode::done;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"approve_dag_policy", "Shows a decision and signs an approval of exactly that decision.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config, {FlagGroup::out});
         auto* decision = app.add_option("--decision", flags.decision,
                                         "decision document, - for standard input");
         app.add_option("--as", flags.name, "the approver's name in the approvers file")
             ->required();
         app.add_option("--key", flags.key, "the approver's private key file")
             ->required()
             ->envname("DAGLOOP_APPROVER_KEY");
         app.add_flag("--init-key", flags.init_key,
                      "make a key pair and print the approver's entry")
             ->excludes(decision);
         app.add_flag("--yes", flags.yes, "do not ask");
         app.add_flag("--json", flags.json, "print the approval; write a file only with --out");
       },
       [&] {
         PosixFileSystem files;
         if (flags.init_key) return init_key(files, flags);
         if (flags.decision.empty()) {
           throw Error(ErrorKind::usage, "--decision", "is missing", "give the decision's file");
         }
         return approve(files, flags);
       }});
}
