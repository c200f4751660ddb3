#include "story_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dagloop::bench {
namespace {

// The probability of `events` or fewer among `trials`.
double binomial_up_to(std::uint64_t events, std::uint64_t trials, double rate) {
  if (rate <= 0) return 1;
  if (rate >= 1) return events >= trials ? 1 : 0;
  const auto n = static_cast<double>(trials);
  double sum = 0;
  for (std::uint64_t i = 0; i <= events; ++i) {
    const auto k = static_cast<double>(i);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(rate) + (n - k) * std::log1p(-rate));
  }
  return std::min(1.0, sum);
}

// The rate at which that many or fewer have this probability: it falls with the rate.
double rate_where(std::uint64_t events, std::uint64_t trials, double probability) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (binomial_up_to(events, trials, middle) > probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

StoryFigures::Quantiles quantiles_of(std::vector<double> values, std::size_t of) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double p) -> std::optional<double> {
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(of)));
    if (rank == 0 || rank > values.size()) return std::nullopt;
    return values[rank - 1];
  };
  return {at(0.5), at(0.9)};
}

std::string cell(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "";
}

}  // namespace

Interval exact_interval(const Proportion& seen) {
  constexpr double kTail = 0.025;
  Interval interval{0, 1};
  if (seen.events > 0) interval.low = rate_where(seen.events - 1, seen.trials, 1 - kTail);
  if (seen.events < seen.trials) interval.high = rate_where(seen.events, seen.trials, kTail);
  return interval;
}

StoryFigures figures_of_story(const Story& story, const std::vector<StoryOutcome>& outcomes) {
  StoryFigures figures;
  std::vector<double> runs;
  std::vector<double> hours;
  std::vector<double> days;
  const bool is_fault = story.truth == Story::Truth::worse;
  for (Proportion* count : {&figures.found, &figures.early, &figures.promoted, &figures.at_top}) {
    count->trials = outcomes.size();
  }
  for (const StoryOutcome& outcome : outcomes) {
    const bool is_early = is_fault && outcome.found && outcome.found->hours < 0;
    if (is_early) ++figures.early.events;
    if (outcome.was_promoted) ++figures.promoted.events;
    if (outcome.days_to_top) {
      ++figures.at_top.events;
      days.push_back(*outcome.days_to_top);
    }
    if (!outcome.found || is_early) continue;
    ++figures.found.events;
    runs.push_back(static_cast<double>(outcome.found->canary_runs));
    hours.push_back(outcome.found->hours);
  }
  // Those that go back falsely do so at once or never: theirs is the median of those that do.
  const std::size_t of = is_fault ? outcomes.size() : runs.size();
  figures.canary_runs = quantiles_of(runs, of);
  figures.hours = quantiles_of(hours, of);
  figures.days_to_top = quantiles_of(days, days.size());
  return figures;
}

std::string csv_head() {
  return "line,rule,rollouts,rolled_back,percent,low,high,early,promoted,at_top,"
         "canary_runs_median,canary_runs_90,hours_median,hours_90,days_to_top_median\n";
}

std::string csv_line(const Story& story, const std::string& rule, const StoryFigures& figures) {
  const Interval bounds = exact_interval(figures.found);
  const double share =
      100 * static_cast<double>(figures.found.events) / static_cast<double>(figures.found.trials);
  return fmt::format("\"{}\",\"{}\",{},{},{:.2f},{:.2f},{:.2f},{},{},{},{},{},{},{},{}\n",
                     story.name, rule, figures.found.trials, figures.found.events, share,
                     100 * bounds.low, 100 * bounds.high, figures.early.events,
                     figures.promoted.events, figures.at_top.events,
                     cell(figures.canary_runs.median, 0), cell(figures.canary_runs.most, 0),
                     cell(figures.hours.median, 2), cell(figures.hours.most, 2),
                     cell(figures.days_to_top.median, 2));
}

}  // namespace dagloop::bench
