#include "source/clickhouse_expressions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

bool is_nullable(const std::string& type) { return type.find("Nullable(") != std::string::npos; }

}  // namespace

std::string clickhouse_column_of(const Mapping& mapping, Field field) {
  const std::string name(to_string(field));
  const auto mapped = mapping.fields.find(name);
  return mapped == mapping.fields.end() ? name : mapped->second.name;
}

bool clickhouse_type_fits(FieldType type, const std::string& column) {
  const std::string plain = plain_type(column);
  const bool is_integer = plain.starts_with("Int") || plain.starts_with("UInt");
  switch (type) {
    case FieldType::text:
      return plain == "String" || plain == "UUID" || plain == "FixedString";
    case FieldType::time:
      return plain == "DateTime" || plain == "DateTime64";
    case FieldType::whole:
      return is_integer;
    case FieldType::real:
      return is_integer || plain.starts_with("Float");
    case FieldType::truth:
      break;
  }
  return plain == "UInt8" || plain == "Bool";
}

std::string clickhouse_word(const std::string& text, const packed::WordDigits& words,
                            std::int64_t unknown, int place) {
  std::string from = "''";
  std::string to = "0";
  for (const auto& [word, digit] : words) {
    from += fmt::format(", '{}'", word);
    to += fmt::format(", {}", digit << place);
  }
  return fmt::format("transform({}, [{}], [{}], {})", text, from, to, unknown << place);
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

std::string ClickHouseExpressions::text(Field field) const {
  const std::string column = clickhouse_column_of(mapping_, field);
  const auto found = table_.columns.find(column);
  if (found == table_.columns.end()) return "''";
  std::string value = clickhouse_name(column);
  if (plain_type(found->second) != "String") value = "toString(" + value + ")";
  if (is_nullable(found->second)) value = "ifNull(" + value + ", '')";
  const auto mapped = mapping_.fields.find(std::string(to_string(field)));
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return value;
  std::string from = "''";
  std::string to = "''";
  for (const auto& [foreign, word] : mapped->second.aliases) {
    from += ", " + clickhouse_literal(foreign);
    to += ", " + clickhouse_literal(word);
  }
  return "transform(" + value + ", [" + from + "], [" + to + "], " + value + ")";
}

std::string ClickHouseExpressions::number(Field field, const std::string& type,
                                          const std::string& missing) const {
  const std::string column = clickhouse_column_of(mapping_, field);
  const auto found = table_.columns.find(column);
  std::string otherwise = "to" + type + "(" + missing + ")";
  if (found == table_.columns.end()) return otherwise;
  const std::string value = "to" + type + "(" + clickhouse_name(column) + ")";
  return is_nullable(found->second) ? "ifNull(" + value + ", " + otherwise + ")" : value;
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

// Rows whose time may matter. The first two conditions are on the bare column, for the index.
std::string clickhouse_time_filter(const ClickHouseTable& table, const Mapping& mapping,
                                   const LogQuery& query) {
  const std::string column = clickhouse_name(clickhouse_column_of(mapping, Field::created_at));
  const auto second = [](TimePoint time, int more) {
    return fmt::format(
        "toDateTime({})",
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count() + more);
  };
  const std::string at = ClickHouseExpressions(table, mapping).at();
  return fmt::format(
      " WHERE (({0} >= {1} AND {0} <= {2} AND {3} >= {4} AND {3} < {5}) OR {0} >= {6} AND {3} > "
      "{7} "
      "OR {3} = 0)",
      column, second(query.range.start, 0), second(query.range.end, 0), at,
      clickhouse_micros(query.range.start), clickhouse_micros(query.range.end),
      second(query.latest, 0), clickhouse_micros(query.latest));
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
  // All branches of the UNION need the same columns, so each fills up with zeros.
  static constexpr const char* kKeys[] = {"c1", "c2", "c3", "c4", "c5", "c6"};
  for (std::size_t i = 0; i < 6; ++i) {
    const bool is_text = i == 3 || i == 4;
    const std::string value = i < keys.size() ? keys[i] : (is_text ? "''" : "0");
    row += std::string(is_text ? ", toString(" : ", toInt64(") + value + ") AS " + kKeys[i];
  }
  for (std::size_t i = 0; i < kPackedCounts.size(); ++i) {
    row += fmt::format(", toInt64({}) AS n{}", i < counts.size() ? counts[i] : "0", i);
  }
  return row;
}

}  // namespace dagloop
