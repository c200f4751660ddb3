// Log lines: whatever is read has the values of a slow parser, by every kernel and under mappings.
#include <algorithm>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/record/record_reader.hpp"
#include "property.hpp"
#include "record/flat_reader.hpp"
#include "slow_line.hpp"

namespace dagloop::fuzz {
namespace {

constexpr std::size_t kMaxDepth = 1000;  // of what the general parser takes
const TimePoint kLatest = *parse_time("2026-02-26T00:00:00Z");

Mapping mapping_of(std::string_view text) {
  return parse_mapping(parse_json(text, "the mapping"), "the mapping");
}

// As config/mappings/command_logs.json has it, and one with pointers.
const Mapping& detail_mapping() {
  static const Mapping mapping = mapping_of(
      R"({"schema":"dagloop.mapping/1","detail_column":"detail","created_at_marks":"start",
      "fields":{"pipeline_run_id":{"detail":"pipeline_run_id"},"node_id":{"detail":"node_id"},
      "execution_mode":{"detail":"dag_pipeline","aliases":{"1":"dag","0":"rule"}},
      "attempt":{"detail":"attempt"},"duration_ms":{"detail":"duration_ms"},
      "idempotent_reuse":{"detail":"idempotent_reuse"},"cohort":{"detail":"cohort"}}})");
  return mapping;
}

const Mapping& pointer_mapping() {
  static const Mapping mapping = mapping_of(R"({"schema":"dagloop.mapping/1","fields":{
      "status":{"pointer":"/payload/status","aliases":{"done":"succeeded","2":"failed"}},
      "attempt":{"pointer":"/payload/tries/0"},"duration_ms":{"pointer":"/a~1b/~0"},
      "node_id":{"column":"status"}}})");
  return mapping;
}

std::string slow_text(const Slow& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> slow_number(const Slow& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? std::optional(found->get<double>())
                                                   : std::nullopt;
}

void require_same_record(const LogRecord& record, const Slow& line) {
  const std::string run = slow_text(line, "pipeline_run_id");
  require(record.run_key == (run.empty() ? slow_text(line, "request_id") : run), "the run's key");
  require(record.run_key_is_request == run.empty() && !record.run_key.empty(), "its key space");
  require(record.node_id == slow_text(line, "node_id"), "the node");
  require(record.error_code == slow_text(line, "error_code"), "the error code");
  require(record.plan_source == slow_text(line, "plan_source"), "the plan's source");
  require(parse_status(slow_text(line, "status")) == record.status, "the status");
  require(parse_time(slow_text(line, "created_at")) == record.created_at, "the time");
  require(record.created_at <= kLatest, "which is not in the future");
  require(slow_number(line, "duration_ms") == record.duration_ms, "the duration");
  require(slow_number(line, "attempt").value_or(1) == record.attempt, "the attempt");
  require(slow_number(line, "fanout_total").value_or(0) == static_cast<double>(record.fanout_total),
          "the fan-out");
  require(
      slow_number(line, "fanout_failed").value_or(0) == static_cast<double>(record.fanout_failed),
      "and what of it failed");
  const bool is_reused = line.value("idempotent_reuse", Slow()) == Slow(true);
  require(is_reused == record.idempotent_reuse, "whether it was reused");
  const std::string cohort = slow_text(line, "cohort");
  require((cohort.empty() ? "none" : cohort) == to_string(record.cohort), "the cohort");
}

std::size_t depth_of(std::string_view line) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  for (const char c : line) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return deepest;
}

void require_as_slow(const ReadResult& outcome, std::string_view text, const Slow& slow) {
  const auto* unread = std::get_if<UnreadLine>(&outcome);
  const bool is_object = unread == nullptr || unread->reason != RejectReason::not_json_object;
  if (depth_of(text) < kMaxDepth) {
    require(is_object == slow.is_object(), "a line is an object where the slow parser says so");
  }
  if (unread == nullptr) return require_same_record(std::get<LogRecord>(outcome), slow);
  if (unread->reason == RejectReason::missing_status) {
    require(slow_text(slow, "status").empty(), "a status that is missing is missing");
  }
  if (unread->reason == RejectReason::missing_created_at) {
    require(slow_text(slow, "created_at").empty(), "a time that is missing is missing");
  }
}

struct Flat {
  explicit Flat(const LineKernel& kernel) : reader(columns, "detail", raw, kernel) {}
  NameTable columns = all_columns();
  RawFields raw;
  FlatReader reader;
};

// One a kernel, for all inputs.
const std::vector<std::unique_ptr<Flat>>& flat_readers() {
  static const std::vector<std::unique_ptr<Flat>> all = [] {
    std::vector<std::unique_ptr<Flat>> made;
    for (const LineKernel* kernel : kernels()) made.push_back(std::make_unique<Flat>(*kernel));
    return made;
  }();
  return all;
}

void require_flat_as_slow(const LogLine& line, const Slow& slow) {
  for (const auto& flat : flat_readers()) {
    flat->raw.clear();
    RawValue detail;
    if (!flat->reader.read(line, detail)) continue;
    require(slow.is_object(), "what a kernel reads is an object");
    const auto& fields = contract_fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto value = slow.find(fields[i]);
      require(same(flat->raw[static_cast<Field>(i)], value == slow.end() ? Slow() : *value),
              "a kernel's values are the slow parser's");
    }
    require(same(detail, slow.value("detail", Slow())), "the detail column's, too");
  }
}

// nlohmann/json ends at a NUL byte and passes over a byte order mark; neither is JSON in a line.
Slow slow_line(std::string_view text) {
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf")) {
    return Slow(Slow::value_t::discarded);
  }
  return Slow::parse(text, nullptr, false);
}

void check(const std::string& text) {
  std::vector<char> buffer(text.begin(), text.end());
  buffer.resize(text.size() + kLinePadding, text.empty() ? '\n' : text.back());
  // Readers remember how lines were written; one for all inputs has seen everything.
  static RecordReader plain(Mapping(), kLatest);
  static RecordReader detailed(detail_mapping(), kLatest);
  static RecordReader pointed(pointer_mapping(), kLatest);
  std::string_view rest(buffer.data(), text.size());
  std::size_t cut = 0;
  while (!rest.empty()) {
    const std::size_t before = rest.size();
    const LogLine line = cut_line(rest);
    cut += before - rest.size();
    require(rest.size() < before && line.text.find('\n') == std::string_view::npos, "lines end");
    const Slow slow = slow_line(line.text);
    require_as_slow(plain.read_line(line), line.text, slow);
    require_flat_as_slow(line, slow);
    for (RecordReader* reader : {&detailed, &pointed}) {
      const auto* unread = std::get_if<UnreadLine>(&reader->read_line(line));
      const bool is_object = unread == nullptr || unread->reason != RejectReason::not_json_object;
      require(is_object == slow.is_object() || depth_of(line.text) >= kMaxDepth,
              "what is an object does not depend on the mapping");
    }
  }
  require(cut == text.size(), "no byte is left over");
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dagloop::fuzz::check(dagloop::fuzz::text_of(data, size));
  return 0;
}
