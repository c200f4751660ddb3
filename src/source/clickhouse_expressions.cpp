#include "source/clickhouse_expressions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace dagloop {

std::string clickhouse_name(const std::string& name) {
  std::string out = "`";
  for (const char c : name) out += (c == '`' || c == '\\' ? "\\" : "") + std::string(1, c);
  return out + "`";
}

std::string clickhouse_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return out + "'";
}

namespace {

constexpr const char* kMicrosecondsColumn = "created_us";

// The type without what only says how it is kept.
std::string plain_type(std::string type) {
  for (const char* wrapper : {"LowCardinality(", "Nullable("}) {
    if (type.starts_with(wrapper)) {
      type = type.substr(std::string_view(wrapper).size());
      type.pop_back();
    }
  }
  return type.substr(0, type.find('('));
}

std::string trimmed_text(const std::string& text) {
  return "replaceRegexpAll(" + text + ", '^ +| +$', '')";
}

bool is_integer(const std::string& plain) {
  return plain.starts_with("Int") || plain.starts_with("UInt");
}

bool is_nullable(const std::string& type) { return type.find("Nullable(") != std::string::npos; }

}  // namespace

std::string clickhouse_prefix(const ClickHouseTable& table) {
  std::string prefix = "our_";
  const auto is_taken = [&](const auto& column) { return column.first.starts_with(prefix); };
  while (std::ranges::any_of(table.columns, is_taken)) prefix += '_';
  return prefix;
}

// Outside, where no column of the table stands any more, the bare names cannot mean another value.
std::string clickhouse_values(const ClickHouseTable& table,
                              const std::vector<ClickHouseValue>& values, const std::string& from) {
  const std::string prefix = clickhouse_prefix(table);
  std::string inner;
  std::string outer;
  for (const ClickHouseValue& each : values) {
    const std::string name = clickhouse_name(prefix + each.name);
    inner += (inner.empty() ? "" : ", ") + each.value + " AS " + name;
    outer += (outer.empty() ? "" : ", ") + name + " AS " + clickhouse_name(each.name);
  }
  return "SELECT " + outer + " FROM (SELECT " + inner + " FROM " + from + ")";
}

std::string clickhouse_column_of(const Mapping& mapping, Field field) {
  std::string name(to_string(field));
  const auto mapped = mapping.fields.find(name);
  if (mapped == mapping.fields.end()) return name;
  return mapped->second.form == FieldForm::none ? "" : mapped->second.name;
}

bool clickhouse_type_fits(Field field, const std::string& column) {
  const std::string plain = plain_type(column);
  const bool is_text = plain == "String" || plain == "FixedString";
  switch (type_of(field)) {
    case FieldType::text:
      return is_text || plain == "UUID" || (is_integer(plain) && field != Field::status);
    case FieldType::time:
      return plain == "DateTime" || plain == "DateTime64";
    case FieldType::whole:
    case FieldType::real:
    case FieldType::truth:
      break;
  }
  return is_text || is_integer(plain) || plain.starts_with("Float") || plain == "Bool";
}

std::string clickhouse_dag_modes() { return fmt::format("'{}'", fmt::join(kDagModes, "', '")); }

// The upper bits of the number, as DurationHistogram::bucket_of has them. Adding 0 makes -0 a 0.
std::string clickhouse_duration(const std::string& duration) {
  return fmt::format(
      "(toInt64(bitShiftRight(reinterpretAsUInt64(reinterpretAsFixedString(toFloat64({}) + 0.)), "
      "45)) + 1)",
      duration);
}

std::string clickhouse_micros(TimePoint time) {
  return std::to_string(time.time_since_epoch().count());
}

std::string ClickHouseExpressions::type(Field field) const {
  const auto found = table_.columns.find(clickhouse_column_of(mapping_, field));
  return found == table_.columns.end() ? "" : plain_type(found->second);
}

// The column, or `missing` where it is NULL.
std::string ClickHouseExpressions::or_missing(Field field, const std::string& value,
                                              const std::string& missing) const {
  return can_be_null(field) ? "ifNull(" + value + ", " + missing + ")" : value;
}

std::string ClickHouseExpressions::column(Field field) const {
  return clickhouse_name(clickhouse_column_of(mapping_, field));
}

