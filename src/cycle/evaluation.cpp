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

std::optional<Window> baseline_window(const EvaluationRequest& request, const Window& current) {
  const BaselineSpec& baseline = request.baseline;
  switch (baseline.kind) {
    case BaselineKind::control:
      return std::nullopt;  // the control cohort stands inside the current window
    case BaselineKind::period:
      return baseline.period;
    case BaselineKind::automatic:
    case BaselineKind::previous:
      break;
  }
  Window window{current.start - request.window, current.start};
  // What came before a change is told by the policy before it alone, never across one more change.
  const TimePoint from = ceil_to_slot(request.baseline_from.value_or(window.start));
  window.start = std::clamp(from, window.start, window.end);
  return window;
}

constexpr Microseconds kDay = std::chrono::hours(24);

/// Where what is read is cut: the windows' ends, each once.
class WindowCuts {
 public:
  // A window that ends in a slot has that slot cut off.
  void add(const Window& window) {
    cuts_.insert({window.start, floor_to_slot(window.end)});
    end_ = std::max(end_, window.end);
  }
  void add_hours(const Window& window) {
    for (auto hour = std::chrono::ceil<std::chrono::hours>(window.start); hour < window.end;
         hour += std::chrono::hours(1)) {
      cuts_.insert(hour);
    }
  }
  std::vector<TimePoint> all() const { return {cuts_.begin(), cuts_.end()}; }
  TimePoint start() const { return *cuts_.begin(); }
  TimePoint end() const { return end_; }

 private:
  TimePoint end_ = TimePoint::min();
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
    folded.partials[{*std::prev(next), key.population, key.cohort, key.age}].merge(partial);
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
    return {{current.start, std::max(current.start, floor_to_slot(current.end))},
            baseline ? std::vector<Window>{*baseline} : std::vector<Window>{}};
  }
  const NewsRequest& asked = *request.news;
  const TimePoint end = floor_to_slot(current.end);
  NewsWindows windows{{std::min(asked.from, end), end}, {}};
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
    // A service that answers in no time has a usual latency of 1 ms: against 0 nothing can be told.
    constexpr double kLeastUsual_ms = 1;
    limits.usual = DurationHistogram::bucket_middle(std::max(kLeastUsual_ms, *p95->value));
  }
  return limits;
}

/// What the news are counted of.
struct NewsSource {
  const WindowSum& sum;
  TimePoint first;  // before all that may have become overdue
  OverdueRule overdue;
};

News count_news(const NewsSource& source, const NewsWindows& windows, const SlowLimits& limits,
                const ErrorClasses& classes) {
  const WindowSum& sum = source.sum;
  // Runs became overdue later than they were written about: in a later slot.
  const auto overdue_in = [&](const Window& window, std::optional<Cohort> cohort) {
    const Window until{std::min(source.first, window.start), window.end};
    return count_became_overdue(sum(until, Population::dag, cohort), window, source.overdue);
  };
  const auto count = [&](const Window& window, std::optional<Cohort> cohort) {
    return count_arm(sum(window, Population::dag, cohort), classes, limits,
                     overdue_in(window, cohort));
  };
  News news{windows.news,
            limits,
            count(windows.news, Cohort::canary),
            count(windows.news, Cohort::control),
            count(windows.news, std::nullopt),
            {},
            {}};
  KpiPartial before;
  std::uint64_t overdue = 0;
  for (const Window& window : windows.before) {
    before.merge(sum(window, Population::dag, std::nullopt));
    overdue += overdue_in(window, std::nullopt);
  }
  news.before = count_arm(before, classes, limits, overdue);
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

  // The first cut lies before all windows: what became overdue in one was written about before it.
  WindowCuts cuts(Microseconds before) const {
    WindowCuts cuts;
    for (const Window& window : {current, baseline.value_or(current), news.news}) {
      cuts.add(window);
    }
    for (const Window& window : news.before) cuts.add(window);
    const TimePoint start = cuts.start();
    cuts.add({floor_to_slot(start - before), start});
    return cuts;
  }
};

EvaluatedWindows windows_of(const EvaluationRequest& request) {
  DAGLOOP_ASSERT(request.window > Microseconds::zero() &&
                 request.window % kSlot == Microseconds::zero());
  const TimePoint end = request.as_of;
  const TimePoint start = floor_to_slot(end - request.window);
  Window current{start, end};
  if (request.not_before) {
    // Runs from before the policy in force would speak for the policy before it. One that began in
    // the last slot, which is only begun itself, has no runs yet.
    const TimePoint begun = ceil_to_slot(*request.not_before);
    current.start = std::max(start, begun);
    if (begun >= end) current = {floor_to_slot(end), floor_to_slot(end)};
  }
  const auto baseline = baseline_window(request, current);
  return {current, baseline, news_windows(request, current, baseline)};
}

// How long before the windows there are records that matter.
Microseconds reach_back(const Config& config, const OverdueRule& overdue) {
  return std::max(config.input.run_horizon, overdue.after);
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
  quality.as_of = request.as_of;
  quality.input = log.input;
  quality.cancelled = config.input.rules.cancelled;
  quality.current = log.figures(windows.current);
  if (windows.baseline) quality.baseline = log.figures(*windows.baseline);
  if (windows.current.start > floor_to_slot(request.as_of - request.window)) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(request.window);
    quality.whole_window_s = static_cast<std::uint64_t>(whole.count());
  }
  quality.service = service_figures(log.sum(windows.current, Population::dag, std::nullopt));
  quality.news =
      count_news({log.sum, windows.cuts(reach_back(config, log.overdue)).start(), log.overdue},
                 windows.news, limits_of(request, quality, config), config.error_classes);
  return quality;
}

Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock) {
  const EvaluatedWindows windows = windows_of(request);
  OverdueRule overdue{config.input.overdue_after};
  const WindowCuts cuts = windows.cuts(reach_back(config, overdue));
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
      source.read(LogQuery{Window{cuts.start(), cuts.end()}, now + config.input.future_skew,
                           asked.all(), windows.current});
  overdue.newest_record = apart.input.newest_record;
  const PartialSet partials = folded(apart, cuts.all());
  const WindowSum sum = [&partials](const Window& window, Population population,
                                    std::optional<Cohort> cohort) {
    return partials.sum(window, population, cohort);
  };
  const auto figures = [&](const Window& window) {
    return compute_window_kpis(sum, window, config.error_classes, overdue);
  };
  Quality quality = evaluate_counted({sum, figures, partials.input, overdue}, request, config, now);
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
  options.warn = warn;
  if (!config.input.rollup.empty()) {
    options.rollup = open_rollup_store(config.input.rollup, std::move(warn));
  }
  return open_sources(config.input.sources, options);
}

}  // namespace dagloop
