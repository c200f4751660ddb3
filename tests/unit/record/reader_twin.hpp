// The slow, obvious twin of the reader: the contract's words one by one over a parsed value.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "dagloop/base/json.hpp"
#include "dagloop/record/record_reader.hpp"
#include "reading.hpp"

namespace dagloop::test {

inline const TimePoint kLatest = at("2026-02-26T00:00:00Z");

struct TwinValue {
  Json json;
  bool is_loose = false;  // from a detail column or an alias
};

inline Json detail_value(const Json& line, const Mapping& mapping, const std::string& key) {
  const Json* detail = line.find(mapping.detail_column);
  Json found;
  std::string pair;
  for (const char c : detail == nullptr || !detail->is_string() ? "" : detail->as_string() + ";") {
    if (c != ';') {
      pair += c;
      continue;
    }
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos) {
      std::string name = pair.substr(0, equals);
      while (!name.empty() && name.front() == ' ') name.erase(0, 1);
      while (!name.empty() && name.back() == ' ') name.pop_back();
      if (name == key) found = Json(pair.substr(equals + 1));
    }
    pair.clear();
  }
  return found;
}

inline Json pointer_value(const Json& line, const std::string& pointer) {
  Json value = line;
  std::size_t start = 1;
  while (start <= pointer.size()) {
    const std::size_t slash = std::min(pointer.find('/', start), pointer.size());
    const Json* member = value.find(pointer.substr(start, slash - start));
    if (member == nullptr) return {};
    value = Json(*member);
    start = slash + 1;
  }
  return value;
}

/// What a pointer finds has no fixed type: a number serves as text, and text as a number.
inline void fit_found(const std::string& field, TwinValue& value) {
  static const std::set<std::string> kNames{"request_id",  "user_id",         "pipeline_run_id",
                                            "node_id",     "node_type",       "plan_source",
                                            "pipeline_id", "idempotency_key", "policy_version"};
  if (kNames.contains(field) && value.json.is_number()) {
    std::ostringstream number;
    number << value.json.as_number();
    value = {Json(number.str()), true};
  }
  const FieldType type = type_of(*field_named(field));
  const bool is_text = type == FieldType::text || type == FieldType::time;
  if (!is_text && value.json.is_string()) value.is_loose = true;
}

inline TwinValue twin_value(const Json& line, const Mapping& mapping, const std::string& field) {
  FieldMapping place;
  place.name = field;
  if (mapping.fields.contains(field)) place = mapping.fields.at(field);
  TwinValue value;
  if (place.source == FieldSource::column) {
    const Json* member = line.find(place.name);
    if (member != nullptr) value.json = *member;
  } else if (place.source == FieldSource::pointer) {
    value.json = pointer_value(line, place.name);
  } else {
    value = {detail_value(line, mapping, place.name), true};
  }
  std::string text;
  if (value.json.is_string()) text = value.json.as_string();
  if (value.json.is_bool()) text = value.json.as_bool() ? "true" : "false";
  if (value.json.is_integer()) text = std::to_string(value.json.as_integer());
  if (!text.empty() && place.aliases.contains(text)) value = {Json(place.aliases.at(text)), true};
  if (value.json.is_string() && value.json.as_string().empty()) value.json = Json();
  const bool is_named = mapping.fields.contains(field) && place.source != FieldSource::detail;
  if (is_named) fit_found(field, value);
  return value;
}

/// Reads a line as the contract says.
class Twin {
 public:
  Twin(const Json& line, const Mapping& mapping) : line_(line), mapping_(mapping) {}

  /// Returns the record's figures as text, or the reason's word.
  std::string read() {
    if (!line_.is_object()) return "not_json_object";
    const std::string described = describe();
    for (const char* reason : {"wrong_type", "missing_created_at", "missing_status",
                               "missing_run_id", "unknown_status", "bad_time", "future_time"}) {
      if (faults_.contains(reason)) return reason;
    }
    return described;
  }

 private:
  TwinValue at(const std::string& field) { return twin_value(line_, mapping_, field); }

  // What stands in a field of text; another form is one of its texts.
  std::string text(const std::string& field) {
    const TwinValue value = at(field);
    if (value.json.is_null()) return "";
    if (value.json.is_string()) return value.json.as_string();
    mended_.insert(field);
    if (value.json.is_bool()) return value.json.as_bool() ? "true" : "false";
    std::ostringstream number;
    if (value.json.is_number()) number << value.json.as_number();
    return number.str();
  }

  bool is_of(const std::string& field, std::initializer_list<std::string> kinds) {
    const Json json = at(field).json;
    const std::string kind = json.is_bool()     ? "bool"
                             : json.is_number() ? "number"
                             : json.is_string() ? "string"
                             : json.is_null()   ? "null"
                                                : "compound";
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }

  // Where another form has no meaning of its own.
  std::string text_or(const std::string& field, bool has_meaning, const std::string& otherwise) {
    const std::string read = text(field);
    return has_meaning ? read : otherwise;
  }

  std::string needed(const std::string& field, std::initializer_list<std::string> kinds) {
    if (is_of(field, kinds)) return text(field);
    faults_.insert("wrong_type");
    return "";
  }

  std::string reason(const std::string& field) {
    const Json json = at(field).json;
    // What stands in an object or an array is a reason, though not in words.
    const bool holds = (json.is_array() && !json.as_array().empty()) ||
                       (json.is_object() && !json.as_object().empty());
    if (holds && field != "error_code") {
      text_or(field, false, "");
      return "unread";
    }
    const bool is_no =
        (json.is_bool() && !json.as_bool()) || (json.is_number() && json.as_number() == 0);
    return text_or(field, !is_no, "");
  }

