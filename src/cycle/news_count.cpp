#include "cycle/news_count.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace dagloop {
namespace {

// What is cut in a database: the sides move with the clock of a tick, not with the hour.
constexpr Microseconds kFineSteps = std::chrono::hours(2);

std::vector<TimePoint> step_ends(const NewsRequest& asked, const Window& news, CutCost cost) {
  std::vector<TimePoint> ends;
  const auto is_hour = [](TimePoint at) {
    return std::chrono::floor<std::chrono::hours>(at) == at;
  };
  for (TimePoint end = news.start + kSlot; end < news.end; end += kSlot) {
    const bool is_fine = cost == CutCost::nothing || end > news.end - kFineSteps;
    // Runs before and after a change of the policy are warm by another clock.
    if (is_fine || is_hour(end) || end == asked.sealed || asked.warmup.begins_at(end)) {
      ends.push_back(end);
    }
  }
  if (news.start < news.end) ends.push_back(news.end);
  return ends;
}

/// What is new of one side.
struct SideNews {
  ArmFigures runs;
  std::map<std::size_t, ArmFigures> strata;
  ColdRuns cold;
};

// The figures of one side, at the strata that it has.
void put(const SideNews& news, ArmFigures StratumNews::*side, std::vector<StratumNews>& strata) {
  for (const auto& [place, figures] : news.strata) {
    StratumNews fresh;
    fresh.stratum = static_cast<std::uint8_t>(place);
    at_stratum(strata, fresh).*side = figures;
  }
}

/// The runs of one side, as often as one likes.
class SideCounts {
 public:
  SideCounts(const NewsSource& source, TimePoint end, std::optional<Cohort> cohort)
      : source_(source),
        cohort_(cohort),
        // Runs became overdue later than they were written about: in a later slot. When they did is
        // told by their newest records alone, so once for all windows is enough.
        open_(
            source.sum({std::min(source.first, end), end}, Population::dag, cohort, std::nullopt)) {
    if (source.strata) open_by_place_ = by_place(open_.strata, *source.strata);
  }

  SideNews count(const Window& window) const {
    KpiPartial warm;
    ColdRuns cold;
    Overdue overdue;
    for (const auto& [part, begun_from] : source_.warmup.parts(window)) {
      const KpiPartial runs = sum(part, begun_from);
      const Overdue failed = overdue_in(part, begun_from);
      if (begun_from) add_cold(part, runs, failed.all, cold);
      overdue.add(failed);
      warm.merge(runs);
    }
    const auto role = cohort_ == Cohort::control ? ArmRole::reference : ArmRole::subject;
    return news_of(warm, overdue, cold, role);
  }

  // Of the reference before the policy: no run of it was cold by this policy.
  SideNews before(const std::vector<Window>& windows) const {
    KpiPartial runs;
    Overdue overdue;
    for (const Window& window : windows) {
      runs.merge(sum(window, std::nullopt));
      overdue.add(overdue_in(window, std::nullopt));
    }
    return news_of(runs, overdue, {}, ArmRole::reference);
  }

 private:
  // Runs that became overdue.
  struct Overdue {
    std::uint64_t all = 0;
    std::map<std::size_t, std::uint64_t> by_stratum;

    void add(const Overdue& other) {
      all += other.all;
      for (const auto& [place, count] : other.by_stratum) by_stratum[place] += count;
    }
  };

  SideNews news_of(const KpiPartial& runs, const Overdue& overdue, const ColdRuns& cold,
                   ArmRole role) const {
    SideNews news{count_arm(runs, source_.limits, overdue.all, role), {}, cold};
    if (!source_.strata) return news;
    auto strata = by_place(runs.strata, *source_.strata);
    for (const auto& [place, count] : overdue.by_stratum) strata[place];
    for (auto& [place, alike] : strata) {
      const auto late = overdue.by_stratum.find(place);
      const std::uint64_t failed = late == overdue.by_stratum.end() ? 0 : late->second;
      if (alike.total_runs + failed == 0) continue;
      // No evidence from the last tries alone.
      if (runs.runs_without_tries > 0) alike.attempts = alike.failed_attempts = 0;
      news.strata[place] = count_arm(alike, source_.limits, failed, role);
    }
    return news;
  }

  KpiPartial sum(const Window& window, std::optional<TimePoint> begun_from) const {
    return source_.sum(window, Population::dag, cohort_, begun_from);
  }

  void add_cold(const Window& window, const KpiPartial& warm, std::uint64_t warm_overdue,
                ColdRuns& cold) const {
    const KpiPartial all = sum(window, std::nullopt);
    const std::uint64_t overdue = overdue_in(window, std::nullopt).all - warm_overdue;
    cold.runs += all.total_runs - warm.total_runs + overdue;
    cold.failed += (all.total_runs - all.succeeded) - (warm.total_runs - warm.succeeded) + overdue;
  }

