#include "dagloop/report/replay_report.hpp"
#include "dagloop/report/words.hpp"
#include "report/kpi_json.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kReplaySchema = "dagloop.policy_replay/1";

std::int64_t seconds_of(Microseconds duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

Json time_or_null(const std::optional<TimePoint>& time) {
  return time ? Json(format_time(*time)) : Json();
}

Json trigger_to_json(const AlarmTrigger& fired) {
  const TriggerResult& trigger = fired.result;
  Json e_value;
  Json needed;
  if (trigger.evidence && trigger.evidence->is_available) {
    e_value = trigger.evidence->e_value;
    needed = trigger.evidence->needed;
  }
  return Json::object({{"name", trigger.name},
                       {"kpi", trigger.kpi},
                       {"at", format_time(fired.at)},
                       {"value", or_null(trigger.value)},
                       {"baseline_value", or_null(trigger.baseline_value)},
                       {"threshold", trigger.threshold},
                       {"sample_count", trigger.sample_count},
                       {"baseline_sample_count", trigger.baseline_sample_count},
                       {"e_value", std::move(e_value)},
                       {"needed", std::move(needed)},
                       {"text", reason_text(trigger.reason)}});
}

Json alarms_to_json(const std::vector<Alarm>& alarms) {
  Json::Array all;
  for (const Alarm& alarm : alarms) {
    Json::Array triggers;
    for (const AlarmTrigger& fired : alarm.triggers) triggers.push_back(trigger_to_json(fired));
    all.push_back(Json::object({{"first", format_time(alarm.first)},
                                {"last", format_time(alarm.last)},
                                {"ticks", alarm.ticks},
                                {"triggers", Json(std::move(triggers))}}));
  }
  return Json(std::move(all));
}

Json timeline_to_json(const std::vector<DecisionChange>& changes) {
  Json::Array all;
  for (const DecisionChange& change : changes) {
    all.push_back(
        Json::object({{"at", format_time(change.at)},
                      {"action", to_string(change.action)},
                      {"verdict", to_string(change.verdict)},
                      {"current_percent", change.current_percent},
                      {"next_percent", change.next_percent ? Json(*change.next_percent) : Json()},
                      {"reasons", reasons_to_json(change.reasons)},
                      {"patch", patch_to_json(change.patch)}}));
  }
  return Json(std::move(all));
}

Json findings_to_json(const std::vector<RegressionFinding>& findings) {
  Json::Array all;
  for (const RegressionFinding& finding : findings) {
    Json delay;
    // null where it was missed: 0 would be the best of all delays.
    if (finding.found) delay = seconds_of(*finding.found - finding.regression.start);
    all.push_back(Json::object({{"from", format_time(finding.regression.start)},
                                {"to", format_time(finding.regression.end)},
                                {"found", time_or_null(finding.found)},
                                {"delay_seconds", std::move(delay)}}));
  }
  return Json(std::move(all));
}

Json thresholds_to_json(const std::optional<ThresholdReport>& thresholds) {
  if (!thresholds) return Json();
  Json::Array each;
  for (const SuggestedThreshold& one : thresholds->each) {
    each.push_back(Json::object({{"key", one.key},
                                 {"configured", or_null(one.present)},
                                 {"suggested", or_null(one.suggested)},
                                 {"false_alarms", one.false_alarms},
                                 {"regressions", findings_to_json(one.findings)},
                                 {"note", one.note}}));
  }
  return Json::object({{"false_alarms_a_month", thresholds->most_a_month},
                       {"false_alarms_allowed", thresholds->most},
                       {"thresholds", Json(std::move(each))},
                       {"false_alarms", thresholds->false_alarms},
                       {"regressions", findings_to_json(thresholds->findings)},
                       {"config", suggested_config(*thresholds)}});
}

Json record_to_json(const ReplayRecord& record) {
  return Json::object({{"name", valid_utf8(record.name)},
                       {"policies", record.policies},
                       {"records", record.records},
                       {"malformed", record.malformed},
                       {"ticks", record.ticks},
                       {"promote", record.promotes},
                       {"hold", record.holds},
                       {"rollback", record.rollbacks},
                       {"without_data", record.without_data},
                       {"unconfirmed", record.unconfirmed},
                       {"false_alarms", record.false_alarms},
                       {"alarms", alarms_to_json(record.alarms)},
                       {"regressions", findings_to_json(record.findings)},
                       {"timeline", timeline_to_json(record.changes)},
                       {"suggestion", thresholds_to_json(record.thresholds)}});
}

}  // namespace

Json suggested_config(const ThresholdReport& thresholds) {
  Json::Object triggers;
  for (const SuggestedThreshold& one : thresholds.each) {
    if (one.suggested) triggers.emplace_back(one.key, Json(*one.suggested));
  }
  // Shaped as the configuration is, to be put into it as it stands.
  return Json::object({{"decision", Json::object({{"triggers", Json(std::move(triggers))}})}});
}

Json replay_to_json(const ReplayReport& report) {
  Json::Array records;
  for (const ReplayRecord& record : report.records) records.push_back(record_to_json(record));
  return Json::object({{"schema", kReplaySchema},
                       {"generated_at", format_time(report.generated_at)},
                       {"from", format_time(report.period.start)},
                       {"to", format_time(report.period.end)},
                       {"every_seconds", seconds_of(report.every)},
                       {"configurations", Json(std::move(records))}});
}

}  // namespace dagloop
