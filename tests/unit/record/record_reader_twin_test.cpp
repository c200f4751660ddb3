// The reader against its twin, on generated lines.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/record/record_reader.hpp"
#include "reader_twin.hpp"
#include "reading.hpp"

namespace dagloop::test {
namespace {

// The twin's text from the reader's result.
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
