#include "dagloop/cycle/evaluation.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {
namespace {

std::optional<Window> baseline_window(const BaselineSpec& baseline, const Window& current,
                                      Microseconds length) {
  switch (baseline.kind) {
    case BaselineKind::control:
      return std::nullopt;  // the control cohort stands inside the current window
    case BaselineKind::period:
      return baseline.period;
    case BaselineKind::automatic:
    case BaselineKind::previous:
      break;
  }
  return Window{current.start - length, current.start};
}

// The ends of both windows, each once.
std::vector<TimePoint> cuts_between(const Window& current, const std::optional<Window>& baseline) {
  std::set<TimePoint> cuts{current.start, current.end};
  if (baseline) cuts.insert({baseline->start, baseline->end});
  return {cuts.begin(), cuts.end()};
}

}  // namespace

Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock) {
  const TimePoint end = floor_to_slot(request.as_of);
  TimePoint start = end - request.window;
  if (request.not_before) start = std::clamp(ceil_to_slot(*request.not_before), start, end);
  const Window current{start, end};
  const auto baseline = baseline_window(request.baseline, current, request.window);

  const TimePoint earliest = baseline ? std::min(start, baseline->start) : start;
  const TimePoint latest_end = baseline ? std::max(end, baseline->end) : end;
  const TimePoint now = clock.now();
  const PartialSet partials =
      source.read(LogQuery{Window{earliest - config.input.run_horizon, latest_end},
                           now + config.input.future_skew, cuts_between(current, baseline)});

  Quality quality;
  quality.generated_at = now;
  quality.as_of = end;
  quality.input = partials.input;
  quality.current = compute_window_kpis(partials, current, config.error_classes);
  if (baseline) {
    quality.baseline = compute_window_kpis(partials, *baseline, config.error_classes);
  }
  return quality;
}

std::unique_ptr<LogSource> open_configured_source(FileSystem& files, const Config& config,
                                                  std::function<void(const ReadProgress&)> progress,
                                                  std::function<void(const std::string&)> warn) {
  if (config.input.sources.empty()) {
    throw Error(ErrorKind::usage, "source", "no log source",
                "give --source, DAGLOOP_SOURCE, or input.sources in the configuration");
  }
  SourceOptions options;
  options.classes = config.error_classes;
  options.dedupe = config.input.dedupe;
  options.progress = std::move(progress);
  options.lateness = config.input.lateness;
  options.statement_timeout =
      std::chrono::ceil<std::chrono::milliseconds>(config.input.statement_timeout);
  if (!config.input.mapping.empty()) {
    options.mapping =
        parse_mapping(read_json_file(files, config.input.mapping, "mapping"), config.input.mapping);
  }
  if (!config.input.rollup.empty()) {
    options.rollup = open_rollup_store(config.input.rollup, std::move(warn));
  }
  return open_sources(config.input.sources, options);
}

}  // namespace dagloop
