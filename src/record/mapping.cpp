#include "dagloop/record/mapping.hpp"

#include <algorithm>

#include "dagloop/record/contract_words.hpp"

namespace dagloop {

const std::vector<std::string_view>& contract_fields() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const ContractField& field : kContractFields) names.push_back(field.name);
    return names;
  }();
  return kNames;
}

bool FieldMapping::is_plain() const {
  return form == FieldForm::one && time == TimeForm{} && others.empty() && !when_null && !unit;
}

std::vector<ValuePlace> FieldMapping::places() const {
  if (form == FieldForm::none) return {};
  std::vector<ValuePlace> all{{source, name, time}};
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

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

std::string column_of(const ValuePlace& place, const Mapping& mapping) {
  switch (place.source) {
    case FieldSource::column:
      return place.name;
    case FieldSource::pointer:
      return split_pointer(place.name).front();
    case FieldSource::detail:
      return mapping.detail_column;
  }
  return place.name;
}

std::vector<std::string> columns_of(const Mapping& mapping, std::string_view field) {
  const auto mapped = mapping.fields.find(std::string(field));
  if (mapped == mapping.fields.end()) return {std::string(field)};
  std::vector<std::string> columns;
  for (const ValuePlace& place : mapped->second.places()) {
    std::string column = column_of(place, mapping);
    if (std::ranges::find(columns, column) == columns.end()) columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace dagloop
