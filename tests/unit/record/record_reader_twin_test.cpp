// The reader against a slow twin that follows the contract's words one by one over a parsed value.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/record/record_reader.hpp"
#include "reading.hpp"

namespace dagloop::test {
namespace {

const TimePoint kLatest = at("2026-02-26T00:00:00Z");

// ---- the twin ----

struct TwinValue {
  Json json;
  bool is_loose = false;  // from a detail column or an alias
};

Json detail_value(const Json& line, const Mapping& mapping, const std::string& key) {
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

Json pointer_value(const Json& line, const std::string& pointer) {
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

// What a pointer finds has no fixed type: a number serves as text, and text as a number.
void fit_found(const std::string& field, TwinValue& value) {
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

TwinValue twin_value(const Json& line, const Mapping& mapping, const std::string& field) {
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

class Twin {
 public:
  Twin(const Json& line, const Mapping& mapping) : line_(line), mapping_(mapping) {}

  // Returns the record's figures as text, or the reason's word.
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

// The same text from the reader's result.
std::string describe(const Reading& reading) {
  if (!reading.is_record()) return std::string(to_string(reading.reason()));
  const LogRecord& r = reading.record();
  std::string all = (r.run_key_is_request ? "request " : "run ") + std::string(r.run_key);
  all += (r.is_node_record ? " node " : " run record ") + std::string(r.node_id) + " ";
  all += std::string(to_string(r.population)) + " " + std::string(to_string(r.status)) + " ";
  all += format_time(r.created_at) + " " + std::string(r.error_code) + " ";
  all += std::string(r.plan_source) + " " + std::string(r.pipeline_id) + " ";
  all += std::string(to_string(r.compensation)) + " ";
  all += std::string(to_string(r.cohort)) + " ";
  all += r.has_verification_reason ? "v " : "- ";
  all += r.has_fallback_reason ? "f " : "- ";
  all += r.idempotent_reuse ? "i " : "- ";
  for (const std::uint64_t count : {std::uint64_t{r.attempt}, r.fanout_total, r.fanout_failed}) {
    all += std::to_string(static_cast<double>(count)) + " ";
  }
  const auto add_rare = [&](const auto& value) {
    all += value ? std::to_string(static_cast<double>(*value)) + " " : "- ";
  };
  add_rare(r.fanout_index);
  add_rare(r.tokens_in);
  add_rare(r.tokens_out);
  add_rare(r.cost_micros);
  all += r.duration_ms ? std::to_string(*r.duration_ms) : "null";
  std::set<std::string> mended;
  for (const ContractField& field : kContractFields) {
    if ((r.mended & field_bits(*field_named(field.name))) != 0)
      mended.insert(std::string(field.name));
  }
  for (const std::string& field : mended) all += " " + field;
  return all;
}

// ---- the generator ----

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  // A JSON text for `field`, mostly valid.
  std::string value(const std::string& field) {
    if (one_in(60)) return pick({"7", "-1", "0", "1.5", "true", "[]", "{\"a\":1}", "\"odd\""});
    if (one_in(12)) return pick({"null", "\"\""});
    return pick(pools_.contains(field) ? pools_.at(field) : texts_);
  }

  std::string detail_text(const std::string& field) {
    std::string text = value(field);
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    if (text == "null" || text.find('\\') != std::string::npos) return "";
    std::erase_if(text, [](char c) { return c == '"'; });
    return text;
  }

  Mapping mapping() {
    Mapping mapping;
    if (one_in(3)) return mapping;
    if (one_in(2)) mapping.created_at_marks = CreatedAtMarks::start;
    for (const std::string_view name : contract_fields()) {
      if (one_in(2)) continue;
      const std::string field(name);
      FieldMapping place;
      place.source = static_cast<FieldSource>(below(3));
      place.name = place.source == FieldSource::pointer ? "/deep/p_" + field : "x_" + field;
      if (one_in(3)) place.aliases = {{"failed", "skipped"}, {"7", "1"}, {"true", "0"}, {"r1", ""}};
      mapping.fields.emplace(field, place);
    }
    return mapping;
  }

  std::string line(const Mapping& mapping) {
    std::vector<std::string> members{R"("extra":{"status":[1,"\u00e9\\",null]})"};
    std::string deep;
    std::string detail;
    for (const std::string_view name : contract_fields()) {
      const std::string field(name);
      const bool is_required =
          field == "status" || field == "created_at" || field.ends_with("run_id");
      if (one_in(is_required ? 40 : 3)) continue;
      const auto mapped = mapping.fields.find(field);
      const auto source =
          mapped == mapping.fields.end() ? FieldSource::column : mapped->second.source;
      const std::string key = mapped == mapping.fields.end() ? field : mapped->second.name;
      if (source == FieldSource::column) members.push_back("\"" + key + "\": " + value(field));
      if (source == FieldSource::pointer) {
        deep += (deep.empty() ? "" : ",") + std::string("\"p_") + field + "\":" + value(field);
      }
      if (source == FieldSource::detail) detail += " " + key + "=" + detail_text(field) + ";";
    }
    members.push_back("\"deep\":{" + deep + "}");
    members.push_back("\"detail\":\"" + detail + "\"");
    for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[below(i)]);
    std::string text = "{";
    for (const std::string& member : members) text += (text == "{" ? "" : " , ") + member;
    return text + "}";
  }

 private:
  std::mt19937_64 random_;
  const std::vector<std::string> texts_{R"("a")", R"("TOOL_TIMEOUT")", R"("\u00e9\"x")", R"("r1")"};
  const std::vector<std::string> counts_{"1", "2", "3", "10", "4.0", "1000000"};
  const std::map<std::string, std::vector<std::string>> pools_{
      {"created_at",
       {R"("2026-02-25T06:00:00Z")", R"("2026-02-25T23:59:59.999999Z")",
        R"("2026-02-25T08:00:00+05:30")", R"("2026-02-25T23:59:00Z")",
        R"("2026-02-26T00:00:00Z")"}},
      {"status",
       {R"("succeeded")", R"("failed")", R"("ok")", R"("error")", R"("success")", R"("running")",
        R"("pending")", R"("compensating")", R"("killed")", R"("cancelled")", R"("skipped")",
        R"("manual_required")"}},
      {"node_id", {R"("n1")", R"("n2")", "null", R"("")"}},
      {"node_type", {R"("skill")", R"("pipeline")", R"("verify")"}},
      {"attempt", counts_},
      {"duration_ms", {"0", "12", "1500.25", "1e3", "60000", "99999999"}},
      {"execution_mode", {R"("dag")", R"("pipeline_dag")", R"("rule")", R"("legacy")"}},
      {"idempotent_reuse", {"true", "false"}},
      {"compensation_status",
       {R"("not_required")", R"("completed")", R"("failed")", R"("manual_required")"}},
      {"fanout_total", counts_},
      {"fanout_failed", counts_},
      {"fanout_index", counts_},
      {"tokens_in", counts_},
      {"tokens_out", counts_},
      {"cost_micros", counts_},
      {"cohort", {R"("canary")", R"("control")"}},
  };
};

TEST_CASE("the reader agrees with the twin on every line of generated logs") {
  Generator generator(20260225);
  std::map<std::string, int> seen;
  for (int log = 0; log < 150; ++log) {
    const Mapping mapping = generator.mapping();
    for (int i = 0; i < 60; ++i) {
      const std::string line = generator.line(mapping);
      const Json json = parse_json(line, "line");
      const std::string expected = Twin(json, mapping).read();
      const Reading reading = read_line(line, mapping);
      if (describe(reading) != expected) {
        INFO(line);
        REQUIRE(describe(reading) == expected);
      }
      ++seen[reading.is_record() ? "record" : expected];
    }
  }
  // The generated logs reach every outcome that a well-formed line can have.
  for (const char* outcome : {"record", "wrong_type", "missing_created_at", "missing_status",
                              "missing_run_id", "unknown_status", "bad_time", "future_time"}) {
    INFO(outcome);
    CHECK(seen[outcome] > 0);
  }
  CHECK(seen["record"] > 2500);
}

TEST_CASE("any prefix or single-byte change of a line gives a record or a reason, never a crash") {
  const std::string line = run_line(R"(,"attempt":2,"detail":"a=1;b","x":{"y":["\u00e9",1e5]})");
  for (std::size_t size = 0; size < line.size(); ++size) {
    CHECK(outcome_of(line.substr(0, size)) == "not_json_object");
  }
  std::mt19937_64 random(7);
  Mapping mapping;
  mapping.fields["error_code"].source = FieldSource::detail;
  mapping.fields["error_code"].name = "a";
  std::set<std::string> outcomes;
  for (int i = 0; i < 2000; ++i) {
    std::string changed = line;
    changed[random() % line.size()] = static_cast<char>(random() % 256);
    outcomes.insert(outcome_of(changed, mapping));
  }
  CHECK(outcomes.contains("record"));
  CHECK(outcomes.contains("not_json_object"));
  CHECK(outcomes.size() > 4);
}

}  // namespace
}  // namespace dagloop::test
