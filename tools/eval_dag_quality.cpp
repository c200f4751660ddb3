// eval_dag_quality: logs -> quality report.
#include <algorithm>

#include "as_of_flag.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/mapping_file.hpp"
#include "dagloop/cycle/overdue_limit.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/record/mapping_explanation.hpp"
#include "dagloop/record/mapping_guess.hpp"
#include "dagloop/report/documents.hpp"
#include "dagloop/report/page.hpp"
#include "dagloop/source/log_head.hpp"
#include "progress_line.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

struct Flags {
  ConfigFlags config;
  std::string as_of;
  bool json = false;
  bool explain_mapping = false;
  bool suggest_mapping = false;
};

// The names of sources alone: a log that nobody can read yet has no configuration.
ExitCode explain(const Config& config, FileSystem& files, const Clock& clock) {
  const Mapping mapping = load_mapping(files, config.input.mapping);
  const auto lines = first_lines(config.input.sources, mapping.records);
  const TimePoint latest = clock.now() + config.input.future_skew;
  std::string text;
  for (const std::string& line : explain_mapping(mapping, lines, latest)) {
    text += escape_controls(line) + "\n";
  }
  print(text);
  return ExitCode::done;
}

ExitCode suggest(const Config& config) {
  // Where the first lines are no documents each, documents are laid out in another way.
  constexpr std::size_t kLooked = 20;
  constexpr std::size_t kLookedBytes = std::size_t{1} << 20;
  const std::vector<std::string> lines =
      first_lines(config.input.sources, std::nullopt, {kLooked, kLookedBytes});
  const auto is_document = [](const std::string& line) {
    return line.starts_with('{') && line.ends_with('}');
  };
  const bool has_lines = !lines.empty() && std::ranges::all_of(lines, is_document);
  const auto documents =
      first_lines(config.input.sources, has_lines ? std::optional<std::string>() : std::string());
  const MappingGuess guess =
      guess_mapping(documents, has_lines ? DocumentLayout::lines : DocumentLayout::free);
  print(to_pretty_json(guess.document));
  log_info("a guess from names and values: look at it, then try --explain-mapping");
  for (const std::string& look : guess.looks) log_info("look at " + look);
  return ExitCode::done;
}

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
  if (flags.explain_mapping || flags.suggest_mapping) {
    const Config named = load_config(files, flags.config);
    check_present(files, source_files(named.input));
    return flags.suggest_mapping ? suggest(named) : explain(named, files, clock);
  }
  const Config config =
      under_configured_policy(files, load_config(files, flags.config), log_warning);
  const TimePoint as_of = as_of_flag(flags.as_of, files, config, clock).value_or(clock.now());
  const auto source = configured_source(files, config, progress_line, log_warning);
  const Quality quality =
      evaluate(*source, {as_of, config.window, config.baseline, {}, {}}, config, clock);
  const GateResult gate = evaluate_gate(config.gate, quality, config.input.limits);
  std::vector<std::string> done;
  if (!flags.json || !flags.config.out.empty()) {
    done.push_back("the report is in " + config.reports.dir);
    publish(files, config.reports, clock.now(),
            render_quality_files({quality, &gate, nullptr, {}}, config.reports.formats));
  }
  print(flags.json ? to_pretty_json(quality_to_json(quality)) : summary(quality, gate, config),
        done);
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
         auto* explain =
             app.add_flag("--explain-mapping", flags.explain_mapping,
                          "print what the mapping makes of the first lines, and evaluate nothing");
         auto* suggest =
             app.add_flag("--suggest-mapping", flags.suggest_mapping,
                          "print a mapping guessed from the first lines, to be looked at");
         explain->excludes(suggest);
         for (auto* each : {explain, suggest}) each->excludes("--json")->excludes("--as-of");
       },
       [&] { return run(flags); }});
}
