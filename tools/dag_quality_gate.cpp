// dag_quality_gate: quality report (or logs) -> verdict.
#include "as_of_flag.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/next_step.hpp"
#include "dagloop/cycle/overdue_limit.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/decide/figure_case.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "dagloop/report/words.hpp"
#include "progress_line.hpp"
#include "report_age.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string report;
  std::string gate;
  std::string as_of;
  std::string max_report_age;
  bool json = false;
};

Quality quality_of(const Flags& flags, FileSystem& files, const Config& config,
                   const Clock& clock) {
  if (!flags.report.empty()) {
    const Json document = read_document(files, flags.report, "quality report");
    return quality_from_json(document, flags.report);
  }
  const TimePoint as_of = as_of_flag(flags.as_of, files, config, clock).value_or(clock.now());
  const auto source = configured_source(files, config, progress_line, log_warning);
  return evaluate(*source, {as_of, config.window, config.baseline, {}, {}}, config, clock);
}

NextStep next_step(const Flags& flags, const Config& config, Verdict verdict) {
  std::vector<std::string> again;
  if (!flags.report.empty()) again.insert(again.end(), {"--report", flags.report});
  if (!flags.gate.empty()) again.insert(again.end(), {"--gate", flags.gate});
  if (verdict == Verdict::INSUFFICIENT) {
    return {flags.report.empty()
                ? "judge again when more runs are there"
                : "evaluate again with eval_dag_quality when more runs are there, then",
            command_of(config, "dag_quality_gate", again)};
  }
  if (!flags.report.empty()) {
    return {"see what is to be done about it",
            command_of(config, "decide_dag_policy", {"--report", flags.report})};
  }
  std::vector<std::string> same_time;
  if (!flags.as_of.empty()) same_time = {"--as-of", flags.as_of};
  return {"see what fails, and where", command_of(config, "eval_dag_quality", same_time)};
}

std::string summary(const Flags& flags, const Config& config, const GateResult& gate,
                    const Quality& quality) {
  std::string text = std::string(to_string(gate.verdict)) + "\n";
  for (const Reason& reason : gate.reasons)
    text += "  " + reason.code + ": " + reason_text(reason) + "\n";
  for (const CheckResult& result : gate.checks) {
    const bool is_warning = result.status == CheckStatus::warn;
    text += "  " + (is_warning ? "warning" : std::string(to_string(result.status))) + "  " +
            result.reason.code + ": " + reason_text(result.reason) + "\n";
  }
  text += indented(what_is_left_out(quality));
  text += indented(what_is_wrong({quality, &gate, nullptr, {}}));
  if (gate.verdict == Verdict::PASS) return text;
  return text + next_lines(next_step(flags, config, gate.verdict));
}

ExitCode code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::PASS:
      return ExitCode::done;
    case Verdict::FAIL:
      return ExitCode::negative;
    case Verdict::INSUFFICIENT:
      break;
  }
  return ExitCode::insufficient;
}

ExitCode run(const Flags& flags) {
  PosixFileSystem files;
  const SystemClock clock;
  const NeededFiles given{{flags.report, "quality report file"}, {flags.gate, "gate file"}};
  Config config = load_config(files, flags.config, given);
  check_present(files, flags.report.empty() ? together(given, source_files(config.input)) : given);
  if (!flags.gate.empty()) {
    const Json document = read_json_file(files, flags.gate, "gate");
    config.gate = parse_gate(JsonReader(document, flags.gate));
  }
  if (flags.report.empty()) config = under_configured_policy(files, std::move(config), log_warning);
  const Quality quality = quality_of(flags, files, config, clock);
  // A report that is written no more would pass the same gate for ever.
  check_report_age(quality, flags.max_report_age, clock.now());
  const GateResult gate =
      gate_that_stands(evaluate_gate(config.gate, quality, config.input.limits), quality);
  const std::string document = to_pretty_json(gate_to_json(gate, quality));
  std::vector<std::string> done;
  if (!flags.json || !flags.config.out.empty()) {
    publish(files, config.reports, clock.now(), {{"dag_quality_gate", "json", document}});
    done.push_back("the verdict is in " + config.reports.dir);
  }
  print(flags.json ? document : summary(flags, config, gate, quality), done);
  if (const auto error = unreadable_log(quality, config.input.limits)) throw Error(*error);
  return code_of(gate.verdict);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"dag_quality_gate",
       "Judges a quality report by the gate's checks: PASS, FAIL, INSUFFICIENT.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config, {FlagGroup::source, FlagGroup::out});
         auto* report =
             app.add_option("--report", flags.report, "quality report, - for standard input");
         app.add_option("--gate", flags.gate,
                        "gate file {\"checks\": [...]} (default: configuration)");
         app.add_option(
                "--as-of", flags.as_of,
                "end of the window of --source: RFC 3339, or last: right after the newest record "
                "or unread line (default: now)")
             ->excludes(report);
         app.add_option("--max-report-age", flags.max_report_age,
                        "refuse a report whose as_of is older, e.g. 1h")
             ->needs(report);
         app.add_flag("--json", flags.json, "print the document; write files only with --out");
       },
       [&] { return run(flags); }});
}