bool ClickHouseExpressions::is_text(Field field) const {
  const std::string of = type(field);
  return of == "String" || of == "FixedString" || of == "UUID";
}

// A text, whatever the type of its column.
std::string ClickHouseExpressions::plain_text(Field field) const {
  const std::string name = column(field);
  if (type(field) == "String") return or_missing(field, name, "''");
  std::string text = or_missing(field, "toString(" + name + ")", "''");
  if (is_text(field)) return text;
  if (field == Field::compensation_status || field == Field::cohort ||
      field == Field::execution_mode) {
    return "''";
  }
  const bool is_reason = field == Field::error_code || field == Field::verification_reason ||
                         field == Field::fallback_reason;
  return is_reason ? fmt::format("if({0} = '0', '', {0})", text) : text;  // 0: there is none
}

std::string ClickHouseExpressions::text(Field field) const {
  if (!has(field)) return "''";
  std::string value = plain_text(field);
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return value;
  std::string from = "''";
  std::string to = "''";
  for (const auto& [foreign, word] : mapped->second.aliases) {
    from += ", " + clickhouse_literal(foreign);
    to += ", " + clickhouse_literal(word);
  }
  const std::string found = or_missing(field, "toString(" + column(field) + ")", "''");
  return "transform(" + (is_text(field) ? value : found) + ", [" + from + "], [" + to + "], " +
         value + ")";
}

// Both branches of an if() are worked out for all rows, so that there is but one way.
std::string ClickHouseExpressions::word(Field field, const packed::WordForm& form) const {
  std::string from = "''";
  std::string to = "0";
  for (const auto& [word, digit] : form.words) {
    from += fmt::format(", '{}'", word);
    to += fmt::format(", {}", digit << form.place);
  }
  const std::string found = text(field);
  const std::string plain =
      "lower(" + (table_.spaces == WordSpaces::trimmed ? trimmed_text(found) : found) + ")";
  const std::string mended =
      form.mended == 0
          ? fmt::format("({0} != '' AND {1} = '') * toInt64({2})", found, plain,
                        form.unknown << form.place)
          : fmt::format("({0} != {1}) * toInt64({2})", found, plain, form.mended << form.place);
  return fmt::format("bitOr(toInt64(transform({}, [{}], [{}], {})), {})", plain, from, to,
                     form.unknown << form.place, mended);
}

// A number as Float64; NaN where it is absent.
std::string ClickHouseExpressions::number(Field field) const {
  if (!has(field)) return "nan";
  const std::string name = column(field);
  if (!is_text(field)) return or_missing(field, "toFloat64(" + name + ")", "nan");
  const std::string plain = trimmed_text(or_missing(field, "toString(" + name + ")", "''"));
  return fmt::format(
      "if(match({0}, '^-?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$'), "
      "toFloat64OrZero({0}), nan)",
      plain);
}

// Whether a count is one that can be, and the value, whatever it is otherwise.
std::string ClickHouseExpressions::is_count(Field field) const {
  if (!has(field)) return "0";
  const auto [least, most] = limits_of_count(field);
  if (is_integer(type(field))) {
    return fmt::format("({0} >= {1} AND {0} <= {2})", whole(field), least, most);
  }
  return fmt::format("({0} >= {1} AND {0} <= {2} AND {0} = trunc({0}))", number(field), least,
                     most);
}

// A whole number as Int64, one that is out of its limits where it is absent.
std::string ClickHouseExpressions::whole(Field field) const {
  return or_missing(field, "toInt64(" + column(field) + ")", "toInt64(-1)");
}

std::string ClickHouseExpressions::count(Field field, std::int64_t missing) const {
  std::string otherwise = fmt::format("toInt64({})", missing);
  if (!has(field)) return otherwise;
  const std::string value = is_integer(type(field)) ? whole(field)
                                                    : fmt::format("toInt64(if({}, {}, 0.))",
                                                                  is_count(field), number(field));
  return fmt::format("if({}, {}, {})", is_count(field), value, otherwise);
}

std::string ClickHouseExpressions::truth(Field field) const {
  if (!has(field)) return "toUInt8(0)";
  if (is_text(field))
    return fmt::format("lower({}) IN ('1', 'true')", trimmed_text(plain_text(field)));
  return or_missing(field, column(field), "0") + " = 1";
}

