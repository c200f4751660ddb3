#include "source/sql_countable.hpp"

#include <algorithm>

namespace dagloop {
namespace {

bool is_countable(const std::string& field, const FieldMapping& place) {
  if (place.form == FieldForm::none) return true;
  const auto known = field_named(field);
  const bool is_text = known && type_of(*known) == FieldType::text;
  return place.source == FieldSource::column && place.is_plain() &&
         (place.aliases.empty() || is_text);
}

}  // namespace

bool can_count_in_sql(const SourceOptions& options) {
  const Mapping& mapping = options.mapping;
  return options.dedupe == Dedupe::runs && mapping.created_at_marks == CreatedAtMarks::end &&
         !mapping.only && std::ranges::all_of(mapping.fields, [](const auto& field) {
           return is_countable(field.first, field.second);
         });
}

bool has_aliases(const Mapping& mapping, Field field) {
  const auto mapped = mapping.fields.find(std::string(to_string(field)));
  return mapped != mapping.fields.end() && !mapped->second.aliases.empty();
}

}  // namespace dagloop
