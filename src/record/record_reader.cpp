#include "dagloop/record/record_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "record/field.hpp"
#include "record/flat_reader.hpp"
#include "record/name_table.hpp"
#include "record/record_builder.hpp"

namespace dagloop {
namespace {

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

// A JSON pointer, split and unescaped (RFC 6901).
std::vector<std::string> split_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] == '~') {
      ++i;
      tokens.back().push_back(pointer[i] == '1' ? '/' : '~');
    } else {
      tokens.back().push_back(pointer[i]);
    }
  }
  return tokens;
}

using Element = simdjson::dom::element;

// simdjson's own pointers stop at the first of a repeated key; here the last one counts.
std::optional<Element> step(const Element& from, const std::string& token) {
  std::optional<Element> found;
  if (simdjson::dom::object object; from.get(object) == simdjson::SUCCESS) {
    for (const auto member : object) {
      if (member.key == token) found = member.value;
    }
  } else if (simdjson::dom::array array; from.get(array) == simdjson::SUCCESS) {
    std::size_t index = 0;
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, index);
    // RFC 6901: an index has none, so "01" is no element.
    const bool has_leading_zero = token.size() > 1 && token[0] == '0';
    Element value;
    if (error == std::errc{} && stop == end && !has_leading_zero &&
        array.at(index).get(value) == simdjson::SUCCESS) {
      found = value;
    }
  }
  return found;
}

RawValue raw_value(const Element& element) {
  RawValue value;
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      break;
    case simdjson::dom::element_type::STRING:
      value.text = element.get_string().value_unsafe();
      if (!value.text.empty()) value.kind = ValueKind::text;
      break;
    case simdjson::dom::element_type::BOOL:
      value.kind = ValueKind::boolean;
      value.truth = element.get_bool().value_unsafe();
      break;
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
      value.kind = ValueKind::number;
      value.number = element.get_double().value_unsafe();
      break;
    case simdjson::dom::element_type::ARRAY:
    case simdjson::dom::element_type::OBJECT:
      value.kind = ValueKind::compound;
      break;
  }
  return value;
}

RawValue loose_value(std::string_view text) {
  RawValue value;
  value.kind = text.empty() ? ValueKind::absent : ValueKind::loose_text;
  value.text = text;
  return value;
}

// The text that aliases are compared with.
std::string text_of(const RawValue& value) {
  if (value.kind == ValueKind::boolean) return value.truth ? "true" : "false";
  if (value.kind != ValueKind::number) return std::string(value.text);
  std::array<char, 512> digits{};  // the longest double in fixed notation has fewer
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.number,
                                 std::chars_format::fixed);
  return {digits.data(), end.ptr};
}

// simdjson holds integers of 64 bits. JSON knows no such limit, so longer ones get an exponent,
// which makes them floating-point numbers of the same value.
std::string widen_integers(std::string_view line) {
  constexpr std::size_t kFewDigits = 18;  // always fit
  std::string wide;
  bool in_string = false;
  std::size_t digits = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    const char c = i < line.size() ? line[i] : '\0';
    const bool is_digit = !in_string && c >= '0' && c <= '9';
    if (!is_digit && digits > kFewDigits && c != '.' && c != 'e' && c != 'E') wide += "e0";
    digits = is_digit ? digits + 1 : 0;
    if (i < line.size()) wide += c;
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\' && i + 1 < line.size()) wide += line[++i];
  }
  return wide;
}

