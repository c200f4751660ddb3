#include "dagloop/cycle/evaluation.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/needed_files.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/decide/comparison.hpp"
#include "dagloop/report/words.hpp"

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

constexpr Microseconds kDay = std::chrono::hours(24);

/// Where what is read is cut: the windows' ends, each once.
class WindowCuts {
 public:
  void add(const Window& window) { cuts_.insert({window.start, window.end}); }
  void add_hours(const Window& window) {
    for (auto hour = std::chrono::ceil<std::chrono::hours>(window.start); hour < window.end;
         hour += std::chrono::hours(1)) {
      cuts_.insert(hour);
    }
  }
  std::vector<TimePoint> all() const { return {cuts_.begin(), cuts_.end()}; }
  TimePoint start() const { return *cuts_.begin(); }
  TimePoint end() const { return *cuts_.rbegin(); }

 private:
  std::set<TimePoint> cuts_;
};

// All slots between two cuts as one, once, for they are summed up several times. What lies before
// the first cut is in no window.
PartialSet folded(const PartialSet& apart, const std::vector<TimePoint>& cuts) {
  PartialSet folded;
  folded.input = apart.input;
  for (const auto& [key, partial] : apart.partials) {
    const auto next = std::upper_bound(cuts.begin(), cuts.end(), key.slot);
    if (next == cuts.begin()) continue;
    folded.partials[{*std::prev(next), key.population, key.cohort}].merge(partial);
  }
  return folded;
}

/// Where what is new lies, and what it is held against.
struct NewsWindows {
  Window news;
  std::vector<Window> before;
};

NewsWindows news_windows(const EvaluationRequest& request, const Window& current,
                         const std::optional<Window>& baseline) {
  if (!request.news) {
    return {current, baseline ? std::vector<Window>{*baseline} : std::vector<Window>{}};
  }
  const NewsRequest& asked = *request.news;
  NewsWindows windows{{std::min(asked.from, current.end), current.end}, {}};
  if (asked.before == NewsRequest::Before::count) {
    windows.before = mirrored(asked.since, windows.news.start, windows.news.end);
  }
  return windows;
}

// The limit that 5 % of the runs exceed where nothing has changed is what the reference had before.
SlowLimits limits_of(const EvaluationRequest& request, const Quality& quality,
                     const Config& config) {
  SlowLimits limits;
  if (request.news) limits = request.news->limits;
  limits.absolute = config.decision.triggers.p95_ms;
  if (limits.usual) return limits;
  const PopulationKpis* reference =
      quality.baseline ? &quality.baseline->population(Population::dag)
                       : quality.current.population(Population::dag).cohort(Cohort::control);
  const Kpi* p95 = reference == nullptr ? nullptr : reference->kpis.find("p95_latency_ms");
  if (p95 != nullptr && p95->value && p95->denominator >= config.decision.min_sample) {
    // However its durations are kept: the same limit, and the same counts.
    limits.usual = DurationHistogram::bucket_middle(*p95->value);
  }
  return limits;
}

News count_news(const WindowSum& sum, const NewsWindows& windows, const SlowLimits& limits,
                const ErrorClasses& classes) {
  const auto count = [&](const Window& window, std::optional<Cohort> cohort) {
    return count_arm(sum(window, Population::dag, cohort), classes, limits);
  };
  News news{windows.news,
            limits,
            count(windows.news, Cohort::canary),
            count(windows.news, Cohort::control),
            count(windows.news, std::nullopt),
            {}};
  KpiPartial before;
  for (const Window& window : windows.before) {
    before.merge(sum(window, Population::dag, std::nullopt));
  }
  news.before = count_arm(before, classes, limits);
  return news;
}

/// Which of a window's runs a side of the comparison has.
struct SideOfWindow {
  Window window;
  std::optional<Cohort> cohort;
};

/// What was counted: all between two cuts as one, and with the hours apart where they are.
struct CountedRuns {
  const PartialSet& folded;
  const PartialSet* hours = nullptr;
};

AttributedSide side_of(const CountedRuns& counted, const SideOfWindow& of,
                       const std::string& name) {
  AttributedSide side{name, counted.folded.sum(of.window, Population::dag, of.cohort), {}};
  if (counted.hours != nullptr) {
    side.hours = strata_by_hour(*counted.hours, of.window, Population::dag, of.cohort);
  }
  return side;
}

