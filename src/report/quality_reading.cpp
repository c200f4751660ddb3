#include <limits>

#include "dagloop/report/documents.hpp"
#include "report/attribution_json.hpp"
#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

std::map<std::string, std::uint64_t> read_counts(const JsonReader& reader) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [name, count] : reader.members()) counts[name] = read_count(count);
  return counts;
}

// The kinds of all KPIs, from a computation on nothing.
const KpiSet& known_kpis() {
  static const KpiSet kpis = compute_kpis({}, ErrorClasses());
  return kpis;
}

KpiSet read_kpis(const JsonReader& reader) {
  KpiSet kpis;
  for (const auto& [name, kpi] : reader.members()) {
    const Kpi* known = known_kpis().find(name);
    if (known == nullptr) kpi.fail("unknown KPI", "evaluate the log again with this version");
    kpis.add(name, read_kpi(kpi, known->kind));
  }
  for (const std::string& name : kpi_names()) {
    if (kpis.find(name) == nullptr) static_cast<void>(reader.at(name));
  }
  return kpis;
}

PopulationKpis read_figures(const JsonReader& reader) {
  PopulationKpis figures;
  figures.total_runs = read_count(reader.at("total_runs"));
  figures.succeeded_runs = read_count(reader.at("succeeded_runs"));
  figures.derived_runs = read_count(reader.at("derived_runs"));
  figures.in_flight = read_count(reader.at("in_flight"));
  figures.kpis = read_kpis(reader.at("kpis"));
  figures.error_codes = read_counts(reader.at("error_codes"));
  const JsonReader classes = reader.at("error_classes");
  for (const ErrorClass each : kErrorClasses) static_cast<void>(classes.at(to_string(each)));
  figures.error_classes = read_counts(classes);
  for (const auto& [name, node] : reader.at("nodes").members()) {
    figures.nodes[name] = {read_count(node.at("attempts")),
                           read_kpi(node.at("failure_rate"), KpiKind::rate),
                           read_kpi(node.at("retry_success_rate"), KpiKind::rate),
                           read_kpi(node.at("p95_latency_ms"), KpiKind::quantile)};
  }
  for (const auto& [name, source] : reader.at("plan_sources").members()) {
    figures.plan_sources[name] = {read_count(source.at("runs")),
                                  read_kpi(source.at("success_rate"), KpiKind::rate)};
  }
  return figures;
}

WindowKpis read_window_kpis(const JsonReader& reader) {
  WindowKpis window;
  window.window = read_window(reader.at("window"));
  const JsonReader populations = reader.at("populations");
  for (const Population population : {Population::dag, Population::non_dag}) {
    const JsonReader place = populations.at(to_string(population));
    PopulationKpis figures = read_figures(place);
    if (const auto cohorts = place.find("cohorts")) {
      for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
        const auto part = cohorts->find(to_string(cohort));
        if (part) figures.cohorts.emplace(cohort, read_figures(*part));
      }
    }
    window.populations.emplace(population, std::move(figures));
  }
  return window;
}

RejectReason read_reject_reason(const JsonReader& reader, std::string_view word) {
  if (const auto reason = value_of(kRejectWords, word)) return *reason;
  reader.fail("unknown reason", "evaluate the log again with this version");
}

InputCounts read_input(const JsonReader& reader) {
  InputCounts input;
  input.records = read_count(reader.at("records"));
  input.run_records = read_count(reader.at("run_records"));
  input.node_records = read_count(reader.at("node_records"));
  input.duplicates = read_count(reader.at("duplicates"));
  input.malformed = read_count(reader.at("malformed"));
  input.out_of_range = read_count(reader.at("out_of_range"));
  for (const auto& [word, count] : reader.at("malformed_by_reason").members()) {
    input.malformed_by_reason[read_reject_reason(count, word)] = read_count(count);
  }
  for (const JsonReader& example : reader.at("examples").elements()) {
    input.examples.push_back(
        {example.at("file").string(), read_count(example.at("line")),
         read_reject_reason(example.at("reason"), example.at("reason").string())});
  }
  if (const auto newest = reader.find("newest_record")) input.newest_record = newest->time();
  return input;
}