// A text in a column of another type. Where the mapping names the column, a number is an id or a
// name as it stands.
std::string ClickHouseExpressions::mended_name(Field field) const {
  if (is_mapped(field) && takes_numbers(field)) return "";
  std::string present = can_be_null(field) ? "isNotNull(" + column(field) + ")" : "1";
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return present;
  std::string known;
  for (const auto& [foreign, word] : mapped->second.aliases) {
    known += (known.empty() ? "" : ", ") + clickhouse_literal(foreign);
  }
  return fmt::format("{} AND {} NOT IN ({})", present,
                     or_missing(field, "toString(" + column(field) + ")", "''"), known);
}

// A number or a truth in a column of texts. Where the mapping names the column, only what is none.
std::string ClickHouseExpressions::mended_text(Field field) const {
  std::string present = is_present(field);
  if (!is_mapped(field)) return present;
  if (type_of(field) == FieldType::truth) {
    return fmt::format("{} AND lower({}) NOT IN ('0', '1', 'true', 'false')", present,
                       trimmed_text(plain_text(field)));
  }
  if (type_of(field) == FieldType::whole) return present + " AND NOT " + is_count(field);
  return fmt::format("{0} AND (isNaN({1}) OR isInfinite({1}))", present, number(field));
}

std::string ClickHouseExpressions::mended(Field field) const {
  if (!has(field) || type_of(field) == FieldType::time) return "";
  std::string present = can_be_null(field) ? "isNotNull(" + column(field) + ")" : "1";
  const bool holds_text = is_text(field);
  if (type_of(field) == FieldType::text) return holds_text ? "" : mended_name(field);
  if (holds_text) return mended_text(field);
  if (type_of(field) == FieldType::truth) {  // 0 and 1 of UInt8 are what ClickHouse has for it
    if (type(field) == "Bool") return "";
    return type(field) == "UInt8" ? or_missing(field, column(field), "0") + " > 1" : present;
  }
  if (type_of(field) == FieldType::real) return "";
  return is_integer(type(field)) ? present + " AND NOT " + is_count(field)
                                 : fmt::format("NOT isNaN({0}) AND NOT isInfinite({0}) AND NOT {1}",
                                               number(field), is_count(field));
}

std::string ClickHouseExpressions::mended() const {
  std::string sum;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const std::string condition = mended(field);
    if (condition.empty()) continue;
    sum +=
        fmt::format("{}({}) * toInt64({})", sum.empty() ? "" : " + ", condition, field_bits(field));
  }
  return sum.empty() ? "toInt64(0)" : sum;
}

// Whether something stands there.
std::string ClickHouseExpressions::is_present(Field field) const {
  if (is_text(field)) return or_missing(field, "toString(" + column(field) + ")", "''") + " != ''";
  return can_be_null(field) ? "isNotNull(" + column(field) + ")" : "1";
}

// A word that is there, but none of the contract's.
std::string ClickHouseExpressions::is_unread_word(Field field, const packed::WordForm& form) const {
  if (!has(field)) return "0";
  const std::string odd = mended(field);
  const std::string digit = word(field, form);
  if (odd.empty()) return fmt::format("({}) = {}", digit, form.mended);
  return fmt::format("({0}) IN (0, {1}) AND (({0}) = {1} OR {2})", digit, form.mended, odd);
}

std::string ClickHouseExpressions::unread(const std::string& duration) const {
  std::string sum = "toUInt8(0";
  const auto add = [&sum](Field field, const std::string& condition) {
    sum += fmt::format(" + ({}) * {}", condition, unread_bit(field));
  };
  add(Field::cohort, is_unread_word(Field::cohort, packed::cohort_form(0)));
  add(Field::compensation_status,
      is_unread_word(Field::compensation_status, packed::compensation_form(0)));
  const std::string odd_mode = mended(Field::execution_mode);
  if (!odd_mode.empty()) add(Field::execution_mode, odd_mode);
  if (has(Field::duration_ms)) {
    add(Field::duration_ms, fmt::format("{0} AND NOT ({1} >= 0 AND NOT isInfinite({1}))",
                                        is_present(Field::duration_ms), duration));
  }
  return sum + ")";
}

std::string ClickHouseExpressions::tokens() const {
  return count(Field::tokens_in, 0) + " + " + count(Field::tokens_out, 0);
}

