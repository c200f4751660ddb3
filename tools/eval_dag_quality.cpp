// eval_dag_quality: logs -> quality report.
#include "as_of_flag.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/overdue_limit.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "progress_line.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string as_of;
  bool json = false;
};

std::string summary(const Quality& quality, const GateResult& gate, const Config& config) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  std::string text = std::to_string(dag.total_runs) + " DAG runs, " +
                     std::to_string(dag.succeeded_runs) + " succeeded, in " +
                     format_time(quality.current.window.start) + " to " +
                     format_time(quality.current.window.end) + "\n";
  text += indented(what_is_left_out(quality));
  text += indented(what_is_wrong({quality, &gate, nullptr, {}}));
  return text + "report: " + config.reports.dir + "/dag_quality_latest.*\n";
}

ExitCode run(const Flags& flags) {
  PosixFileSystem files;
  const SystemClock clock;
  const Config config =
      under_configured_policy(files, load_config(files, flags.config), log_warning);
  const TimePoint as_of = as_of_flag(flags.as_of, files, config, clock).value_or(clock.now());
  const auto source = configured_source(files, config, progress_line, log_warning);
  const Quality quality =
      evaluate(*source, {as_of, config.window, config.baseline, {}, {}}, config, clock);
  const GateResult gate = evaluate_gate(config.gate, quality, config.input.limits);
  if (!flags.json || !flags.config.out.empty()) {
    publish(files, config.reports, clock.now(),
            render_quality_files({quality, &gate, nullptr, {}}, config.reports.formats));
  }
  print(flags.json ? to_pretty_json(quality_to_json(quality)) : summary(quality, gate, config));
  // Last: the report that shows which lines are malformed is there to mend them by.
  if (const auto error = unreadable_log(quality, config.input.limits)) throw Error(*error);
  return ExitCode::done;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  return tool_main(
      argc, argv,
      {"eval_dag_quality", "Evaluates execution logs: KPIs of a window against its baseline.",
       [&](CLI::App& app) {
         add_config_flags(app, flags.config,
                          {FlagGroup::source, FlagGroup::out, FlagGroup::formats});
         app.add_option("--as-of", flags.as_of,
                        "end of the window: RFC 3339, or last: right after the newest record or "
                        "unread line (default: now)");
         app.add_flag("--json", flags.json, "print the report; write files only with --out");
       },
       [&] { return run(flags); }});
}
