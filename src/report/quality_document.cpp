#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"
#include "report/attribution_json.hpp"
#include "report/kpi_json.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

Json counts_to_json(const std::map<std::string, std::uint64_t>& counts) {
  Json object = Json::object();
  for (const auto& [name, count] : counts) object[name] = count;
  return object;
}

Json node_to_json(const NodeKpis& node) {
  return Json::object({{"attempts", node.attempts},
                       {"failure_rate", kpi_to_json(node.failure_rate)},
                       {"retry_success_rate", kpi_to_json(node.retry_success_rate)},
                       {"p95_latency_ms", kpi_to_json(node.p95_latency_ms)}});
}

Json figures_to_json(const PopulationKpis& figures) {
  Json document = Json::object({{"total_runs", figures.total_runs},
                                {"succeeded_runs", figures.succeeded_runs},
                                {"derived_runs", figures.derived_runs},
                                {"in_flight", figures.in_flight}});
  Json::Object kpis;
  for (const auto& [name, kpi] : figures.kpis.all()) kpis.emplace_back(name, kpi_to_json(kpi));
  document["kpis"] = Json(std::move(kpis));
  document["error_codes"] = counts_to_json(figures.error_codes);
  document["error_classes"] = counts_to_json(figures.error_classes);
  Json::Object nodes;
  for (const auto& [name, node] : figures.nodes) nodes.emplace_back(name, node_to_json(node));
  document["nodes"] = Json(std::move(nodes));
  Json::Object sources;
  for (const auto& [name, source] : figures.plan_sources) {
    sources.emplace_back(name, Json::object({{"runs", source.runs},
                                             {"success_rate", kpi_to_json(source.success_rate)}}));
  }
  document["plan_sources"] = Json(std::move(sources));
  return document;
}

Json population_to_json(Population population, const PopulationKpis& figures) {
  Json document = figures_to_json(figures);
  if (population != Population::dag) return document;
  Json cohorts = Json::object();
  for (const auto& [cohort, part] : figures.cohorts) {
    cohorts[to_string(cohort)] = figures_to_json(part);
  }
  document["cohorts"] = std::move(cohorts);
  return document;
}

Json populations_to_json(const WindowKpis& window) {
  Json document = Json::object();
  for (const auto& [population, figures] : window.populations) {
    document[to_string(population)] = population_to_json(population, figures);
  }
  return document;
}

Json input_to_json(const Quality& quality) {
  const InputCounts& input = quality.input;
  Json by_reason = Json::object();
  for (const auto& [reason, count] : input.malformed_by_reason) {
    by_reason[to_string(reason)] = count;
  }
  Json::Array examples;
  for (const MalformedExample& example : input.examples) {
    examples.push_back(Json::object({{"file", valid_utf8(redact_label(example.file))},
                                     {"line", example.line},
                                     {"reason", to_string(example.reason)}}));
  }
  return Json::object(
      {{"records", input.records},
       {"run_records", input.run_records},
       {"node_records", input.node_records},
       {"derived_runs", quality.derived_runs()},
       {"duplicates", input.duplicates},
       {"in_flight", quality.in_flight()},
       {"malformed", input.malformed},
       {"malformed_by_reason", std::move(by_reason)},
       {"examples", std::move(examples)},
       {"out_of_range", input.out_of_range},
       {"newest_record", input.newest_record ? Json(format_time(*input.newest_record)) : Json()}});
}

Json arm_to_json(const ArmFigures& arm) {
  Json::Array above(arm.above.begin(), arm.above.end());
  return Json::object({{"runs", arm.runs},
                       {"failed", arm.failed},
                       {"auth_errors", arm.auth_errors},
                       {"server_errors", arm.server_errors},
                       {"timed", arm.timed},
                       {"slow", arm.slow},
                       {"over_threshold", arm.over_threshold},
                       {"above", std::move(above)},
                       {"attempts", arm.attempts},
                       {"failed_attempts", arm.failed_attempts}});
}

Json limit_to_json(const std::optional<double>& limit) { return limit ? Json(*limit) : Json(); }

Json news_to_json(const News& news) {
  return Json::object({{"window", window_to_json(news.window)},
                       {"slow_ms", limit_to_json(news.limits.usual)},
                       {"threshold_ms", limit_to_json(news.limits.absolute)},
                       {"canary", arm_to_json(news.canary)},
                       {"control", arm_to_json(news.control)},
                       {"all", arm_to_json(news.all)},
                       {"before", arm_to_json(news.before)}});
}

Json durations_to_json(const CoarseDurations& durations) {
  Json::Array buckets;
  for (const auto& [bucket, count] : durations) {
    buckets.emplace_back(Json::Array{std::int64_t{bucket}, count});
  }
  return Json(std::move(buckets));
}

Json service_to_json(const std::optional<ServiceFigures>& service) {
  if (!service) return Json();
  Json::Object nodes;
  for (const auto& [name, node] : service->nodes) {
    nodes.emplace_back(name, Json::object({{"pairs", node.pairs},
                                           {"attempts", node.attempts},
                                           {"failed_attempts", node.failed_attempts},
                                           {"retries", node.retries},
                                           {"retries_succeeded", node.retries_succeeded},
                                           {"durations", durations_to_json(node.durations)}}));
  }
  return Json::object(
      {{"durations", durations_to_json(service->durations)}, {"nodes", Json(std::move(nodes))}});
}

}  // namespace

Json quality_to_json(const Quality& quality) {
  Json baseline;
  if (quality.baseline) {
    baseline = Json::object({{"window", window_to_json(quality.baseline->window)},
                             {"populations", populations_to_json(*quality.baseline)}});
  }
  return Json::object({{"schema", "dagloop.quality_report/1"},
                       {"generated_at", format_time(quality.generated_at)},
                       {"as_of", format_time(quality.as_of)},
                       {"window", window_to_json(quality.current.window)},
                       {"input", input_to_json(quality)},
                       {"populations", populations_to_json(quality.current)},
                       {"baseline", std::move(baseline)},
                       {"news", news_to_json(quality.news)},
                       {"attribution", attribution_to_json(quality.attribution)},
                       {"service", service_to_json(quality.service)}});
}

}  // namespace dagloop
