#include "source/postgres_expressions.hpp"

#include <fmt/format.h>

namespace dagloop {
namespace {

const std::set<std::string_view> kTexts{"text", "varchar", "uuid"};
const std::set<std::string_view> kIntegers{"int2", "int4", "int8"};
const std::set<std::string_view> kNumbers{"int2", "int4", "int8", "float8", "numeric"};
const std::set<std::string_view> kTimes{"timestamptz", "timestamp", "date"};
const std::set<std::string_view> kTruths{"bool"};

}  // namespace

std::string sql_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

const std::set<std::string_view>& column_types_of(FieldType type) {
  switch (type) {
    case FieldType::text:
      return kTexts;
    case FieldType::time:
      return kTimes;
    case FieldType::whole:
      return kIntegers;
    case FieldType::real:
      return kNumbers;
    case FieldType::truth:
      break;
  }
  return kTruths;
}

std::string word_digit(const std::string& text, const packed::WordDigits& words,
                       std::int64_t unknown, int place) {
  // Words are compared one by one until one fits. NULL comes last: no WHEN of a CASE finds it.
  std::string found = "CASE " + text;
  for (const auto& [word, digit] : words) {
    found += fmt::format(" WHEN '{}' THEN {}", word, digit << place);
  }
  return fmt::format("{} WHEN '' THEN 0 ELSE CASE WHEN {} IS NULL THEN 0 ELSE {} END END", found,
                     text, unknown << place);
}

std::string mode_digit(const std::string& mode, std::int64_t other, const std::string& otherwise) {
  std::string found = "CASE " + mode;
  for (const std::string_view word : kDagModes) found += fmt::format(" WHEN '{}' THEN 0", word);
  return fmt::format("{0} ELSE CASE WHEN ({1} <> '') IS NOT TRUE THEN {2} ELSE {3} END END", found,
                     mode, otherwise, other);
}

bool Expressions::has(Field field) const {
  return table_.columns.contains(column_of(mapping_, field));
}

std::string Expressions::type(Field field) const {
  const auto found = table_.columns.find(column_of(mapping_, field));
  return found == table_.columns.end() ? "" : found->second;
}

std::string Expressions::text(Field field) const {
  if (!has(field)) return "NULL::text";
  std::string plain =
      quoted_name(column_of(mapping_, field)) + (type(field) == "text" ? "" : "::text");
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return plain;
  std::string words = "CASE " + plain + " WHEN '' THEN ''";
  for (const auto& [foreign, word] : mapped->second.aliases) {
    words += " WHEN " + sql_literal(foreign) + " THEN " + sql_literal(word);
  }
  return "(" + words + " ELSE " + plain + " END)";
}

std::string Expressions::value(Field field, const std::string& as) const {
  if (!has(field)) return "NULL::" + as;
  return quoted_name(column_of(mapping_, field)) + (type(field) == as ? "" : "::" + as);
}

// A count is out of its range where any is: that is told by their bits together.
std::string Expressions::out_of_range() const {
  std::string bits;
  for (const Field field : {Field::fanout_total, Field::fanout_failed}) {
    if (!has(field)) continue;
    bits += (bits.empty() ? "" : " | ") + fmt::format("coalesce({}, 0)", value(field, "int8"));
  }
  std::string bad;
  if (!bits.empty()) bad = fmt::format("({}) NOT BETWEEN 0 AND {}", bits, kMaxCount);
  if (has(Field::attempt)) {
    bad += (bad.empty() ? "" : " OR ") +
           fmt::format("{} NOT BETWEEN 1 AND {}", value(Field::attempt, "int8"), kMaxAttempt);
  }
  return bad;
}

std::string span_sql(const std::string& at, const LogQuery& query) {
  if (query.cuts.empty()) return "floor(extract(epoch FROM " + at + ") / 300)::int8";
  std::string span = "CASE";
  for (std::size_t i = query.cuts.size(); i > 0; --i) {
    span += " WHEN " + at + " >= " + time_literal(query.cuts[i - 1]) + " THEN " + std::to_string(i);
  }
  return span + " ELSE 0 END";
}

}  // namespace dagloop