// Edge by edge; without a usual latency, and in a report of before, there are none.
std::vector<std::uint64_t> read_above(const JsonReader& arm, std::uint64_t timed) {
  std::vector<std::uint64_t> above;
  const auto reader = arm.find("above");
  if (!reader) return above;
  for (const JsonReader& place : reader->elements()) above.push_back(read_count(place));
  if (!above.empty() && !are_counts_above_edges(above, timed)) {
    reader->fail("is no list of counts above each latency", "evaluate the log again");
  }
  return above;
}

ArmFigures read_arm(const JsonReader& reader) {
  ArmFigures arm;
  arm.runs = read_count(reader.at("runs"));
  arm.failed = read_count(reader.at("failed"));
  arm.auth_errors = read_count(reader.at("auth_errors"));
  arm.server_errors = read_count(reader.at("server_errors"));
  arm.timed = read_count(reader.at("timed"));
  arm.slow = read_count(reader.at("slow"));
  arm.over_threshold = read_count(reader.at("over_threshold"));
  arm.above = read_above(reader, arm.timed);
  arm.attempts = read_count(reader.at("attempts"));
  arm.failed_attempts = read_count(reader.at("failed_attempts"));
  const bool is_share = arm.failed <= arm.runs && arm.auth_errors <= arm.runs &&
                        arm.server_errors <= arm.runs && arm.slow <= arm.timed &&
                        arm.over_threshold <= arm.timed && arm.failed_attempts <= arm.attempts;
  if (!is_share) reader.fail("a part is more than the whole", "evaluate the log again");
  return arm;
}

News read_news(const JsonReader& reader) {
  News news;
  news.window = read_window(reader.at("window"));
  if (const auto slow = reader.find("slow_ms")) news.limits.usual = slow->number();
  if (const auto limit = reader.find("threshold_ms")) news.limits.absolute = limit->number();
  news.canary = read_arm(reader.at("canary"));
  news.control = read_arm(reader.at("control"));
  news.all = read_arm(reader.at("all"));
  news.before = read_arm(reader.at("before"));
  return news;
}

CoarseDurations read_durations(const JsonReader& reader) {
  CoarseDurations durations;
  std::int64_t before = -1;
  for (const JsonReader& place : reader.elements()) {
    const auto pair = place.elements();
    const std::int64_t bucket = pair.size() == 2 ? pair[0].integer() : -1;
    if (bucket <= before || bucket >= coarse_bucket(std::numeric_limits<double>::max())) {
      place.fail("is no bucket behind the one before", "evaluate the log again");
    }
    before = bucket;
    durations.emplace_back(static_cast<std::int32_t>(bucket), read_count(pair[1]));
    if (durations.back().second == 0) place.fail("has no durations", "evaluate the log again");
  }
  return durations;
}

ServiceFigures read_service(const JsonReader& reader) {
  ServiceFigures service;
  service.durations = read_durations(reader.at("durations"));
  for (const auto& [name, node] : reader.at("nodes").members()) {
    service.nodes[name] = {read_count(node.at("pairs")),
                           read_count(node.at("attempts")),
                           read_count(node.at("failed_attempts")),
                           read_count(node.at("retries")),
                           read_count(node.at("retries_succeeded")),
                           read_durations(node.at("durations"))};
  }
  return service;
}

}  // namespace

Quality quality_from_json(const Json& document, std::string_view where) {
  const JsonReader reader(document, std::string(where));
  expect_schema(reader, "dagloop.quality_report/1");
  Quality quality;
  quality.generated_at = reader.at("generated_at").time();
  quality.as_of = reader.at("as_of").time();
  quality.current = read_window_kpis(reader);
  quality.input = read_input(reader.at("input"));
  if (const auto baseline = reader.find("baseline")) {
    quality.baseline = read_window_kpis(*baseline);
  }
  if (const auto news = reader.find("news")) quality.news = read_news(*news);
  if (const auto found = reader.find("attribution")) {
    quality.attribution = read_attribution(*found);
  }
  if (const auto service = reader.find("service")) quality.service = read_service(*service);
  return quality;
}

}  // namespace dagloop
