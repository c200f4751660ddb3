#include "dagloop/record/mapping.hpp"

#include <algorithm>
#include <optional>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/record/contract_words.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSchema = "dagloop.mapping/1";

std::string read_name(const JsonReader& place) {
  std::string name = place.string();
  if (name.empty()) place.fail("the name is empty", "name a column, pointer or detail key");
  return name;
}

std::string read_pointer(const JsonReader& place) {
  std::string pointer = place.string();
  bool is_valid = pointer.starts_with('/');
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] != '~') continue;
    is_valid =
        is_valid && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
  }
  if (!is_valid) {
    place.fail("this is no JSON pointer", "write it as in RFC 6901, for example /payload/status");
  }
  return pointer;
}

FieldMapping read_field(std::string_view field, const JsonReader& place) {
  place.allow_only({"column", "pointer", "detail", "aliases"});
  FieldMapping result;
  result.name = std::string(field);
  int sources = 0;
  if (const auto column = place.find("column")) {
    ++sources;
    result.name = read_name(*column);
  }
  if (const auto pointer = place.find("pointer")) {
    ++sources;
    result.source = FieldSource::pointer;
    result.name = read_pointer(*pointer);
  }
  if (const auto detail = place.find("detail")) {
    ++sources;
    result.source = FieldSource::detail;
    result.name = read_name(*detail);
  }
  // Which of two places counts would be a guess.
  if (sources > 1) {
    place.fail("the field has more than one place", "keep one of column, pointer and detail");
  }
  if (const auto aliases = place.find("aliases")) {
    for (const auto& [foreign, word] : aliases->members()) {
      result.aliases.emplace(foreign, word.string());
    }
  }
  return result;
}

CreatedAtMarks read_marks(const JsonReader& place) {
  const std::string word = place.string();
  if (word == "end") return CreatedAtMarks::end;
  if (word == "start") return CreatedAtMarks::start;
  place.fail("\"" + word + "\" is not known", R"(use "end" or "start")");
}

}  // namespace

const std::vector<std::string_view>& contract_fields() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const ContractField& field : kContractFields) names.push_back(field.name);
    return names;
  }();
  return kNames;
}

Mapping parse_mapping(const Json& document, std::string_view where) {
  const JsonReader root(document, std::string(where));
  root.allow_only({"schema", "detail_column", "fields", "created_at_marks", "outcome_node"});
  const JsonReader schema = root.at("schema");
  if (schema.string() != kSchema) {
    schema.fail("this is no mapping of a known version", R"(use "dagloop.mapping/1")");
  }
  Mapping result;
  if (const auto column = root.find("detail_column")) result.detail_column = read_name(*column);
  if (const auto marks = root.find("created_at_marks"))
    result.created_at_marks = read_marks(*marks);
  if (const auto node = root.find("outcome_node")) result.outcome_node = node->string();
  if (const auto fields = root.find("fields")) {
    fields->allow_only(contract_fields());
    for (const auto& [field, place] : fields->members()) {
      result.fields.emplace(field, read_field(field, place));
    }
  }
  return result;
}

}  // namespace dagloop
