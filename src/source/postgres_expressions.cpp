#include "source/postgres_expressions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace dagloop {
namespace {

const std::set<std::string_view> kTexts{"text", "varchar"};
const std::set<std::string_view> kIntegers{"int2", "int4", "int8"};
const std::set<std::string_view> kReals{"float8", "numeric"};
const std::set<std::string_view> kTimes{"timestamptz", "timestamp", "date"};

constexpr std::array kReasons{Field::error_code, Field::verification_reason,
                              Field::fallback_reason};
constexpr std::array kWordFields{Field::compensation_status, Field::cohort, Field::execution_mode};
constexpr std::array kKeys{Field::pipeline_run_id, Field::request_id};

template <std::size_t kCount>
bool is_one_of(const std::array<Field, kCount>& fields, Field field) {
  return std::ranges::find(fields, field) != fields.end();
}

// What is smaller is 0 as a double.
constexpr const char* kSmallestDouble = "2.4703282292062328e-324";

std::string trimmed(const std::string& text) { return "btrim(" + text + ", ' ')"; }

std::string in_lower_case(const std::string& text) {
  return "lower(" + trimmed(text) + " COLLATE \"C\")";
}

// The number that a text is, as std::from_chars() reads it; NULL where it is none, or has no place
// in a double: a cast would end the statement.
std::string number_of_text(const std::string& text) {
  return fmt::format(
      "CASE WHEN char_length({0}) < 300 AND {1} ~ "
      "'^-?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]{{1,3}})?$' THEN CASE WHEN abs({1}::numeric) "
      "BETWEEN 1e-307 AND 1.79e308 THEN {1}::float8 WHEN {1}::numeric = 0 THEN 0 END END",
      text, trimmed(text));
}

}  // namespace

std::string sql_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

bool can_convert(Field field, const std::string& type) {
  const bool is_plain = kTexts.contains(type) || kIntegers.contains(type);
  switch (type_of(field)) {
    case FieldType::text:
      if (type == "uuid") return true;
      if (field == Field::status) return kTexts.contains(type);
      return is_plain || (type == "bool" && !is_one_of(kKeys, field));
    case FieldType::time:
      return kTimes.contains(type);
    case FieldType::whole:
    case FieldType::real:
    case FieldType::truth:
      break;
  }
  return is_plain || kReals.contains(type) || type == "bool";
}

std::string word_digit(const std::string& text, const packed::WordForm& form) {
  const auto cases = [&](const packed::WordDigits& words, std::int64_t more) {
    std::string all;
    for (const auto& [word, digit] : words) {
      all += fmt::format(" WHEN '{}' THEN {}", word, (digit + more) << form.place);
    }
    return all;
  };
  return fmt::format(
      "CASE {0}{1} WHEN '' THEN 0 ELSE CASE WHEN {0} IS NULL THEN 0 ELSE CASE {2}{3} ELSE {4} END "
      "END END",
      text, cases(form.usual, 0), in_lower_case(text), cases(form.words, form.mended),
      form.unknown << form.place);
}

std::string mode_digit(const std::string& mode, std::int64_t other, const std::string& otherwise) {
  std::string found = "CASE " + mode;
  for (const std::string_view word : kDagModes) found += fmt::format(" WHEN '{}' THEN 0", word);
  return fmt::format(
      "{0} ELSE CASE WHEN ({1} <> '') IS NOT TRUE THEN {2} WHEN {4} IN ('{5}') THEN 0 ELSE {3} END "
      "END",
      found, mode, otherwise, other, in_lower_case(mode), fmt::join(kDagModes, "', '"));
}

bool Expressions::has(Field field) const {
  return table_.columns.contains(column_of(mapping_, field));
}

std::string Expressions::type(Field field) const {
  const auto found = table_.columns.find(column_of(mapping_, field));
  return found == table_.columns.end() ? "" : found->second;
}

// A text, whatever the type of its column.
std::string Expressions::plain_text(Field field) const {
  std::string name = own_column(field);
  const std::string of = type(field);
  if (of == "text") return name;
  if (kTexts.contains(of) || of == "uuid") return name + "::text";
  if (is_one_of(kWordFields, field)) return "NULL::text";
  const bool is_truth = of == "bool";
  if (is_one_of(kReasons, field)) {  // false and 0 say that there is none
    return is_truth ? "CASE WHEN " + name + " THEN 'true' END" : "nullif(" + name + ", 0)::text";
  }
  if (is_truth && field == Field::node_id) {
    return fmt::format("CASE WHEN {} IS NOT NULL THEN '{}' END", name, kUnreadNode);
  }
  return name + "::text";
}

