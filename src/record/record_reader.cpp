#include "dagloop/record/record_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "record/detail_pairs.hpp"
#include "record/dom_values.hpp"
#include "record/field.hpp"
#include "record/field_plan.hpp"
#include "record/flat_reader.hpp"
#include "record/mapped_values.hpp"
#include "record/mend_json.hpp"
#include "record/read_fault.hpp"
#include "record/record_builder.hpp"

namespace dagloop {
namespace {

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

using Element = simdjson::dom::element;

}  // namespace

LogLine cut_line(std::string_view& rest) {
  const char* const begin = rest.data();
  const char* const end = begin + rest.size();
  static const LineKernel& kernel = line_kernel();
  LineEnd found = kernel.find_end(begin, end);
  rest.remove_prefix(static_cast<std::size_t>(std::min(found.at + 1, end) - begin));
  if (!found.is_plain && found.at != begin && found.at[-1] == '\r') {
    // Looked at once more without the carriage return, which would make every line of a Windows log
    // not plain.
    found = kernel.find_end(begin, found.at - 1);
  }
  return {{begin, static_cast<std::size_t>(found.at - begin)}, found.is_plain};
}

struct RecordReader::Impl {
  Impl(Mapping the_mapping, TimePoint latest)
      : mapping(std::move(the_mapping)), rules{mapping.created_at_marks, latest} {
    if (!plan.details().empty()) flat = FlatReader(plan.columns(), mapping.detail_column, raw);
  }

  void read_members(const simdjson::dom::object& object) {
    RawValue detail;
    for (const auto member : object) {
      const RawValue value = raw_value(member.value, digits);
      plan.columns().store(member.key, value, raw);
      if (!plan.details().empty() && member.key == mapping.detail_column) detail = value;
      if (!plan.pointers().empty()) plan.pointers().read_member(member.key, member.value, digits);
    }
    read_detail(detail);
  }

  // What a detail column of another type may say of its fields cannot be read.
  void read_detail(const RawValue& detail) {
    if (detail.kind == ValueKind::text) return read_pairs(detail.text);
    if (detail.kind == ValueKind::absent) return;
    RawValue unread;
    unread.kind = ValueKind::compound;
    for (const Field field : plan.detail_places()) raw.set(field, unread);
  }

  void read_pairs(std::string_view detail) {
    for_each_pair(detail, [this](std::string_view key, std::string_view value) {
      plan.details().store(key, loose_value(value), raw);
    });
  }

  void read(const LogLine& line) {
    if (line.text.size() > kMaxLineBytes) return read_overlong(line.text);
    raw.clear();
    RawValue detail;
    if (!plan.pointers().empty() || !flat.read(line, detail)) return read_generally(line.text);
    read_detail(detail);
    build(LineRead::whole);
  }

  void read_overlong(std::string_view line) {
    read_parts(mend_json(line.substr(0, kMaxLineBytes), cut_key()), LineRead::part);
    only_show(RejectReason::line_too_long, line_fault("a line of more than 1 MiB"));
  }

  void read_generally(std::string_view line) {
    Element root;
    if (!parse(parser.parse(line.data(), line.size(), false), root)) return read_mended(line);
    raw.clear();
    read_root(root);
    build(root.is_object() ? LineRead::whole : LineRead::part);
    if (root.is_object()) return;
    only_show(RejectReason::not_json_object, line_fault("JSON, but no object"));
  }

  void read_mended(std::string_view line) {
    const MendedLine mended = mend_json(line, cut_key());
    read_parts(mended, mended.is_whole ? LineRead::whole : LineRead::part);
    if (mended.is_whole) return;
    only_show(
        RejectReason::not_json_object,
        line_fault(mended.text.empty() ? "no JSON object"
                   : mended.stopped_at == line.size()
                       ? "a line that is cut off"
                       : "no JSON from byte " + std::to_string(mended.stopped_at + 1) + " on"));
  }

  // Reads the values of a mended line, or what is there of them.
  void read_parts(const MendedLine& mended, LineRead read) {
    raw.clear();
    plan.pointers().clear();
    Element root;
    if (parse(parser.parse(mended.text), root)) read_root(root);
    raw.set_replaced(mended.replaced);
    build(read);
  }

  std::string_view cut_key() const {
    return plan.details().empty() ? std::string_view() : std::string_view(mapping.detail_column);
  }

  static bool parse(simdjson::simdjson_result<Element> parsed, Element& root) {
    const auto error = parsed.get(root);
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    return error == simdjson::SUCCESS;
  }

  void read_root(const Element& root) {
    digits.clear();
    plan.pointers().clear();
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) return;
    read_members(object);
  }

  // Makes what was read, whatever it is, an unread line that shows the same.
  void only_show(RejectReason reason, ReadFault fault) {
    if (std::holds_alternative<OtherLine>(result)) return;
    UnreadLine unread;
    if (const auto* record = std::get_if<LogRecord>(&result)) {
      unread.run_key = record->run_key;
      unread.run_key_is_request = record->run_key_is_request;
      unread.cohort = record->cohort;
      unread.created_at = record->created_at;
    } else {
      unread = std::get<UnreadLine>(result);
    }
    unread.reason = reason;
    unread.fault = std::move(fault);
    unread.may_be_attempt = true;  // what is behind the place that stopped it may be its node
    result = std::move(unread);
  }

  void build(LineRead read) {
    if (is_mapped) {
      if (plan.is_other(raw, read)) {
        result = OtherLine{};
        return;
      }
      plan.make_fields(raw);
    }
    build_record(raw, rules, texts, result);
  }

  Mapping mapping;
  TimeRules rules;
  const bool is_mapped = !mapping.fields.empty() || mapping.only;
  FieldPlan plan{mapping};
  RawFields raw;
  NumberTexts texts{};
  Digits digits;
  FlatReader flat{plan.columns(), "", raw};  // behind both, which it refers to
  simdjson::dom::parser parser;
  std::string copy;  // of a line that has nothing behind it
  ReadResult result;
};

RecordReader::RecordReader(const Mapping& mapping, TimePoint latest)
    : impl_(std::make_unique<Impl>(mapping, latest)) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;

const ReadResult& RecordReader::read_line(const LogLine& line) {
  impl_->read(line);
  return impl_->result;
}

ReadFault RecordReader::mended_fault(Field field) const {
  return field_fault(field, impl_->raw[field]);
}

const ReadResult& RecordReader::read(std::string_view line) {
  if (line.empty()) return read_line({line, false});
  std::string_view rest = line;
  const LogLine first = cut_line(rest);
  // A newline inside the line (a caller's) is white space to JSON: then the flat reader is passed
  // by.
  const bool is_whole = rest.empty() && first.text.size() + 1 >= line.size();
  return read_line(is_whole ? first : LogLine{line, false});
}

const ReadResult& RecordReader::read_copy(std::string_view line) {
  std::string& copy = impl_->copy;
  copy.assign(line);
  copy.resize(line.size() + kLinePadding);
  return read(std::string_view(copy).substr(0, line.size()));
}

}  // namespace dagloop
