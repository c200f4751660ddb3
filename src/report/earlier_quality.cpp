#include "report/earlier_quality.hpp"

#include <string_view>

#include "dagloop/kpi/kpi_set.hpp"
#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

void add_missing(Json& object, std::string_view key, Json value) {
  if (object.is_object() && object.find(key) == nullptr) object[key] = std::move(value);
}

// The place of a member that is there.
Json* member(Json& object, std::string_view key) {
  return object.find(key) == nullptr ? nullptr : &object[key];
}

void complete_kpis(Json& kpis) {
  static const KpiSet none = compute_kpis({});
  for (const auto& [name, kpi] : none.all()) add_missing(kpis, name, kpi_to_json(kpi));
}

void complete_figures(Json& figures) {
  for (const char* count : {"overdue", "skipped_runs", "cancelled_runs", "unread_runs"}) {
    add_missing(figures, count, 0);
  }
  add_missing(figures, "pipelines", Json::object());
  if (Json* kpis = member(figures, "kpis")) complete_kpis(*kpis);
  Json* cohorts = member(figures, "cohorts");
  if (cohorts == nullptr || !cohorts->is_object()) return;
  for (auto& [name, cohort] : cohorts->as_object()) complete_figures(cohort);
}

void complete_populations(Json& window) {
  Json* populations = member(window, "populations");
  if (populations == nullptr || !populations->is_object()) return;
  for (auto& [name, figures] : populations->as_object()) complete_figures(figures);
}

void complete_input(Json& input) {
  const Json no_lines = Json::object({{"lines", 0}, {"unread", 0}});
  const Json no_cohorts = Json::object({{"canary", no_lines}, {"control", no_lines}});
  add_missing(input, "window",
              Json::object({{"lines", 0}, {"unread", 0}, {"cohorts", no_cohorts}}));
  add_missing(input, "cancelled", "counted");
  add_missing(input, "mended_by_field", Json::object());
  add_missing(input, "mended_examples", Json::array());
  for (const char* count : {"other_lines", "set_aside"}) add_missing(input, count, 0);
  Json* examples = member(input, "examples");
  if (examples == nullptr || !examples->is_array()) return;
  for (Json& example : examples->as_array()) {
    for (const char* text : {"found", "wanted", "mapping"}) add_missing(example, text, "");
  }
}

}  // namespace

bool is_of_earlier_version(const Json& report) {
  const Json* input = report.find("input");
  return input != nullptr && input->is_object() && input->find("window") == nullptr;
}

Json with_later_members(Json report) {
  if (Json* input = member(report, "input")) complete_input(*input);
  complete_populations(report);
  if (Json* baseline = member(report, "baseline")) complete_populations(*baseline);
  return report;
}

}  // namespace dagloop