std::string Expressions::text(Field field) const {
  if (!has(field)) return "NULL::text";
  std::string plain = plain_text(field);
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return plain;
  std::string words = "CASE " + own_column(field) + "::text WHEN '' THEN ''";
  for (const auto& [foreign, word] : mapped->second.aliases) {
    words += " WHEN " + sql_literal(foreign) + " THEN " + sql_literal(word);
  }
  return "(" + words + " ELSE " + plain + " END)";
}

std::string Expressions::time() const {
  if (!has(Field::created_at)) return "NULL::timestamptz";
  return own_column(Field::created_at) +
         (type(Field::created_at) == "timestamptz" ? "" : "::timestamptz");
}

// A number as float8; NULL where there is none.
std::string Expressions::number(Field field) const {
  const std::string of = type(field);
  if (!has(field) || of == "bool") return "NULL::float8";
  const std::string name = own_column(field);
  if (kTexts.contains(of)) return number_of_text(name);
  if (of != "numeric") return name + (of == "float8" ? "" : "::float8");
  // What has no place in a double would end the statement; NaN and infinities have one, and are
  // larger.
  return fmt::format(
      "CASE WHEN abs({0}) BETWEEN {1} AND {2} THEN {0}::float8 WHEN abs({0}) < {1} THEN 0 WHEN "
      "{0}::text !~ '[0-9]' THEN {0}::float8 END",
      name, kSmallestDouble, kLargestDouble);
}

std::string Expressions::duration() const { return number(Field::duration_ms); }

std::string Expressions::count(Field field) const {
  const std::string of = type(field);
  if (!has(field) || of == "bool") return "NULL::int8";
  const auto [least, most] = limits_of_count(field);
  if (kIntegers.contains(of)) {
    return fmt::format("CASE WHEN {0} BETWEEN {1} AND {2} THEN {0}{3} END", own_column(field),
                       least, most, of == "int8" ? "" : "::int8");
  }
  return fmt::format("CASE WHEN {0} BETWEEN {1} AND {2} AND {0} = trunc({0}) THEN ({0})::int8 END",
                     number(field), least, most);
}

std::string Expressions::truth(Field field) const {
  const std::string of = type(field);
  if (!has(field)) return "NULL::bool";
  if (of == "bool") return own_column(field);
  if (!kTexts.contains(of)) return own_column(field) + " = 1";
  return in_lower_case(own_column(field)) + " IN ('1', 'true')";
}

// A count of whole numbers that are out of their limits.
std::string Expressions::mended_count(Field field) const {
  const auto [least, most] = limits_of_count(field);
  const std::string of = type(field);
  if (kIntegers.contains(of)) {
    return fmt::format("{} NOT BETWEEN {} AND {}", own_column(field), least, most);
  }
  return fmt::format(
      "{0} > '-Infinity' AND {0} < 'Infinity' AND ({0} BETWEEN {1} AND {2} AND {0} = trunc({0})) "
      "IS "
      "FALSE",
      number(field), least, most);
}

// A text in a column of another type. Where the mapping names the column, a number is an id or a
// name as it stands.
std::string Expressions::mended_name(Field field) const {
  if (is_mapped(field) && takes_numbers(field) && type(field) != "bool") return "";
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  std::string known;
  if (mapped != mapping_.fields.end()) {
    for (const auto& [foreign, word] : mapped->second.aliases) {
      known += (known.empty() ? "" : ", ") + sql_literal(foreign);
    }
  }
  return own_column(field) + (known.empty() ? " IS NOT NULL" : "::text NOT IN (" + known + ")");
}

// A number or a truth in a column of texts. Where the mapping names the column, only what is none.
std::string Expressions::mended_text(Field field) const {
  const std::string name = own_column(field);
  std::string present = name + " <> ''";
  if (!is_mapped(field)) return present;
  if (type_of(field) == FieldType::truth) {
    return present + " AND " + in_lower_case(name) + " NOT IN ('0', '1', 'true', 'false')";
  }
  const std::string value = type_of(field) == FieldType::real ? number(field) : count(field);
  return present + " AND (" + value + ") IS NULL";
}

