#include "dagloop/cycle/replay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "dagloop/base/assert.hpp"
#include "dagloop/cycle/assessment.hpp"
#include "dagloop/cycle/daily_history.hpp"
#include "dagloop/cycle/rollout_evidence.hpp"

namespace dagloop {
namespace {

constexpr Microseconds kReplayDay = std::chrono::hours(24);

// Which statistics every tick had, for the thresholds that may be suggested.
class ThresholdHistory {
 public:
  ThresholdHistory(const ReplayRequest& request, const MarkedRegressions& regressions)
      : request_(request), regressions_(regressions) {}

  void add(TimePoint at, const std::vector<TriggerResult>& probed) {
    const bool is_marked = regressions_.mark(at);
    // False alarms are counted by the month, and only where there could be one: inside a marked
    // regression an alarm is right.
    if (!is_marked) ++counted_;
    for (std::size_t i = 0; i < kSuggestable.size(); ++i) {
      ticks_[i].push_back({at, firing_limit(probed, kSuggestable[i]), is_marked});
    }
  }

  ThresholdReport report(const TriggerThresholds& present) const {
    DAGLOOP_ASSERT(request_.most_false_alarms);
    ThresholdReport report;
    report.most_a_month = *request_.most_false_alarms;
    const double months = static_cast<double>(counted_ * request_.every.count()) /
                          static_cast<double>((30 * kReplayDay).count());
    // The 1e-9 is for products such as 0.1 * 30 that should be whole and are a little less.
    report.most = static_cast<std::size_t>(std::floor(report.most_a_month * months + 1e-9));
    for (std::size_t i = 0; i < kSuggestable.size(); ++i) {
      TriggerThresholds configured = present;
      report.each.push_back(suggest_threshold(
          kSuggestable[i], threshold_of(configured, kSuggestable[i]), ticks_[i], report.most));
    }
    judge(report);
    return report;
  }

 private:
  using Fires = std::function<bool(std::size_t tick)>;

  std::vector<Alarm> alarms_where(const Fires& fires) const {
    std::vector<Alarm> alarms;
    bool was_firing = false;
    for (std::size_t tick = 0; tick < ticks_.front().size(); ++tick) {
      const TimePoint at = ticks_.front()[tick].at;
      const bool is_firing = fires(tick);
      if (is_firing && !was_firing) alarms.push_back({at, at, 0, {}});
      if (is_firing) alarms.back().last = at;
      was_firing = is_firing;
    }
    return alarms;
  }

  // By itself, and as one alarm: whichever of them fires.
  void judge(ThresholdReport& report) const {
    const auto fires = [&](std::size_t which, std::size_t tick) {
      const auto& suggested = report.each[which].suggested;
      return suggested && ticks_[which][tick].statistic >= *suggested;
    };
    for (std::size_t i = 0; i < kSuggestable.size(); ++i) {
      const auto alarms = alarms_where([&](std::size_t tick) { return fires(i, tick); });
      report.each[i].findings = find_regressions(alarms, regressions_);
    }
    const auto alarms = alarms_where([&](std::size_t tick) {
      bool any = false;
      for (std::size_t i = 0; i < kSuggestable.size(); ++i) any = any || fires(i, tick);
      return any;
    });
    report.false_alarms = count_false_alarms(alarms, regressions_);
    report.findings = find_regressions(alarms, regressions_);
  }

  const ReplayRequest& request_;
  const MarkedRegressions& regressions_;
  std::int64_t counted_ = 0;
  std::array<std::vector<SearchTick>, kSuggestable.size()> ticks_;
};

// A log tick by tick. Figures of windows are kept for as long as a later tick may ask for them:
// what is a tick's window is the baseline of a later one.
class ReplayedTicks {
 public:
  ReplayedTicks(const ReplayLog& log, const Config& config) : log_(log), config_(config) {}

  // Shape: refers to this.
  CountedLog as_of(TimePoint tick) {
    const InputCounts input = log_.input_at(tick);
    overdue_ = {config_.input.overdue_after, input.newest_record};
    return {[this](const Window& window, Population population, std::optional<Cohort> cohort,
                   std::optional<TimePoint> begun_from) {
              return sum({window, begun_from}, population, cohort);
            },
            [this](const Window& window, std::optional<TimePoint> begun_from) {
              return figures({window, begun_from});
            },
            input, overdue_};
  }

