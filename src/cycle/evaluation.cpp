#include "dagloop/cycle/evaluation.hpp"

#include <algorithm>
#include <set>

#include "cycle/alike_runs.hpp"
#include "cycle/news_count.hpp"
#include "dagloop/base/assert.hpp"
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
  // Runs of each age that began at `begun_from` or later end at a cut or later, so that it can be
  // told of what lies between two cuts. Order: behind the windows.
  void add_ages(TimePoint begun_from) {
    for (std::uint8_t number = 0; number < AgeClass::kLast; ++number) {
      const TimePoint cut =
          ceil_to_slot(begun_from) + AgeClass(number).oldest_slots() * Microseconds(kSlot);
      if (cut > start() && cut < floor_to_slot(end())) cuts_.insert(cut);
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

NewsWindows news_of(const EvaluationRequest& request, const Window& current,
                    const std::optional<Window>& baseline, CutCost cost) {
  const TimePoint end = floor_to_slot(current.end);
  if (request.news) return news_windows(*request.news, end, cost);
  return one_look_windows({current.start, std::max(current.start, end)}, baseline);
}

// The p95 of a side; none where it has too few runs to tell.
std::optional<double> usual_latency(const PopulationKpis* side, std::uint64_t min_sample) {
  const Kpi* p95 = side == nullptr ? nullptr : side->kpis.find("p95_latency_ms");
  if (p95 == nullptr || !p95->value || p95->denominator < min_sample) return std::nullopt;
  // However its durations are kept: the same limit, and the same counts.
  // A service that answers in no time has a usual latency of 1 ms: against 0 nothing can be told.
  constexpr double kLeastUsual_ms = 1;
  return DurationHistogram::bucket_middle(std::max(kLeastUsual_ms, *p95->value));
}

// The limit that 5 % of the runs exceed where nothing has changed is what the reference had before;
// where there was nothing before, what control has.
std::optional<double> usual_limit(const EvaluationRequest& request, const Quality& quality,
                                  std::uint64_t min_sample) {
  if (request.news && request.news->limits.usual) return request.news->limits.usual;
  if (quality.baseline) {
    const auto before = usual_latency(&quality.baseline->population(Population::dag), min_sample);
    if (before) return before;
  }
  return usual_latency(quality.current.population(Population::dag).cohort(Cohort::control),
                       min_sample);
}

SlowLimits limits_of(const EvaluationRequest& request, const Quality& quality,
                     const Config& config) {
  SlowLimits limits;
  limits.usual = usual_limit(request, quality, config.decision.min_sample);
  limits.absolute = config.decision.triggers.p95_ms;
  const double tolerated = tolerated_ratio(config.decision.triggers.p95_ratio);
  if (limits.usual) limits.tolerated = *limits.usual * tolerated;
  return limits;
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
  Window since_step;  // as the current one, with the runs of the warm-up
  Window current;
  std::optional<TimePoint> begun_from;  // runs of the current window; none: whenever
  std::optional<Window> baseline;
  NewsWindows news;
  std::vector<TimePoint> news_begun_from;  // of warm runs

  // Evidence asks who the new runs are of; figures of windows do not.
  std::vector<Window> users_in() const {
    if (news.sides == NewsWindows::Sides::all) return {};
    std::vector<Window> windows = news.whole.before;
    windows.push_back(news.whole.news);
    return windows;
  }

  // The least window that holds all times from which on runs are to have begun.
  std::optional<Window> begun_between() const {
    std::vector<TimePoint> times = news_begun_from;
    if (begun_from) times.push_back(*begun_from);
    if (times.empty()) return std::nullopt;
    const auto [first, last] = std::ranges::minmax(times);
    return Window{first, last};
  }

  // The first cut lies before all windows: what became overdue in one was written about before it.
  WindowCuts cuts(Microseconds before) const {
    WindowCuts cuts;
    for (const Window& window : {since_step, current, baseline.value_or(current)}) {
      cuts.add(window);
    }
    add(news.whole, cuts);
    for (const NewsRange& step : news.steps) add(step, cuts);
    if (begun_from) cuts.add_ages(*begun_from);
    for (const TimePoint each : news_begun_from) cuts.add_ages(each);
    const TimePoint start = cuts.start();
    cuts.add({floor_to_slot(start - before), start});
    return cuts;
  }

 private:
  static void add(const NewsRange& range, WindowCuts& cuts) {
    cuts.add(range.news);
    for (const Window& window : range.before) cuts.add(window);
  }
};

// The window from `from` on. Of what began in the last slot, which is only begun itself, or later,
// there are no runs yet.
Window cut_at(const Window& window, TimePoint from) {
  const TimePoint begun = ceil_to_slot(from);
  const TimePoint last = floor_to_slot(window.end);
  return begun >= window.end ? Window{last, last}
                             : Window{std::max(window.start, begun), window.end};
}

EvaluatedWindows windows_of(const EvaluationRequest& request, CutCost cost) {
  DAGLOOP_ASSERT(request.window > Microseconds::zero() &&
                 request.window % kSlot == Microseconds::zero());
  const TimePoint end = request.as_of;
  Window current{floor_to_slot(end - request.window), end};
  // Runs from before the policy in force would speak for the policy before it.
  if (request.not_before) current = cut_at(current, *request.not_before);
  const auto baseline = baseline_window(request, current);
  EvaluatedWindows windows{
      current, current, std::nullopt, baseline, news_of(request, current, baseline, cost), {}};
  if (request.news) {
    for (const WarmPart& part : request.news->warmup.parts(windows.news.whole.news)) {
      if (part.begun_from) windows.news_begun_from.push_back(*part.begun_from);
    }
  }
  if (request.not_before && request.warmup > Microseconds::zero()) {
    windows.begun_from = *request.not_before + request.warmup;
    windows.current = cut_at(current, *windows.begun_from);
  }
  return windows;
}

// How long before the windows there are records that matter.
Microseconds reach_back(const Config& config, const OverdueRule& overdue) {
  return std::max(config.input.run_horizon, overdue.after);
}

}  // namespace

WindowSum begun(const RunSum& sum, std::optional<TimePoint> begun_from) {
  return [&sum, begun_from](const Window& window, Population population,
                            std::optional<Cohort> cohort) {
    return sum(window, population, cohort, begun_from);
  };
}

Quality evaluate_counted(const CountedLog& log, const EvaluationRequest& request,
                         const Config& config, TimePoint generated_at) {
  const EvaluatedWindows windows = windows_of(request, log.cost);
  Quality quality;
  quality.generated_at = generated_at;
  quality.as_of = request.as_of;
  quality.input = log.input;
  quality.cancelled = config.input.rules.cancelled;
  quality.current = log.figures(windows.current, windows.begun_from);
  if (windows.baseline) quality.baseline = log.figures(*windows.baseline, std::nullopt);
  if (windows.current.start > floor_to_slot(request.as_of - request.window)) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(request.window);
    quality.whole_window_s = static_cast<std::uint64_t>(whole.count());
  }
  quality.service =
      service_figures(log.sum(windows.current, Population::dag, std::nullopt, windows.begun_from));
  NewsSource source{log.sum,
                    log.overdue,
                    windows.cuts(reach_back(config, log.overdue)).start(),
                    limits_of(request, quality, config),
                    request.news ? request.news->warmup : WarmUp{},
                    request.news ? request.news->strata : std::nullopt};
  const FigureWindows figures{windows.current, windows.begun_from, windows.baseline};
  std::optional<ReferenceStrata> chosen;
  if (!source.strata) chosen = choose_strata(log.sum, figures);
  if (chosen) source.strata = chosen->strata;
  quality.news = count_news(source, windows.news);
  if (chosen) quality.news.usual = usual_of(*chosen, source.limits);
  quality.comparable =
      comparable_runs({log.sum, log.overdue}, figures, quality, request.baseline.kind);
  return quality;
}

Quality evaluate(LogSource& source, const EvaluationRequest& request, const Config& config,
                 const Clock& clock) {
  const EvaluatedWindows windows = windows_of(request, source.cut_cost());
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
  const PartialSet apart = source.read(
      LogQuery{Window{cuts.start(), cuts.end()}, now + config.input.future_skew, asked.all(),
               windows.since_step, windows.users_in(), windows.begun_between()});
  overdue.newest_record = apart.input.newest_record;
  const PartialSet partials = folded(apart, cuts.all());
  const RunSum sum = [&partials](const Window& window, Population population,
                                 std::optional<Cohort> cohort,
                                 std::optional<TimePoint> begun_from) {
    return partials.sum(window, population, cohort, begun_from);
  };
  const auto figures = [&](const Window& window, std::optional<TimePoint> begun_from) {
    return compute_window_kpis(begun(sum, begun_from), window, overdue);
  };
  Quality quality = evaluate_counted({sum, figures, partials.input, overdue, source.cut_cost()},
                                     request, config, now);
  quality.attribution = attribute_difference({partials, has_hours ? &apart : nullptr}, quality,
                                             request.baseline.kind);
  return quality;
}

}  // namespace dagloop