// The condition that a field was taken in another form, or left out; empty where none can be.
std::string Expressions::mended(Field field) const {
  if (!has(field)) return "";
  const std::string of = type(field);
  const bool is_text = kTexts.contains(of) || of == "uuid";
  switch (type_of(field)) {
    case FieldType::time:
      return "";
    case FieldType::text:
      return is_text ? "" : mended_name(field);
    case FieldType::truth:
      if (of == "bool") return "";
      if (is_text) return mended_text(field);
      return kIntegers.contains(of)
                 ? own_column(field) + " IS NOT NULL"
                 : own_column(field) + "::text ~ '[0-9]'";  // NaN and infinities are null
    case FieldType::whole:
    case FieldType::real:
      break;
  }
  if (is_text) return mended_text(field);
  if (of == "bool") return own_column(field) + " IS NOT NULL";
  std::string too_large;
  if (of == "numeric") {  // infinities and what is no number are larger, and have no digits
    too_large =
        fmt::format("(abs({0}) > {1} AND {0}::text ~ '[0-9]')", own_column(field), kLargestDouble);
  }
  if (type_of(field) == FieldType::real) return too_large;
  return mended_count(field) + (too_large.empty() ? "" : " OR " + too_large);
}

std::string Expressions::has_mended() const {
  std::string any;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const std::string condition = mended(static_cast<Field>(i));
    if (!condition.empty()) any += (any.empty() ? "" : " OR ") + condition;
  }
  return any;
}

std::string Expressions::mended() const {
  std::string sum = "0";
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const std::string condition = mended(field);
    if (condition.empty()) continue;
    sum += fmt::format(" + CASE WHEN {} THEN {} ELSE 0 END", condition, field_bits(field));
  }
  return sum;
}

std::string Expressions::status_digit() const {
  return word_digit(text(Field::status), packed::status_form(0));
}

std::string Expressions::malformed(const LogQuery& query) const {
  return fmt::format(
      "({at} IS NULL OR {at} > {latest} OR {status} IN (0, {unknown}) OR ({run} <> '') IS NOT TRUE "
      "AND ({request} <> '') IS NOT TRUE)",
      fmt::arg("at", time()), fmt::arg("latest", time_literal(query.latest)),
      fmt::arg("status", status_digit()), fmt::arg("unknown", packed::kUnknownStatus),
      fmt::arg("run", text(Field::pipeline_run_id)), fmt::arg("request", text(Field::request_id)));
}

std::string Expressions::any_mended() const {
  std::string any =
      fmt::format("{0} < 0 AND {0} > '-Infinity' OR {1} >= {2} OR {3} >= {4}", duration(),
                  word_digit(text(Field::cohort), packed::cohort_form(0)), packed::kMendedCohort,
                  word_digit(text(Field::compensation_status), packed::compensation_form(0)),
                  packed::kMendedCompensation);
  const std::string others = has_mended();
  return "(" + any + (others.empty() ? "" : " OR " + others) + ")";
}

std::string Expressions::is_unread_duration() const {
  if (!has(Field::duration_ms)) return "";
  const std::string name = own_column(Field::duration_ms);
  const std::string of = type(Field::duration_ms);
  const std::string present = kTexts.contains(of) ? name + " <> ''" : name + " IS NOT NULL";
  return fmt::format("{0} AND ({1} >= 0 AND {1} < 'Infinity') IS NOT TRUE", present, duration());
}

// A word that is there, but none of the contract's.
std::string Expressions::is_unread_word(Field field, const packed::WordForm& form) const {
  if (!has(field)) return "";
  const std::string odd = mended(field);
  const std::string digit = word_digit(text(field), form);
  if (odd.empty()) return fmt::format("{} = {}", digit, form.mended);
  return fmt::format("{0} IN (0, {1}) AND ({0} = {1} OR {2})", digit, form.mended, odd);
}

std::string Expressions::unread() const {
  std::string sum = "0";
  const auto add = [&sum](Field field, const std::string& condition) {
    if (condition.empty()) return;
    sum += fmt::format(" + CASE WHEN {} THEN {} ELSE 0 END", condition, unread_bit(field));
  };
  add(Field::cohort, is_unread_word(Field::cohort, packed::cohort_form(0)));
  add(Field::compensation_status,
      is_unread_word(Field::compensation_status, packed::compensation_form(0)));
  add(Field::execution_mode, mended(Field::execution_mode));
  add(Field::duration_ms, is_unread_duration());
  return sum;
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