  std::optional<double> number(const std::string& field) {
    const TwinValue value = at(field);
    if (value.json.is_null()) return std::nullopt;
    if (value.json.is_number()) return value.json.as_number();
    if (!value.is_loose) mended_.insert(field);
    if (value.json.is_string()) {
      const std::string digits = value.json.as_string();
      char* end = nullptr;
      const double parsed = std::strtod(digits.c_str(), &end);
      if (*end == '\0') return parsed;
    }
    mended_.insert(field);
    return std::nullopt;
  }

  double count(const std::string& field, double least) {
    const std::optional<double> value = number(field);
    if (value && *value >= least && std::fmod(*value, 1) == 0) return *value;
    if (value) mended_.insert(field);
    return least;
  }

  bool boolean(const std::string& field) {
    const TwinValue value = at(field);
    if (value.json.is_null()) return false;
    if (value.json.is_bool()) return value.json.as_bool();
    std::string word = value.json.is_string() ? value.json.as_string() : "?";
    if (value.json.is_number() && value.json.as_number() == 1) word = "1";
    const bool is_known = word == "1" || word == "true" || word == "0" || word == "false";
    if (!value.is_loose || !is_known) mended_.insert(field);
    return word == "1" || word == "true";
  }

  std::string word(const std::string& field, const std::set<std::string>& known) {
    const std::string value = text_or(field, is_of(field, {"string"}), "");
    if (known.contains(value)) return value;
    if (!value.empty()) mended_.insert(field);
    return "none";
  }

  std::string status() {
    std::string value = needed("status", {"string", "null"});
    const std::map<std::string, std::string> aliases{
        {"ok", "succeeded"}, {"success", "succeeded"}, {"error", "failed"}, {"killed", "failed"}};
    if (aliases.contains(value)) value = aliases.at(value);
    const std::set<std::string> known{"succeeded", "failed",  "manual_required", "cancelled",
                                      "skipped",   "running", "pending",         "compensating"};
    if (value.empty()) faults_.insert("missing_status");
    if (!value.empty() && !known.contains(value)) faults_.insert("unknown_status");
    return value;
  }

  std::string end_time(double duration_ms) {
    const std::string created_at = needed("created_at", {"string", "null"});
    if (created_at.empty()) faults_.insert("missing_created_at");
    std::optional<TimePoint> time = parse_time(created_at);
    if (!time) faults_.insert("bad_time");
    if (!time) return "";
    if (mapping_.created_at_marks == CreatedAtMarks::start && duration_ms > 0) {
      *time += Microseconds(std::llround(duration_ms * 1000));
    }
    if (*time > kLatest) faults_.insert("future_time");
    return format_time(*time);
  }

  std::string rare_count(const std::string& field) {
    const double value = count(field, 0);
    const bool is_there = number(field) == value;
    return is_there ? std::to_string(value) + " " : "- ";
  }

  std::string describe() {
    const std::string run_id = needed("pipeline_run_id", {"string", "number", "null"});
    const std::string request_id =
        run_id.empty() ? needed("request_id", {"string", "number", "null"}) : text("request_id");
    if (run_id.empty() && request_id.empty()) faults_.insert("missing_run_id");
    for (const char* field : {"user_id", "idempotency_key", "policy_version"}) text(field);
    double duration_ms = number("duration_ms").value_or(-1e9);
    if (duration_ms < 0 && duration_ms != -1e9) mended_.insert("duration_ms");
    const std::string node_id = text_or("node_id", is_of("node_id", {"string", "number", "null"}),
                                        std::string(kUnreadNode));
    const bool is_node = text("node_type") != "pipeline" && !node_id.empty();
    const std::string mode = text_or("execution_mode", is_of("execution_mode", {"string"}), "");
    const bool is_dag =
        mode == "dag" || mode == "pipeline_dag" || (mode.empty() && !run_id.empty());
    std::string all = run_id.empty() ? "request " + request_id : "run " + run_id;
    all += is_node ? " node " + node_id : " run record " + node_id;
    all += is_dag ? " dag " : " non_dag ";
    all += status() + " " + end_time(duration_ms) + " " + reason("error_code") + " ";
    all += text("plan_source") + " " + text("pipeline_id") + " ";
    all += word("compensation_status", {"not_required", "completed", "failed", "manual_required"}) +
           " ";
    all += word("cohort", {"canary", "control"}) + " ";
    all += reason("verification_reason").empty() ? "- " : "v ";
    all += reason("fallback_reason").empty() ? "- " : "f ";
    all += boolean("idempotent_reuse") ? "i " : "- ";
    all += std::to_string(count("attempt", 1)) + " " + std::to_string(count("fanout_total", 0)) +
           " " + std::to_string(count("fanout_failed", 0)) + " ";
    for (const char* field : {"fanout_index", "tokens_in", "tokens_out", "cost_micros"}) {
      all += rare_count(field);
    }
    all += duration_ms < 0 ? "null" : std::to_string(duration_ms);
    for (const std::string& field : mended_) all += " " + field;
    return all;
  }

  const Json& line_;
  const Mapping& mapping_;
  std::set<std::string> faults_;
  std::set<std::string> mended_;
};

}  // namespace dagloop::test
