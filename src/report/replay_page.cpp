#include <fmt/format.h>

#include "dagloop/report/replay_report.hpp"
#include "dagloop/report/words.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

std::string delay_text(const RegressionFinding& finding) {
  if (!finding.found) return "missed";
  const auto delay =
      std::chrono::floor<std::chrono::minutes>(*finding.found - finding.regression.start);
  const auto hours = std::chrono::floor<std::chrono::hours>(delay);
  if (hours.count() == 0) return fmt::format("after {} min", delay.count());
  return fmt::format("after {} h {} min", hours.count(), (delay - hours).count());
}

std::string number_text(const std::optional<double>& number) {
  return number ? fmt::format("{:.6g}", *number) : "off";
}

std::string step_text(const DecisionChange& change) {
  if (!change.next_percent) return fmt::format("{} %", change.current_percent);
  return fmt::format("{} % -> {} %", change.current_percent, *change.next_percent);
}

Table comparison(const ReplayReport& report) {
  Table table{{"configuration", "ticks", "promote", "hold", "rollback", "without data",
               "unconfirmed", "alarms", "first alarm"},
              {}};
  for (const ReplayRecord& record : report.records) {
    table.rows.push_back(
        {valid_utf8(record.name), std::to_string(record.ticks), std::to_string(record.promotes),
         std::to_string(record.holds), std::to_string(record.rollbacks),
         std::to_string(record.without_data), std::to_string(record.unconfirmed),
         std::to_string(record.alarms.size()),
         record.alarms.empty() ? "none" : format_time(record.alarms.front().first)});
  }
  return table;
}

void add_regressions(const ReplayReport& report, Page& page) {
  // All configurations were asked for the same regressions.
  if (report.records.empty() || report.records.front().findings.empty()) return;
  page.emplace_back(Heading{2, "Marked regressions"});
  Table table{{"from", "to"}, {}};
  for (const ReplayRecord& record : report.records) table.header.push_back(valid_utf8(record.name));
  for (std::size_t i = 0; i < report.records.front().findings.size(); ++i) {
    const Window& regression = report.records.front().findings[i].regression;
    std::vector<std::string> row{format_time(regression.start), format_time(regression.end)};
    for (const ReplayRecord& record : report.records) {
      row.push_back(delay_text(record.findings[i]));
    }
    table.rows.push_back(std::move(row));
  }
  std::vector<std::string> outside{"alarms that began outside", ""};
  for (const ReplayRecord& record : report.records) {
    outside.push_back(std::to_string(record.false_alarms));
  }
  table.rows.push_back(std::move(outside));
  page.emplace_back(std::move(table));
}

void add_alarms(const ReplayRecord& record, Page& page) {
  page.emplace_back(Heading{3, "Alarms"});
  if (record.alarms.empty()) {
    page.emplace_back(Paragraph{"None."});
    return;
  }
  Table table{{"first", "last", "ticks", "trigger", "fired at", "rested on"}, {}};
  for (const Alarm& alarm : record.alarms) {
    for (const AlarmTrigger& fired : alarm.triggers) {
      table.rows.push_back({format_time(alarm.first), format_time(alarm.last),
                            std::to_string(alarm.ticks), fired.result.name, format_time(fired.at),
                            reason_text(fired.result.reason)});
    }
  }
  page.emplace_back(std::move(table));
}

void add_timeline(const ReplayRecord& record, Page& page) {
  page.emplace_back(Heading{3, "Timeline"});
  Table table{{"from", "decision", "verdict", "step", "because"}, {}};
  for (const DecisionChange& change : record.changes) {
    table.rows.push_back({format_time(change.at), std::string(to_string(change.action)),
                          std::string(to_string(change.verdict)), step_text(change),
                          reason_text(change.reasons.front())});
  }
  page.emplace_back(std::move(table));
}

std::string findings_text(const std::vector<RegressionFinding>& findings) {
  std::string text;
  for (const RegressionFinding& finding : findings) {
    text += (text.empty() ? "" : ", ") + delay_text(finding);
  }
  return text.empty() ? "none is marked" : text;
}

void add_thresholds(const ReplayRecord& record, Page& page) {
  if (!record.thresholds) return;
  const ThresholdReport& report = *record.thresholds;
  page.emplace_back(Heading{3, "Suggested thresholds"});
  page.emplace_back(Paragraph{
      fmt::format("The smallest that would have given at most {:.6g} false alarms in 30 days each, "
                  "{} in this history; history vouches for nothing but itself.",
                  report.most_a_month, report.most)});
  Table table{{"threshold", "configured", "suggested", "false alarms", "marked regressions"}, {}};
  for (const SuggestedThreshold& one : report.each) {
    if (!one.suggested) {
      table.rows.push_back({one.key, number_text(one.present), "none", "", one.note});
      continue;
    }
    table.rows.push_back({one.key, number_text(one.present), number_text(one.suggested),
                          std::to_string(one.false_alarms), findings_text(one.findings)});
  }
  table.rows.push_back({"all of them together", "", "", std::to_string(report.false_alarms),
                        findings_text(report.findings)});
  page.emplace_back(std::move(table));
  page.emplace_back(
      Paragraph{"In the configuration: " + to_compact_json(suggested_config(report))});
}

}  // namespace

Page compose_replay_page(const ReplayReport& report) {
  Page page;
  page.emplace_back(Heading{1, "Replay of past logs"});
  page.emplace_back(
      Paragraph{fmt::format("{} to {}, a tick every {}.", format_time(report.period.start),
                            format_time(report.period.end), format_duration(report.every))});
  // Configurations beside one another first: that is what a replay is asked for.
  page.emplace_back(comparison(report));
  page.emplace_back(Paragraph{
      "Nothing that is decided here changes what comes after it: the log goes on as it was."});
  add_regressions(report, page);
  for (const ReplayRecord& record : report.records) {
    page.emplace_back(Heading{2, valid_utf8(record.name)});
    page.emplace_back(
        Paragraph{fmt::format("{} records, {} of them malformed; policies in force: {}.",
                              record.records, record.malformed, record.policies)});
    add_alarms(record, page);
    add_timeline(record, page);
    add_thresholds(record, page);
  }
  return page;
}

}  // namespace dagloop