  // An open run began when it was last heard of, or earlier: that is all that is known of it.
  Overdue overdue_in(Window window, std::optional<TimePoint> begun_from) const {
    const OverdueRule& rule = source_.overdue;
    if (begun_from) window.start = std::max(window.start, *begun_from + rule.after);
    Overdue overdue{count_became_overdue(open_.open_runs, window, rule), {}};
    if (overdue.all == 0) return overdue;
    for (const auto& [place, runs] : open_by_place_) {
      const std::uint64_t late = count_became_overdue(runs.open_runs, window, rule);
      if (late > 0) overdue.by_stratum[place] = late;
    }
    return overdue;
  }

  const NewsSource& source_;
  std::optional<Cohort> cohort_;
  KpiPartial open_;
  std::map<std::size_t, StratumPartial> open_by_place_;
};

}  // namespace

NewsWindows news_windows(const NewsRequest& asked, TimePoint end, CutCost cost) {
  const auto range = [&](const Window& news) {
    NewsRange found{news, {}};
    if (asked.before == NewsRequest::Before::count) {
      found.before = mirrored(asked.since, news.start, news.end);
    }
    return found;
  };
  NewsWindows windows{range({std::min(asked.from, end), end}), {}};
  TimePoint start = windows.whole.news.start;
  for (const TimePoint step : step_ends(asked, windows.whole.news, cost)) {
    windows.steps.push_back(range({start, step}));
    start = step;
  }
  return windows;
}

NewsWindows one_look_windows(const Window& news, const std::optional<Window>& baseline) {
  NewsWindows windows{{news, {}}, {}, NewsWindows::Sides::all};
  if (baseline) windows.whole.before = {*baseline};
  constexpr auto kMost = static_cast<std::int64_t>(kMostBlocks);
  const std::int64_t slots = news.length() / Microseconds(kSlot);
  // The same in all sources, although each cut costs rows in a database: a report must not depend
  // on where the records are.
  const Microseconds step =
      std::max((slots + kMost - 1) / kMost, std::int64_t{1}) * Microseconds(kSlot);
  for (TimePoint start = news.start; start < news.end; start += step) {
    NewsRange range{{start, std::min(start + step, news.end)}, {}};
    if (baseline) {
      const Microseconds apart = news.start - baseline->start;
      const Window before{start - apart, std::min(range.news.end - apart, baseline->end)};
      if (before.start < before.end) range.before = {before};
    }
    windows.steps.push_back(std::move(range));
  }
  return windows;
}

News count_news(const NewsSource& source, const NewsWindows& windows) {
  const TimePoint end = windows.whole.news.end;
  const SideCounts canary(source, end, Cohort::canary);
  const SideCounts control(source, end, Cohort::control);
  const SideCounts all(source, end, std::nullopt);
  const auto count_cohorts = [&](const NewsRange& range, NewsStep& step) {
    SideNews news = canary.count(range.news);
    put(news, &StratumNews::canary, step.by_stratum);
    step.canary = std::move(news.runs);
    step.cold_canary = news.cold;
    news = control.count(range.news);
    put(news, &StratumNews::control, step.by_stratum);
    step.control = std::move(news.runs);
    step.cold_control = news.cold;
  };
  const auto count_all = [&](const NewsRange& range, NewsStep& step) {
    SideNews news = all.count(range.news);
    put(news, &StratumNews::all, step.by_stratum);
    step.all = std::move(news.runs);
    // The same hours of a day without a warm run would be held against the next ones.
    if (source.warmup.is_cold(range.news)) return;
    news = all.before(range.before);
    put(news, &StratumNews::before, step.by_stratum);
    step.before = std::move(news.runs);
  };
  NewsStep whole;
  count_cohorts(windows.whole, whole);
  count_all(windows.whole, whole);
  News news{windows.whole.news,
            source.limits,
            std::move(whole.canary),
            std::move(whole.control),
            std::move(whole.all),
            std::move(whole.before),
            {}};
  news.strata = source.strata;
  news.by_stratum = std::move(whole.by_stratum);
  news.steps.reserve(windows.steps.size());
  for (const NewsRange& range : windows.steps) {
    NewsStep& step = news.steps.emplace_back();
    step.window = range.news;
    // Only the sides that are held against each other: at every tick there are many steps.
    const bool has_all = windows.sides == NewsWindows::Sides::all;
    if (has_all || range.before.empty()) count_cohorts(range, step);
    if (!range.before.empty()) count_all(range, step);
  }
  return news;
}

}  // namespace dagloop
