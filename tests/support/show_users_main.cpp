// show_users: reads a log and writes, of each span between two cuts (each slot where there are
// none), how many runs began in time, and whose they are: what a report does not show, and is to be
// the same whatever the source.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/source/log_source.hpp"

namespace dagloop::test {
namespace {

struct ShownLog {
  std::string source;
  std::string start;
  std::string end;
  std::vector<std::string> cuts;
  std::vector<std::string> users_in;  // starts and ends
  std::vector<std::string> begun_from;
  std::string rollup;
};

std::vector<TimePoint> times_of(const std::vector<std::string>& texts) {
  std::vector<TimePoint> times;
  for (const std::string& text : texts) times.push_back(*parse_time(text));
  return times;
}

LogQuery query_of(const ShownLog& shown) {
  LogQuery query;
  query.range = {*parse_time(shown.start), *parse_time(shown.end)};
  query.latest = query.range.end;
  query.cuts = times_of(shown.cuts);
  const std::vector<TimePoint> users_in = times_of(shown.users_in);
  for (std::size_t i = 0; i + 1 < users_in.size(); i += 2) {
    query.users_in.push_back({users_in[i], users_in[i + 1]});
  }
  const std::vector<TimePoint> begun_from = times_of(shown.begun_from);
  if (!begun_from.empty()) query.begun_between = {begun_from.front(), begun_from.back()};
  return query;
}

std::vector<Window> spans_of(const LogQuery& query) {
  std::vector<TimePoint> ends = query.cuts;
  for (TimePoint at = query.range.start; query.cuts.empty() && at < query.range.end; at += kSlot) {
    ends.push_back(at);
  }
  ends.push_back(query.range.end);
  std::vector<Window> spans;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) spans.push_back({ends[i], ends[i + 1]});
  return spans;
}

void show_user(const UserRuns& user) {
  fmt::print("  {:016x} {} {} {} {} {}", user.hash, user.runs, user.failed, user.aided,
             user.attempts, user.failed_attempts);
  for (const auto& [of, count] : user.error_classes) fmt::print(" {}={}", to_string(of), count);
  for (const auto& [bucket, count] : user.durations) fmt::print(" {}:{}", bucket, count);
  fmt::print("\n");
}

void show_span(const PartialSet& set, const LogQuery& query, const Window& span,
               std::optional<TimePoint> begun_from) {
  const bool has_users = std::ranges::any_of(
      query.users_in, [&](const Window& window) { return window.contains(span.start); });
  for (const Cohort cohort : {Cohort::none, Cohort::canary, Cohort::control}) {
    for (const Population population : {Population::dag, Population::non_dag}) {
      const KpiPartial sum = set.sum(span, population, cohort, begun_from);
      if (sum.total_runs == 0 && sum.skipped_runs == 0) continue;
      std::uint64_t attempts = 0;
      for (const auto& [name, node] : sum.nodes) attempts += node.attempts;
      fmt::print("{} {} {} {}: {} runs, {} succeeded, {} timed, {} skipped, {} attempts\n",
                 format_time(span.start), begun_from ? format_time(*begun_from) : "any",
                 to_string(cohort), to_string(population), sum.total_runs, sum.succeeded,
                 sum.latency.count(), sum.skipped_runs, attempts);
      if (!has_users) continue;
      for (const UserRuns& user : sum.users.users()) show_user(user);
    }
  }
}

void show(const ShownLog& shown) {
  const LogQuery query = query_of(shown);
  SourceOptions options;
  if (!shown.rollup.empty()) options.rollup = open_rollup_store(shown.rollup, {});
  const PartialSet set = open_sources({shown.source}, options)->read(query);
  std::vector<std::optional<TimePoint>> begun_from{std::nullopt};
  for (const TimePoint each : times_of(shown.begun_from)) begun_from.emplace_back(each);
  for (const Window& span : spans_of(query)) {
    for (const auto& each : begun_from) show_span(set, query, span, each);
  }
}

}  // namespace
}  // namespace dagloop::test

int main(int argc, char** argv) {
  dagloop::test::ShownLog shown;
  CLI::App app{"Shows whose the runs of a log are."};
  app.add_option("--source", shown.source)->required();
  app.add_option("--start", shown.start)->required();
  app.add_option("--end", shown.end)->required();
  app.add_option("--cuts", shown.cuts);
  app.add_option("--users-in", shown.users_in);
  app.add_option("--begun-from", shown.begun_from);
  app.add_option("--rollup", shown.rollup);
  CLI11_PARSE(app, argc, argv);
  try {
    dagloop::test::show(shown);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "show_users: %s\n", error.what());
    return 4;
  }
  return 0;
}