std::string_view trim_spaces(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

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
  struct PointerField {
    std::vector<std::string> tokens;
    Field field;
  };
  struct AliasField {
    const std::map<std::string, std::string>* aliases;  // in `mapping`
    Field field;
  };

  Impl(Mapping the_mapping, TimePoint latest)
      : mapping(std::move(the_mapping)), rules{mapping.created_at_marks, latest} {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      const std::string name(to_string(field));
      const auto mapped = mapping.fields.find(name);
      if (mapped == mapping.fields.end()) {
        columns.add(name, field);
      } else {
        place(mapped->second, field);
      }
    }
    if (!details.empty()) flat = FlatReader(columns, mapping.detail_column, raw);
  }

  void place(const FieldMapping& from, Field field) {
    switch (from.source) {
      case FieldSource::column:
        columns.add(from.name, field);
        break;
      case FieldSource::pointer:
        pointers.push_back({split_pointer(from.name), field});
        break;
      case FieldSource::detail:
        details.add(from.name, field);
        break;
    }
    if (!from.aliases.empty()) aliased.push_back({&from.aliases, field});
  }

  // Returns false where the detail column holds something else than text.
  bool read_members(const simdjson::dom::object& object) {
    RawValue detail;
    for (const auto member : object) {
      columns.store(member.key, raw_value(member.value), raw);
      if (!details.empty() && member.key == mapping.detail_column) detail = raw_value(member.value);
    }
    return accept_detail(detail);
  }

  bool accept_detail(const RawValue& detail) {
    if (detail.kind == ValueKind::text) read_detail(detail.text);
    return detail.kind == ValueKind::text || detail.kind == ValueKind::absent;
  }

  void read_detail(std::string_view detail) {
    while (!detail.empty()) {
      const std::string_view pair = detail.substr(0, detail.find(';'));
      detail.remove_prefix(std::min(detail.size(), pair.size() + 1));
      const std::size_t separator = pair.find('=');
      if (separator == std::string_view::npos) continue;
      const std::string_view key = trim_spaces(pair.substr(0, separator));
      details.store(key, loose_value(pair.substr(separator + 1)), raw);
    }
  }

  void read_pointers(const Element& root) {
    for (const PointerField& pointer : pointers) {
      std::optional<Element> at = root;
      for (const std::string& token : pointer.tokens) {
        if (at) at = step(*at, token);
      }
      if (at) raw.set(pointer.field, raw_value(*at));
    }
  }

  void apply_aliases() {
    for (const AliasField& entry : aliased) {
      const RawValue& value = raw[entry.field];
      if (value.kind == ValueKind::absent || value.kind == ValueKind::compound) continue;
      const auto found = entry.aliases->find(text_of(value));
      if (found != entry.aliases->end()) raw.set(entry.field, loose_value(found->second));
    }
  }

  void read(const LogLine& line) {
    if (line.text.size() > kMaxLineBytes) return reject(RejectReason::line_too_long);
    raw.clear();
    RawValue detail;
    if (!pointers.empty() || !flat.read(line, detail)) return read_generally(line.text);
    if (!accept_detail(detail)) return reject(RejectReason::wrong_type);
    build();
  }

  void read_generally(std::string_view line) {
    Element root;
    simdjson::dom::object object;
    auto error = parser.parse(line.data(), line.size(), false).get(root);
    // Seldom, so the line may be copied: parsing goes on with what was made longer.
    if (error == simdjson::NUMBER_ERROR) error = parser.parse(widen_integers(line)).get(root);
    // Out of memory is no fault of the line: it must not be counted as malformed.
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error != simdjson::SUCCESS || root.get(object) != simdjson::SUCCESS) {
      return reject(RejectReason::not_json_object);
    }
    raw.clear();
    if (!read_members(object)) return reject(RejectReason::wrong_type);
    read_pointers(root);
    build();
  }

  void reject(RejectReason reason) {
    UnreadLine unread;
    unread.reason = reason;
    result = unread;
  }

  void build() {
    if (!aliased.empty()) apply_aliases();
    build_record(raw, rules, result);
  }

  Mapping mapping;
  TimeRules rules;
  NameTable columns;
  NameTable details;
  std::vector<PointerField> pointers;
  std::vector<AliasField> aliased;
  RawFields raw;
  FlatReader flat{columns, "", raw};  // behind both, which it refers to
  simdjson::dom::parser parser;
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

ReadFault RecordReader::mended_fault(Field field) const { return {field, "", ""}; }

const ReadResult& RecordReader::read(std::string_view line) {
  if (line.empty()) return read_line({line, false});
  std::string_view rest = line;
  const LogLine first = cut_line(rest);
  // A newline inside the line (a caller's) is white space to JSON: then the flat reader is passed
  // by.
  const bool is_whole = rest.empty() && first.text.size() + 1 >= line.size();
  return read_line(is_whole ? first : LogLine{line, false});
}

}  // namespace dagloop
