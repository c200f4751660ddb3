// decide_dag_policy: quality report and verdict -> decision.
#include "dagloop/base/clock.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/cycle/next_step.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/cycle/rollout_evidence.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "dagloop/state/state_store.hpp"
#include "report_age.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string report;
  std::string verdict;
  std::string proposer = "decide_dag_policy";
  std::string max_report_age;
  bool json = false;
};

Decision decide_from(const Flags& flags, FileSystem& files, const Config& config,
                     const Quality& quality, TimePoint now) {
  const GateResult gate =
      flags.verdict.empty()
          ? evaluate_gate(config.gate, quality, config.input.limits)
          : gate_from_json(read_document(files, flags.verdict, "gate"), quality, flags.verdict);
  const EnvFile env = read_env_file(files, config.policy.env_file, config.policy.symlinks);
  const Allowlist allowlist = read_allowlist(files, config.policy);
  const auto rules = read_rules(files, config.policy);
  const auto store = open_state(config.state, StateAccess::read_only,
                                {config.policy.symlinks, config.policy.trusted_group});
  const PolicyValues values = allowlist.values_in(env);
  const PolicyHistory history = policy_history(store->load());
  const BaselineKind baseline =
      baseline_in_effect(config.baseline.kind, values, history, config.decision);
  const Evidence evidence =
      // One report alone: what the cycle has collected over ticks is not ours to go on with.
      evidence_of_report(quality, {values, std::nullopt, quality.as_of, baseline}, config);
  const auto fault = loader_fault(env, config.policy.loader, allowlist.names());
  try {
    Decision decision = decide(DecisionInputs{quality, gate, config.baseline.kind, config.decision,
                                              evidence, config.input.limits, allowlist.keys(),
                                              rules, values, sha256_hex(env.text()), history, now,
                                              config.policy.approval_ttl, flags.proposer});
    // A way back may be due, which nothing holds up.
    if (!fault || decision.action == Action::rollback) return decision;
  } catch (const Error&) {
    // Most likely the line that is read otherwise is why.
    if (!fault) throw;
  }
  throw Error(fault->error);
}

NextStep next_step(const Flags& flags, const Config& config, const Decision& decision) {
  const std::string document = decision_path(config);
  if (decision.patch.empty()) {
    return {"evaluate again with eval_dag_quality when more runs are there, then",
            command_of(config, "decide_dag_policy", {"--report", flags.report})};
  }
  if (decision.approval == Decision::Approval::required) {
    // Only what the state holds as proposed can be approved and applied.
    return {"propose it", command_of(config, "apply_dag_policy",
                                     {"--decision", document, "--propose", "--apply"})};
  }
  return {"go back at once; no approval is needed",
          command_of(config, "apply_dag_policy", {"--decision", document, "--apply"})};
}

std::string summary(const Flags& flags, const Config& config, const Decision& decision) {
  return decision_headline(decision, DecisionStage::decided) + "\n" +
         decision_lines(decision, DecisionStage::decided) +
         next_lines(next_step(flags, config, decision));
}

ExitCode code_of(const Decision& decision) {
  if (decision.action == Action::rollback) return ExitCode::negative;
  return decision.verdict == Verdict::INSUFFICIENT ? ExitCode::insufficient : ExitCode::done;
}

ExitCode run(const Flags& flags) {
  PosixFileSystem files;
  const SystemClock clock;
  const NeededFiles given{{flags.report, "quality report file"}, {flags.verdict, "gate file"}};
  const Config config = load_config(files, flags.config, given);
  if (config.policy.env_file.empty()) {
    throw Error(ErrorKind::usage, "--env-file", "no env file is configured",
                "give --env-file or policy.env_file in the configuration");
  }
  check_present(
      files, together(together(given, policy_files(config.policy)), {rules_file(config.policy)}));
  const TimePoint now = clock.now();
  const Quality quality =
      quality_from_json(read_document(files, flags.report, "quality report"), flags.report);
  check_report_age(quality, flags.max_report_age, now);
  const Decision decision = decide_from(flags, files, config, quality, now);
  const std::string document = to_pretty_json(decision_to_json(decision));
  std::vector<std::string> done;
  if (!flags.json || !flags.config.out.empty()) {
    publish(files, config.reports, now, {{"dag_policy_decision", "json", document}});
    done.push_back("the decision is in " + config.reports.dir);
  }
  print(flags.json ? document : summary(flags, config, decision), done);
  if (const auto error = unreadable_log(quality, config.input.limits)) throw Error(*error);
  return code_of(decision);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"decide_dag_policy",
       "Decides from a quality report: promote, hold or rollback, with a recommended policy.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config,
                          {FlagGroup::env_file, FlagGroup::state, FlagGroup::out});
         app.add_option("--report", flags.report, "quality report, - for standard input")
             ->required();
         app.add_option("--verdict", flags.verdict,
                        "gate document (default: the configured gate is evaluated)");
         app.add_option("--as", flags.proposer, "who proposes the change, for the two-person rule");
         app.add_option("--max-report-age", flags.max_report_age,
                        "refuse a report whose as_of is older, e.g. 1h");
         app.add_flag("--json", flags.json, "print the document; write files only with --out");
       },
       [&] { return run(flags); }});
}
