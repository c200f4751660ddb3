#include "dagloop/config/config.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/json_schema.hpp"
#include "dagloop/record/contract_words.hpp"

namespace dagloop {
namespace {

constexpr std::array kFormatWords{std::pair{"json", ReportFormat::json},
                                  std::pair{"md", ReportFormat::md},
                                  std::pair{"html", ReportFormat::html}};

std::vector<std::string> string_list(const JsonReader& reader) {
  std::vector<std::string> all;
  for (const JsonReader& element : reader.elements()) all.push_back(element.string());
  return all;
}

void read_string(const JsonReader& section, std::string_view key, std::string& target) {
  if (const auto found = section.find(key)) target = found->string();
}

void read_duration(const JsonReader& section, std::string_view key, Microseconds& target) {
  if (const auto found = section.find(key)) target = found->duration();
}

Status open_status(const JsonReader& reader) {
  const auto status = value_of(kStatusWords, std::string_view(reader.string()));
  if (!status || is_final(*status)) {
    reader.fail("no status of a run that goes on", "give running, pending or compensating");
  }
  return *status;
}

void parse_counting(const JsonReader& section, CountingRules& rules) {
  if (const auto statuses = section.find("overdue_statuses")) {
    rules.overdue_statuses.clear();
    for (const JsonReader& each : statuses->elements()) {
      rules.overdue_statuses.insert(open_status(each));
    }
  }
  if (const auto cancelled = section.find("cancelled")) {
    if (cancelled->string() != "counted" && cancelled->string() != "excluded") {
      cancelled->fail("unknown way to count cancelled runs", "give \"counted\" or \"excluded\"");
    }
    rules.cancelled = cancelled->string() == "counted" ? Cancelled::counted : Cancelled::excluded;
  }
  if (const auto pipelines = section.find("pipelines")) {
    const std::vector<std::string> names = string_list(*pipelines);
    rules.pipelines = {names.begin(), names.end()};
  }
}

void parse_input(const JsonReader& section, InputConfig& input) {
  section.allow_only({"sources", "mapping", "max_malformed_share", "max_age", "future_skew",
                      "lateness", "run_horizon", "statement_timeout", "read_timeout", "dedupe",
                      "rollup", "overdue_after", "overdue_statuses", "cancelled", "pipelines"});
  if (const auto sources = section.find("sources")) input.sources = string_list(*sources);
  read_string(section, "mapping", input.mapping);
  read_string(section, "rollup", input.rollup);
  if (const auto share = section.find("max_malformed_share")) {
    input.limits.max_malformed_share = share->number();
    // A share of 1 would accept a log of which no line can be read, and decide on nothing.
    if (input.limits.max_malformed_share < 0 || input.limits.max_malformed_share >= 1) {
      share->fail("not a share", "give a fraction from 0 to below 1, e.g. 0.01");
    }
  }
  read_duration(section, "max_age", input.limits.max_age);
  read_duration(section, "future_skew", input.future_skew);
  read_duration(section, "run_horizon", input.run_horizon);
  read_duration(section, "statement_timeout", input.statement_timeout);
  read_duration(section, "read_timeout", input.read_timeout);
  read_duration(section, "lateness", input.lateness);
  if (const auto dedupe = section.find("dedupe")) {
    if (dedupe->string() != "runs" && dedupe->string() != "records") {
      dedupe->fail("unknown way to drop duplicates", "give \"runs\" or \"records\"");
    }
    input.dedupe = dedupe->string() == "runs" ? Dedupe::runs : Dedupe::records;
  }
  read_duration(section, "overdue_after", input.overdue_after);
  parse_counting(section, input.rules);
}

void parse_policy(const JsonReader& section, PolicyConfig& policy) {
  section.allow_only({"env_file", "loader", "allowlist", "rules", "approvers", "approvals_dir",
                      "approval_ttl", "approval_people", "reload", "reload_timeout", "symlinks",
                      "trusted_group", "pipeline_timeout_key"});
  read_string(section, "pipeline_timeout_key", policy.pipeline_timeout_key);
  read_string(section, "env_file", policy.env_file);
  if (const auto loader = section.find("loader")) {
    const auto named = env_loader_named(loader->string());
    if (!named) {
      loader->fail("unknown loader of env files",
                   "give any, systemd, docker, shell or dotenv: whoever reads the file");
    }
    policy.loader = *named;
  }
  read_string(section, "allowlist", policy.allowlist);
  read_string(section, "rules", policy.rules);
  read_string(section, "approvers", policy.approvers);
  read_string(section, "approvals_dir", policy.approvals_dir);
  read_duration(section, "approval_ttl", policy.approval_ttl);
  read_duration(section, "reload_timeout", policy.reload_timeout);
  if (const auto people = section.find("approval_people")) {
    if (people->integer() != 1 && people->integer() != 2) {
      people->fail("not 1 or 2", "give 2 when two people must approve, neither of whom proposed");
    }
    policy.people =
        people->integer() == 2 ? ApprovalDemand::People::two : ApprovalDemand::People::one;
  }
  if (const auto reload = section.find("reload")) policy.reload = string_list(*reload);
  read_string(section, "trusted_group", policy.trusted_group);
  if (const auto symlinks = section.find("symlinks")) {
    if (symlinks->string() != "refuse" && symlinks->string() != "same_tree") {
      symlinks->fail("unknown rule for symbolic links", "give \"refuse\" or \"same_tree\"");
    }
    policy.symlinks = symlinks->string() == "refuse" ? Symlinks::refuse : Symlinks::same_tree;
  }
}

void parse_reports(const JsonReader& section, ReportsConfig& reports) {
  section.allow_only({"dir", "formats", "retention", "language"});
  read_string(section, "dir", reports.dir);
  read_duration(section, "retention", reports.retention);
  if (const auto formats = section.find("formats")) {
    reports.formats.clear();
    for (const JsonReader& element : formats->elements()) {
      for (const ReportFormat format : parse_formats(element.string())) {
        reports.formats.push_back(format);
      }
    }
  }
  if (const auto language = section.find("language"); language && language->string() != "en") {
    language->fail("no reports in this language", "give \"en\"");
  }
}

// Figures are kept by slots of 5 minutes. A window that begins inside one cannot be summed up.
std::optional<TimePoint> slot_time(std::string_view text) {
  const auto time = parse_time(text);
  return time && floor_to_slot(*time) == *time ? time : std::nullopt;
}

}  // namespace

BaselineSpec parse_baseline(std::string_view text, std::string_view where) {
  if (text == "auto") return {BaselineKind::automatic, {}};
  if (text == "previous") return {BaselineKind::previous, {}};
  if (text == "control") return {BaselineKind::control, {}};
  // No time in RFC 3339 has two dots in a row.
  const std::size_t dots = text.find("..");
  if (dots != std::string_view::npos) {
    const auto start = slot_time(text.substr(0, dots));
    const auto end = slot_time(text.substr(dots + 2));
    if (start && end && *start < *end) return {BaselineKind::period, Window{*start, *end}};
  }
  throw Error(ErrorKind::usage, where, "no baseline: \"" + std::string(text) + "\"",
              "give auto, previous, control, or T1..T2 with T1 before T2, both on 5-minute marks");
}

std::vector<ReportFormat> parse_formats(std::string_view text) {
  std::vector<ReportFormat> formats;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    bool known = false;
    for (const auto& [name, format] : kFormatWords) {
      if (word != name) continue;
      formats.push_back(format);
      known = true;
    }
    if (!known) {
      throw Error(ErrorKind::usage, "formats", "unknown format \"" + std::string(word) + "\"",
                  "give some of json, md, html, separated by commas");
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return formats;
}

Microseconds checked_window(Microseconds window, std::string_view where) {
  if (window <= Microseconds::zero() || window % kSlot != Microseconds::zero()) {
    throw Error(ErrorKind::usage, where, format_duration(window) + " is no multiple of 5 minutes",
                "give a window such as 6h, 1d or 7d");
  }
  return window;
}

Config parse_config(const Json& document, std::string_view where) {
  // The schema finds all faults at once and says them in plain words; what is read below finds
  // what a schema cannot say, such as durations and windows.
  validate_schema(document, "config", where);
  const JsonReader root(document, std::string(where));
  root.allow_only({"$schema", "window", "baseline", "input", "gate", "decision", "policy", "state",
                   "reports", "error_classes"});
  Config config;
  if (const auto window = root.find("window")) {
    config.window = checked_window(window->duration(), std::string(where) + ": window");
  }
  if (const auto baseline = root.find("baseline")) {
    config.baseline = parse_baseline(baseline->string(), std::string(where) + ": baseline");
  }
  if (const auto input = root.find("input")) parse_input(*input, config.input);
  if (const auto classes = root.find("error_classes")) {
    config.error_classes = ErrorClasses::parse(*classes);
  }
  if (const auto gate = root.find("gate")) config.gate = parse_gate(*gate);
  if (const auto decision = root.find("decision")) {
    config.decision = parse_decision_config(*decision);
  }
  if (const auto policy = root.find("policy")) parse_policy(*policy, config.policy);
  read_string(root, "state", config.state);
  if (const auto reports = root.find("reports")) parse_reports(*reports, config.reports);
  return config;
}

void settle_directories(Config& config) {
  // Last, when flags and environment have had their say about the report directory.
  if (config.policy.approvals_dir.empty()) config.policy.approvals_dir = config.reports.dir;
}

}  // namespace dagloop