  // Order: after the tick.
  void forget_until(TimePoint tick) {
    constexpr std::size_t kMost = 500;  // of very long windows none is kept
    if (kept_.size() > kMost) kept_.clear();
    std::erase_if(kept_,
                  [&](const auto& each) { return each.first.first.end <= tick - config_.window; });
  }

 private:
  // A window, and from when on its runs have to have begun.
  using RunsOf = std::pair<Window, std::optional<TimePoint>>;

  // The runs of a whole window are asked for more than once.
  // What a slot that is only begun had so far is not known apart.
  KpiPartial sum(const RunsOf& asked, Population population, std::optional<Cohort> cohort) {
    const auto& [window, begun_from] = asked;
    const RunsOf whole{{window.start, floor_to_slot(window.end)}, begun_from};
    if (population != Population::dag || cohort) {
      return log_.sums().sum(whole.first, population, cohort, begun_from);
    }
    if (last_ != whole) last_sum_ = log_.sums().sum(whole.first, population, cohort, begun_from);
    last_ = whole;
    return last_sum_;
  }

  const WindowKpis& figures(const RunsOf& asked) {
    const auto found = kept_.find(asked);
    if (found != kept_.end()) return found->second;
    const RunSum summed = [this](const Window& of, Population population,
                                 std::optional<Cohort> cohort,
                                 std::optional<TimePoint> begun_from) {
      return sum({of, begun_from}, population, cohort);
    };
    WindowKpis counted = compute_window_kpis(begun(summed, asked.second), asked.first, overdue_);
    // A run that never ended becomes overdue at a later tick: such figures are of this tick alone.
    const bool may_change = std::ranges::any_of(
        counted.populations, [](const auto& each) { return each.second.in_flight > 0; });
    WindowKpis& place = may_change ? of_this_tick_ : kept_[asked];
    place = std::move(counted);
    return place;
  }

  const ReplayLog& log_;
  const Config& config_;
  OverdueRule overdue_;  // at the present tick
  std::map<RunsOf, WindowKpis> kept_;
  WindowKpis of_this_tick_;
  RunsOf last_;
  KpiPartial last_sum_;
};

// How the triggers would stand with thresholds that everything crosses.
std::vector<TriggerResult> probed(const Assessment& found, const AssessmentContext& context,
                                  const AssessmentInputs& inputs) {
  const std::vector<PolicyRule> no_rules;  // of the triggers alone
  const Config& config = context.config;
  DecisionConfig probe = config.decision;
  probe.triggers = probing(probe.triggers);
  return decide(DecisionInputs{found.quality, found.gate, config.baseline.kind, probe,
                               found.evidence.all, config.input.limits, context.keys, no_rules,
                               inputs.values, inputs.env_sha256, inputs.history, inputs.now,
                               config.policy.approval_ttl, kTickActor})
      .triggers;
}

// The figures of whole days, kept from tick to tick as the cycle keeps them.
void keep_last_day(std::vector<DailyFigures>& days, const Assessment& found, const ReplayLog& log,
                   const Config& config, TimePoint tick) {
  if (found.decision.action == Action::rollback) return;
  const auto day = day_to_read(days, tick, config);
  if (!day || !data_faults(found.quality, config.input.limits).empty()) return;
  keep_day(days, daily_figures(day->start, log.sums().sum(*day, Population::dag)));
}

// What evidence has excluded, from tick to tick, as the cycle's state keeps it.
class Exclusions {
 public:
  explicit Exclusions(const std::string& rollout_key) : rollout_key_(rollout_key) {}

  // Before a tick: a person may have begun a new rollout since the last one.
  const std::vector<ExcludedPolicy>& before(const PolicyPeriod& period, Evidence& kept) {
    if (period.new_rollout == new_rollout_) return excluded_;
    new_rollout_ = period.new_rollout;
    const std::string subject = rollout_subject(period.values, rollout_key_);
    std::erase_if(excluded_, [&](const auto& each) { return each.subject == subject; });
    kept = begun_anew(kept);
    return excluded_;
  }
  void add(const PolicyPeriod& period, const Decision& decision) {
    note_excluded(excluded_, period.values, rollout_key_, {decision.triggers, decision.as_of});
  }

