#include "dagloop/report/documents.hpp"
#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr std::array kPopulations{Population::dag, Population::non_dag};
constexpr std::array kSeverities{Severity::fail, Severity::warn};
constexpr std::array kStatuses{CheckStatus::pass, CheckStatus::fail, CheckStatus::warn,
                               CheckStatus::insufficient};

Json check_to_json(const CheckResult& result) {
  const GateCheck& check = result.check;
  return Json::object({{"kpi", check.kpi},
                       {"population", to_string(check.population)},
                       {"comparator", to_string(check.comparator)},
                       {"threshold", check.threshold},
                       {"min_sample", check.min_sample},
                       {"severity", to_string(check.severity)},
                       {"status", to_string(result.status)},
                       {"value", or_null(result.value)},
                       {"sample_count", result.sample_count},
                       {"ci95", interval_to_json(result.ci95)},
                       {"reason", reason_to_json(result.reason)}});
}

CheckResult read_check(const JsonReader& reader) {
  CheckResult result;
  result.check.kpi = reader.at("kpi").string();
  result.check.population = read_word(reader.at("population"), kPopulations);
  const auto comparator = parse_comparator(reader.at("comparator").string());
  if (!comparator) reader.at("comparator").fail("unknown comparator", "judge the report again");
  result.check.comparator = *comparator;
  result.check.threshold = reader.at("threshold").number();
  result.check.min_sample = read_count(reader.at("min_sample"));
  result.check.severity = read_word(reader.at("severity"), kSeverities);
  result.status = read_word(reader.at("status"), kStatuses);
  result.value = reader.find_number("value");
  result.sample_count = read_count(reader.at("sample_count"));
  result.ci95 = read_interval(reader, "ci95");
  // Also of an earlier version, whose reasons are words alone: a verdict may be older than this
  // tool.
  result.reason = read_told_reason(reader.at("reason"));
  return result;
}

}  // namespace

Json gate_to_json(const GateResult& gate, const Quality& quality) {
  Json::Array checks;
  for (const CheckResult& result : gate.checks) checks.push_back(check_to_json(result));
  return Json::object({{"schema", "dagloop.quality_gate/1"},
                       {"generated_at", format_time(quality.generated_at)},
                       {"as_of", format_time(quality.as_of)},
                       {"window", window_to_json(quality.current.window)},
                       {"verdict", to_string(gate.verdict)},
                       {"checks", Json(std::move(checks))},
                       {"reasons", reasons_to_json(gate.reasons)}});
}

GateResult gate_from_json(const Json& document, const Quality& quality, std::string_view where) {
  const JsonReader reader(document, std::string(where));
  expect_schema(reader, "dagloop.quality_gate/1");
  // A gate of yesterday beside the figures of today would be a verdict on the wrong runs.
  if (reader.at("as_of").time() != quality.as_of ||
      read_window(reader.at("window")) != quality.current.window) {
    reader.fail("judges another report (its as_of or window differs)",
                "judge this report with dag_quality_gate");
  }
  GateResult gate;
  const auto verdict = parse_verdict(reader.at("verdict").string());
  if (!verdict) reader.at("verdict").fail("unknown verdict", "judge the report again");
  gate.verdict = *verdict;
  for (const JsonReader& check : reader.at("checks").elements()) {
    gate.checks.push_back(read_check(check));
  }
  for (const JsonReader& reason : reader.at("reasons").elements()) {
    gate.reasons.push_back(read_told_reason(reason));
  }
  return gate;
}

}  // namespace dagloop
