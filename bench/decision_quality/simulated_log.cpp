#include "simulated_log.hpp"

#include <algorithm>
#include <chrono>

namespace dagloop::bench {
namespace {

const char* code_of(Run::Failure failure) {
  switch (failure) {
    case Run::Failure::auth:
      return "AUTH_EXPIRED";
    case Run::Failure::server:
      return "503";
    case Run::Failure::other:
      break;
  }
  return "AGENT_LOOP";
}

const ErrorClasses& classes() {
  static const ErrorClasses kClasses;
  return kClasses;
}

void count_attempts(const Run& run, KpiPartial& partial) {
  NodePartial& node = partial.nodes["call"];
  node.attempts += kAttempts;
  node.failed_attempts += run.failed_attempts;
  node.run_node_pairs += kAttempts;
}

void count_run(const Run& run, KpiPartial& partial) {
  if (run.outcome == Run::Outcome::running) {
    ++partial.in_flight;
    const auto place =
        std::upper_bound(partial.open_runs.begin(), partial.open_runs.end(), run.ended);
    partial.open_runs.insert(place, run.ended);
    return;
  }
  ++partial.total_runs;
  partial.latency.add(run.duration_ms);
  count_attempts(run, partial);
  if (run.outcome == Run::Outcome::succeeded) {
    ++partial.succeeded;
    ++partial.succeeded_unaided;
  } else {
    const LabelledCode code = classes().label(code_of(run.failure));
    partial.add_code(code.label, {code.error_class, code.is_named}, 1);
  }
}

// Where plans are told, as the run table does.
void count_plan(const Run& run, KpiPartial& partial) {
  if (run.plan == Run::Plan::unknown) return;
  StratumPartial& alike = partial.strata[{"", run.plan == Run::Plan::llm ? "llm" : "rule"}];
  if (run.outcome == Run::Outcome::running) {
    alike.open_runs.insert(std::ranges::upper_bound(alike.open_runs, run.ended), run.ended);
    return;
  }
  const bool has_failed = run.outcome == Run::Outcome::failed;
  ++alike.total_runs;
  alike.succeeded += has_failed ? 0 : 1;
  alike.succeeded_unaided += has_failed ? 0 : 1;
  if (has_failed) {
    const ErrorClass found = classes().classify(code_of(run.failure));
    ++alike.error_classes.at(static_cast<std::size_t>(found));
  }
  alike.latency.add(run.duration_ms);
  alike.attempts += kAttempts;
  alike.failed_attempts += run.failed_attempts;
}

void count_user(const Run& run, UserRuns& user) {
  const bool has_failed = run.outcome == Run::Outcome::failed;
  UserRuns one;
  one.hash = user.hash = run.user;
  one.runs = 1;
  one.failed = one.aided = has_failed ? 1 : 0;
  one.attempts = kAttempts;
  one.failed_attempts = static_cast<std::uint32_t>(run.failed_attempts);
  if (has_failed) one.error_classes = {{classes().classify(code_of(run.failure)), 1}};
  one.durations = {{DurationHistogram::bucket_of(run.duration_ms), 1}};
  user.merge(one);
}

PartialKey key_of(TimePoint unit, const Run& run) {
  PartialKey key;
  key.slot = unit;
  key.population = Population::dag;
  key.cohort = run.cohort;
  if (run.outcome != Run::Outcome::running) key.age = AgeClass::of(run.ended, run.duration_ms);
  return key;
}

}  // namespace

void SimulatedLog::add_to(Partials& partials, TimePoint unit, const Run& run) {
  KpiPartial& partial = partials[key_of(unit, run)];
  count_run(run, partial);
  count_plan(run, partial);
}

void SimulatedLog::add(const Run& run) {
  add_to(slots_, floor_to_slot(run.ended), run);
  add_to(hours_, std::chrono::floor<std::chrono::hours>(run.ended), run);
  add_to(days_, std::chrono::floor<std::chrono::days>(run.ended), run);
  if (run.outcome != Run::Outcome::running) {
    count_user(run, users_[key_of(floor_to_slot(run.ended), run)][run.user]);
  }
  newest_ = std::max(newest_.value_or(run.ended), run.ended);
}

void SimulatedLog::sum_span(const Window& span, PartialSet& answer) const {
  constexpr std::chrono::hours kHour{1};
  constexpr std::chrono::days kDay{1};
  for (TimePoint at = span.start; at < span.end;) {
    const bool is_day = at == std::chrono::floor<std::chrono::days>(at) && at + kDay <= span.end;
    const bool is_hour = at == std::chrono::floor<std::chrono::hours>(at) && at + kHour <= span.end;
    const Partials& from = is_day ? days_ : is_hour ? hours_ : slots_;
    PartialKey key;
    key.slot = at;
    for (auto each = from.lower_bound(key); each != from.end() && each->first.slot == at; ++each) {
      key = each->first;
      key.slot = span.start;
      answer.partials[key].merge(each->second);
      answer.input.run_records += each->second.total_runs + each->second.in_flight;
    }
    at += is_day ? Microseconds(kDay) : is_hour ? Microseconds(kHour) : Microseconds(kSlot);
  }
}

void SimulatedLog::add_users(const Window& span, PartialSet& answer) const {
  PartialKey key;
  key.slot = span.start;
  for (auto each = users_.lower_bound(key); each != users_.end() && each->first.slot < span.end;
       ++each) {
    std::vector<UserRuns> users;
    for (const auto& [hash, user] : each->second) users.push_back(user);
    key = each->first;
    key.slot = span.start;
    answer.partials[key].users.merge(UserSums(std::move(users)));
  }
}

PartialSet SimulatedLog::read(const LogQuery& query) {
  PartialSet answer;
  TimePoint at = query.range.start;
  const std::optional<TimePoint> users_from = query.users_from();
  const auto sum_up_to = [&](TimePoint end) {
    if (end > at) {
      sum_span({at, end}, answer);
      if (users_from && at >= *users_from) add_users({at, end}, answer);
    }
    at = std::max(at, end);
  };
  if (query.cuts.empty()) {
    while (at < query.range.end) sum_up_to(at + kSlot);
  }
  for (const TimePoint cut : query.cuts) sum_up_to(cut);
  sum_up_to(query.range.end);
  answer.input.records = answer.input.run_records;
  answer.input.newest_record = newest_;
  answer.input.window.all = {answer.input.records, 0};
  return answer;
}

}  // namespace dagloop::bench