std::string ClickHouseExpressions::has_tokens() const {
  return "(" + is_count(Field::tokens_in) + " OR " + is_count(Field::tokens_out) + ")";
}

std::string ClickHouseExpressions::at() const {
  const std::string column = clickhouse_column_of(mapping_, Field::created_at);
  const std::string& type = table_.columns.at(column);
  // DateTime has whole seconds. Where the server is too old for DateTime64, the microseconds stand
  // in a column of their own.
  const bool is_whole = plain_type(type) == "DateTime";
  std::string value =
      is_whole ? "toInt64(toUnixTimestamp(" + clickhouse_name(column) + ")) * 1000000"
               : "toUnixTimestamp64Micro(toDateTime64(" + clickhouse_name(column) + ", 6))";
  if (is_whole && table_.columns.contains(kMicrosecondsColumn)) {
    value += " + toInt64(" + std::string(kMicrosecondsColumn) + ")";
  }
  return is_nullable(type) ? "ifNull(" + value + ", toInt64(0))" : "(" + value + ")";
}

bool ClickHouseExpressions::has(Field field) const {
  return table_.columns.contains(clickhouse_column_of(mapping_, field));
}

bool ClickHouseExpressions::can_be_null(Field field) const {
  const auto found = table_.columns.find(clickhouse_column_of(mapping_, field));
  return found != table_.columns.end() && is_nullable(found->second);
}

std::string ClickHouseExpressions::hash() const {
  const std::string run = text(Field::pipeline_run_id);
  const std::string request = text(Field::request_id);
  // A request's id and a run's id may be the same text: two key spaces, so two hashes.
  return "if(" + run + " = '', cityHash64(" + request + ", 1), cityHash64(" + run + "))";
}

std::string clickhouse_shown_time(const std::string& at) {
  return fmt::format(
      "if({0} = 0, NULL, concat(replaceOne(toString(toDateTime(intDiv({0}, 1000000), 'UTC')), ' ', "
      "'T'), '.', substring(toString(1000000 + {0} % 1000000), 2), 'Z'))",
      at);
}

// The first condition is on the bare column, for the index.
std::string clickhouse_time_filter(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const std::string column = clickhouse_name(clickhouse_column_of(mapping, Field::created_at));
  const auto start =
      std::chrono::floor<std::chrono::seconds>(query.range.start).time_since_epoch().count();
  return fmt::format(" WHERE ({0} >= toDateTime({1}) AND {2} >= {3} OR {2} = 0)", column, start,
                     ClickHouseExpressions(table, mapping).at(),
                     clickhouse_micros(query.range.start));
}

std::string clickhouse_run_filter(const ClickHouseTable& table, const Mapping& mapping,
                                  const LogQuery& query) {
  return fmt::format("{0} AND ({1} < {2} OR {1} > {3})",
                     clickhouse_time_filter(table, mapping, query),
                     ClickHouseExpressions(table, mapping).at(), clickhouse_micros(query.range.end),
                     clickhouse_micros(query.latest));
}

std::string clickhouse_span(const std::string& at, const LogQuery& query) {
  if (query.cuts.empty()) return "intDiv(" + at + ", 300000000)";
  std::string sum = "toInt64(0)";
  for (const TimePoint cut : query.cuts) sum += " + (" + at + " >= " + clickhouse_micros(cut) + ")";
  return "toInt64(" + sum + ")";
}

std::string clickhouse_answer(const std::string& kind, const std::vector<std::string>& keys,
                              const std::vector<std::string>& counts) {
  std::string row = "SELECT toUInt8(0) AS dummy, '" + kind + "' AS kind";
  for (std::size_t i = 0; i < kClickHouseKeys; ++i) {
    const bool is_text = i >= 3 && i <= 5;
    const char* otherwise = is_text ? "''" : (i + 1 == kClickHouseKeys ? "-1" : "0");
    row += fmt::format(", {}({}) AS c{}", is_text ? "toString" : "toInt64",
                       i < keys.size() ? keys[i] : otherwise, i + 1);
  }
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) {
    row += fmt::format(", toInt64({}) AS n{}", i < counts.size() ? counts[i] : "0", i);
  }
  return row;
}

}  // namespace dagloop
