// Log lines: whatever is read has the values of a slow parser, by every kernel and under mappings.
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/record/record_reader.hpp"
#include "property.hpp"
#include "record/flat_reader.hpp"
#include "record/mend_json.hpp"
#include "slow_line.hpp"

namespace dagloop::fuzz {
namespace {

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

// What is mended is another's to test: the slow parser knows no meanings.
class SameRecord {
 public:
  SameRecord(const LogRecord& record, const Slow& line) : record_(record), line_(line) {}

  void require_all() const {
    require_names();
    require_numbers();
    require(parse_status(slow_text(line_, "status")) == record_.status, "the status");
    require(parse_time(slow_text(line_, "created_at")) == record_.created_at, "the time");
    require(record_.created_at <= kLatest, "which is not in the future");
    const bool is_reused = line_.value("idempotent_reuse", Slow()) == Slow(true);
    require(is_mended(Field::idempotent_reuse) || is_reused == record_.idempotent_reuse,
            "whether it was reused");
    const std::string cohort = slow_text(line_, "cohort");
    require(
        is_mended(Field::cohort) || (cohort.empty() ? "none" : cohort) == to_string(record_.cohort),
        "the cohort");
  }

 private:
  // Whole numbers of more than 64 bits are text, and no other form of it.
  bool is_mended(Field field) const {
    const auto found = line_.find(std::string(to_string(field)));
    return (record_.mended & field_bits(field)) != 0 ||
           (found != line_.end() && found->is_number_float() && type_of(field) == FieldType::text);
  }

  void require_names() const {
    const std::string run = slow_text(line_, "pipeline_run_id");
    if (!is_mended(Field::pipeline_run_id) && !is_mended(Field::request_id)) {
      require(record_.run_key == (run.empty() ? slow_text(line_, "request_id") : run),
              "the run's key");
      require(record_.run_key_is_request == run.empty(), "its key space");
    }
    require(!record_.run_key.empty(), "every record is of a run");
    require_text(Field::node_id, record_.node_id, "the node");
    require_text(Field::plan_source, record_.plan_source, "the plan's source");
    require_text(Field::pipeline_id, record_.pipeline_id, "the pipeline");
    if (record_.error_code != kTimeoutCode || !slow_text(line_, "error_code").empty()) {
      require_text(Field::error_code, record_.error_code, "the error code");
    }
  }

  void require_text(Field field, std::string_view value, const char* property) const {
    const std::string name(to_string(field));
    require(is_mended(field) || value == slow_text(line_, name.c_str()), property);
  }

  void require_numbers() const {
    require_number(Field::duration_ms, record_.duration_ms, std::nullopt, "the duration");
    require_number(Field::attempt, record_.attempt, 1, "the attempt");
    require_number(Field::fanout_total, static_cast<double>(record_.fanout_total), 0,
                   "the fan-out");
    require_number(Field::fanout_failed, static_cast<double>(record_.fanout_failed), 0,
                   "and what of it failed");
    const auto as_double = [](const auto& value) {
      return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
    };
    require_number(Field::fanout_index, as_double(record_.fanout_index), std::nullopt, "the item");
    require_number(Field::tokens_in, as_double(record_.tokens_in), std::nullopt, "the tokens");
    require_number(Field::tokens_out, as_double(record_.tokens_out), std::nullopt, "and others");
    require_number(Field::cost_micros, as_double(record_.cost_micros), std::nullopt, "the cost");
  }

  void require_number(Field field, std::optional<double> value, std::optional<double> absent,
                      const char* property) const {
    const std::string name(to_string(field));
    const std::optional<double> slow = slow_number(line_, name.c_str());
    require(is_mended(field) || value == (slow ? slow : absent), property);
  }

  const LogRecord& record_;
  const Slow& line_;
};

// A line as the slow parser reads it once it is mended.
Slow mended_line(std::string_view text) {
  const MendedLine mended = mend_json(text, "detail");
  if (mended.text.empty()) {
    require(!mended.is_whole, "nothing is no whole line");
    return Slow(Slow::value_t::discarded);
  }
  const Slow slow = Slow::parse(mended.text, nullptr, false);
  require(slow.is_object(), "what is mended is an object");
  require(mended.stopped_at <= text.size(), "and its fault, if any, stands in the line");
  return mended.is_whole ? slow : Slow(Slow::value_t::discarded);
}

bool is_object(const ReadResult& result) {
  const auto* unread = std::get_if<UnreadLine>(&result);
  return unread == nullptr || unread->reason != RejectReason::not_json_object;
}

void require_as_slow(const ReadResult& outcome, const Slow& slow) {
  require(is_object(outcome) == slow.is_object(), "a line is an object where it can be mended");
  const auto* unread = std::get_if<UnreadLine>(&outcome);
  if (unread == nullptr) return SameRecord(std::get<LogRecord>(outcome), slow).require_all();
  require(!explain(unread->fault).empty() && !unread->fault.found.empty(), "a fault is told");
  require_plain(explain(unread->fault));
  require(!unread->created_at || *unread->created_at <= kLatest, "no time shown is of the future");
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
    const Slow strict = slow_line(line.text);
    const Slow slow = mended_line(line.text);
    require(slow.is_object() || !strict.is_object(), "what is JSON needs no mending");
    require_as_slow(plain.read_line(line), strict.is_object() ? strict : slow);
    require_flat_as_slow(line, strict);
    for (RecordReader* reader : {&detailed, &pointed}) {
      require(is_object(reader->read_line(line)) == slow.is_object(),
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
