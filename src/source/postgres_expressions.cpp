#include "source/postgres_expressions.hpp"

namespace dagloop {
namespace {

const std::set<std::string_view> kTexts{"text", "varchar", "uuid"};
const std::set<std::string_view> kIntegers{"int2", "int4", "int8"};
const std::set<std::string_view> kNumbers{"int2", "int4", "int8", "float8", "numeric"};
const std::set<std::string_view> kTimes{"timestamptz", "timestamp", "date"};

}  // namespace

std::string sql_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

const std::set<std::string_view>& column_types_of(std::string_view field) {
  static const std::set<std::string_view> kTruths{"bool"};
  if (field == "created_at") return kTimes;
  if (field == "duration_ms") return kNumbers;
  if (field == "idempotent_reuse") return kTruths;
  if (field == "attempt" || field == "fanout_total" || field == "fanout_failed") return kIntegers;
  return kTexts;
}

bool is_text_field(std::string_view field) { return &column_types_of(field) == &kTexts; }

const WordNumbers& status_words() {
  static const WordNumbers kWords{{"succeeded", 1}, {"success", 1},     {"ok", 1},
                                  {"failed", 2},    {"error", 2},       {"manual_required", 3},
                                  {"cancelled", 4}, {"skipped", 5},     {"running", 6},
                                  {"pending", 7},   {"compensating", 8}};
  return kWords;
}

const WordNumbers& compensation_words() {
  static const WordNumbers kWords{
      {"not_required", 1}, {"completed", 2}, {"failed", 3}, {"manual_required", 4}};
  return kWords;
}

const WordNumbers& cohort_words() {
  static const WordNumbers kWords{{"control", 2}, {"canary", 1}};
  return kWords;
}

bool Expressions::has(const std::string& field) const {
  return table_.columns.contains(column_of(mapping_, field));
}

std::string Expressions::type(const std::string& field) const {
  const auto found = table_.columns.find(column_of(mapping_, field));
  return found == table_.columns.end() ? "" : found->second;
}

std::string Expressions::text(const std::string& field) const {
  if (!has(field)) return "NULL::text";
  std::string plain =
      quoted_name(column_of(mapping_, field)) + (type(field) == "text" ? "" : "::text");
  const auto mapped = mapping_.fields.find(field);
  if (mapped == mapping_.fields.end() || mapped->second.aliases.empty()) return plain;
  std::string words = "CASE " + plain + " WHEN '' THEN ''";
  for (const auto& [foreign, word] : mapped->second.aliases) {
    words += " WHEN " + sql_literal(foreign) + " THEN " + sql_literal(word);
  }
  return "(" + words + " ELSE " + plain + " END)";
}

std::string Expressions::value(const std::string& field, const std::string& as) const {
  if (!has(field)) return "NULL::" + as;
  return quoted_name(column_of(mapping_, field)) + (type(field) == as ? "" : "::" + as);
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