// The sides are those that decisions compare.
std::optional<Attribution> attribute_difference(const CountedRuns& counted, const Quality& quality,
                                                BaselineKind kind) {
  const Comparison comparison = choose_comparison(quality, kind);
  if (comparison.subject == nullptr || comparison.reference == nullptr) return std::nullopt;
  SideOfWindow subject{quality.current.window, std::nullopt};
  SideOfWindow reference = subject;
  const PopulationKpis& dag = quality.current.population(Population::dag);
  if (comparison.subject == dag.cohort(Cohort::canary)) {
    subject.cohort = Cohort::canary;
    reference.cohort = Cohort::control;
  } else {
    DAGLOOP_ASSERT(quality.baseline);
    reference.window = quality.baseline->window;
  }
  return attribute(side_of(counted, subject, comparison.subject_name),
                   side_of(counted, reference, side_text(comparison.reference_name)));
}

/// All that one evaluation counts.
struct EvaluatedWindows {
  Window current;
  std::optional<Window> baseline;
  NewsWindows news;

  WindowCuts cuts() const {
    WindowCuts cuts;
    for (const Window& window : {current, baseline.value_or(current), news.news}) {
      cuts.add(window);
    }
    for (const Window& window : news.before) cuts.add(window);
    return cuts;
  }
};

EvaluatedWindows windows_of(const EvaluationRequest& request) {
  DAGLOOP_ASSERT(request.window > Microseconds::zero() &&
                 request.window % kSlot == Microseconds::zero());
  const TimePoint end = floor_to_slot(request.as_of);
  TimePoint start = end - request.window;
  // Runs from before the policy in force would speak for the policy before it.
  if (request.not_before) start = std::clamp(ceil_to_slot(*request.not_before), start, end);
  const Window current{start, end};
  const auto baseline = baseline_window(request.baseline, current, request.window);
  return {current, baseline, news_windows(request, current, baseline)};
}

}  // namespace

std::vector<Window> mirrored(TimePoint since, TimePoint from, TimePoint to) {
  std::vector<Window> windows;
  for (TimePoint start = std::max(from, since); start < to;) {
    const auto day = (start - since) / kDay;
    const TimePoint end = std::min(to, since + (day + 1) * kDay);
    // Day n after the start is held against day n before it, whole days apart: same hours, and
    // nothing is counted on both sides. So day 0 goes back 1 day, day 1 goes back 3.
    const Microseconds back = (2 * day + 1) * kDay;
    windows.push_back({start - back, end - back});
    start = end;
  }
  return windows;
}

Quality evaluate_counted(const CountedLog& log, const EvaluationRequest& request,
                         const Config& config, TimePoint generated_at) {
  const EvaluatedWindows windows = windows_of(request);
  Quality quality;
  quality.generated_at = generated_at;
  quality.as_of = windows.current.end;
  quality.input = log.input;
  quality.current = log.figures(windows.current);
  if (windows.baseline) quality.baseline = log.figures(*windows.baseline);
  quality.service = service_figures(log.sum(windows.current, Population::dag, std::nullopt));
  quality.news =
      count_news(log.sum, windows.news, limits_of(request, quality, config), config.error_classes);
  return quality;
}

Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock) {
  const EvaluatedWindows windows = windows_of(request);
  const WindowCuts cuts = windows.cuts();
  WindowCuts asked = cuts;
  // A database compares each row with each cut, and answers with more rows: 24 more a day would be
  // felt there.
  const bool has_hours = source.cut_cost() == CutCost::nothing;
  if (has_hours) {
    asked.add_hours(windows.current);
    if (windows.baseline) asked.add_hours(*windows.baseline);
  }
  const TimePoint now = clock.now();
  const PartialSet apart =
      source.read(LogQuery{Window{cuts.start() - config.input.run_horizon, cuts.end()},
                           now + config.input.future_skew, asked.all()});
  const PartialSet partials = folded(apart, cuts.all());
  const WindowSum sum = [&partials](const Window& window, Population population,
                                    std::optional<Cohort> cohort) {
    return partials.sum(window, population, cohort);
  };
  const auto figures = [&](const Window& window) {
    return compute_window_kpis(sum, window, config.error_classes);
  };
  Quality quality = evaluate_counted({sum, figures, partials.input}, request, config, now);
  quality.attribution = attribute_difference({partials, has_hours ? &apart : nullptr}, quality,
                                             request.baseline.kind);
  return quality;
}

std::unique_ptr<LogSource> open_configured_source(FileSystem& files, const Config& config,
                                                  std::function<void(const ReadProgress&)> progress,
                                                  std::function<void(const std::string&)> warn) {
  if (config.input.sources.empty()) {
    throw Error(ErrorKind::usage, "source", "no log source",
                "give --source, DAGLOOP_SOURCE, or input.sources in the configuration");
  }
  check_present(files, source_files(config.input));
  SourceOptions options;
  options.classes = config.error_classes;
  options.dedupe = config.input.dedupe;
  options.rules = config.input.rules;
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