 private:
  const std::string& rollout_key_;
  std::vector<ExcludedPolicy> excluded_;
  std::optional<TimePoint> new_rollout_;
};

// The range that has to be read for one configuration.
Window range_of(const ReplayRequest& request, const Config& config) {
  TimePoint start =
      request.period.start - std::max<Microseconds>(2 * config.window, evidence_reach(config));
  TimePoint end = request.period.end;
  if (config.baseline.period) {
    start = std::min(start, config.baseline.period->start);
    end = std::max(end, config.baseline.period->end);
  }
  return {floor_to_slot(start) - config.input.run_horizon, ceil_to_slot(end)};
}

// Whether one reading serves both.
bool have_one_log(const Config& a, const Config& b) {
  const auto what_counts = [](const Config& config) {
    const InputConfig& input = config.input;
    return std::tie(input.sources, input.mapping, input.dedupe, input.run_horizon,
                    input.future_skew, input.rules, config.error_classes.patterns());
  };
  return what_counts(a) == what_counts(b);
}

}  // namespace

InputCounts ReplayLog::input_at(TimePoint tick) const {
  InputCounts input = input_;
  const auto newest = sums_.newest_slot_before(tick);
  const bool is_older = input_.newest_record && *input_.newest_record < tick;
  if (newest || !is_older) input.newest_record = newest;
  return input;
}

ReplayRecord replay(const ReplayRequest& request, const ReplayedConfig& replayed,
                    const ReplayLog& log, const OnDecision& on_decision) {
  DAGLOOP_ASSERT(request.every > Microseconds::zero());
  const Config& config = replayed.config;
  const AssessmentContext context{config, replayed.keys, replayed.rules};
  ReplayRecord record;
  record.name = replayed.name;
  record.policies = replayed.policies_from;
  record.records = log.input().records;
  record.malformed = log.input().malformed;
  const MarkedRegressions regressions{request.regressions, config.window};
  ThresholdHistory history(request, regressions);
  Evidence kept;
  std::vector<DailyFigures> days;
  Exclusions exclusions(config.decision.rollout_key);
  ReplayedTicks ticks(log, config);
  for (TimePoint tick = request.period.start; tick <= request.period.end; tick += request.every) {
    const PolicyPeriod& period = replayed.policies.before(tick);
    AssessmentInputs inputs{period.values, replayed.env_sha256, period.history, kept, tick, days};
    inputs.history.excluded = exclusions.before(period, kept);
    Assessment found = assess(context, inputs, [&](const EvaluationRequest& asked) {
      return evaluate_counted(ticks.as_of(tick), asked, config, tick);
    });
    ticks.forget_until(tick);
    exclusions.add(period, found.decision);
    record.add(found.decision);
    if (on_decision) on_decision(found.decision);
    if (request.most_false_alarms) history.add(tick, probed(found, context, inputs));
    keep_last_day(days, found, log, config, tick);
    kept = std::move(found.evidence.sealed);
  }
  record.findings = find_regressions(record.alarms, regressions);
  record.false_alarms = count_false_alarms(record.alarms, regressions);
  if (request.most_false_alarms) record.thresholds = history.report(config.decision.triggers);
  return record;
}

std::vector<ReplayRecord> replay_all(const ReplayRequest& request,
                                     const std::vector<ReplayedConfig>& all, const OpenLog& open,
                                     TimePoint now) {
  std::vector<ReplayRecord> records(all.size());
  std::vector<char> is_done(all.size(), 0);
  for (std::size_t first = 0; first < all.size(); ++first) {
    if (is_done[first] != 0) continue;
    const Config& config = all[first].config;
    std::vector<std::size_t> group;
    Window range = range_of(request, config);
    for (std::size_t i = first; i < all.size(); ++i) {
      if (!have_one_log(config, all[i].config)) continue;
      const Window needed = range_of(request, all[i].config);
      range = {std::min(range.start, needed.start), std::max(range.end, needed.end)};
      group.push_back(i);
    }
    const ReplayLog log(open(config)->read({.range = range,
                                            .latest = now + config.input.future_skew,
                                            .users_in = {range},
                                            .begun_between = range}));
    for (const std::size_t i : group) {
      records[i] = replay(request, all[i], log);
      is_done[i] = 1;
    }
  }
  return records;
}

}  // namespace dagloop
