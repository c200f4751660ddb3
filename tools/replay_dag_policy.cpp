// replay_dag_policy: past logs -> what the loop would have decided, tick by tick.
#include <algorithm>

#include "as_of_flag.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "dagloop/cycle/evaluation.hpp"
#include "dagloop/cycle/last_record.hpp"
#include "dagloop/cycle/replay.hpp"
#include "dagloop/cycle/report_files.hpp"
#include "dagloop/report/replay_report.hpp"
#include "progress_line.hpp"
#include "replay_flags.hpp"
#include "tool_main.hpp"

namespace {

using namespace dagloop;

bool found_all(const std::vector<RegressionFinding>& findings) {
  return std::all_of(findings.begin(), findings.end(),
                     [](const RegressionFinding& finding) { return finding.found.has_value(); });
}

ExitCode code_of(const ReplayReport& report) {
  ExitCode code = ExitCode::done;
  for (const ReplayRecord& record : report.records) {
    // A replay of nothing has missed nothing: that is no success.
    if (record.without_data == record.ticks) return ExitCode::insufficient;
    const bool found = found_all(record.thresholds ? record.thresholds->findings : record.findings);
    if (!found) code = ExitCode::negative;
  }
  return code;
}

std::string printed(const ReplayReport& report, const std::string& format) {
  if (format == "json") return to_pretty_json(replay_to_json(report));
  const Page page = compose_replay_page(report);
  return format == "md" ? render_markdown(page) : render_text(page);
}

ExitCode run(const ReplayFlags& flags) {
  PosixFileSystem files;
  const SystemClock clock;
  const TimePoint now = clock.now();
  const std::vector<ReplayedConfig> configs = replayed_configs(files, flags);
  std::optional<TimePoint> end;
  if (is_last(flags.to)) end = just_after_last_record(files, configs.front().config, clock);
  const ReplayRequest request = replay_request(flags, now, end);
  const OpenLog open = [&](const Config& config) {
    return open_configured_source(files, config, progress_line(), log_warning);
  };
  const ReplayReport report{now, request.period, request.every,
                            replay_all(request, configs, open, now)};
  std::vector<std::string> done;
  if (!flags.config.out.empty()) {
    done.push_back("the replay is in " + configs.front().config.reports.dir);
    publish(files, configs.front().config.reports, now,
            {{"dag_policy_replay", "json", printed(report, "json")},
             {"dag_policy_replay", "md", printed(report, "md")}});
  }
  print(printed(report, flags.json ? "json" : flags.format), done);
  return code_of(report);
}

}  // namespace

int main(int argc, char** argv) {
  ReplayFlags flags;
  return tool_main(
      argc, argv,
      {"replay_dag_policy",
       "Replays past logs as the cycle would have seen them, for one or several configurations.",
       [&](CLI::App& app) { add_replay_flags(app, flags); }, [&] { return run(flags); }});
}
