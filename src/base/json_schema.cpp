#include "dagloop/base/json_schema.hpp"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "embedded_schemas.hpp"

namespace dagloop {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;
constexpr int kMaxFaults = 3;

std::string fault_text(const valijson::ValidationResults::Error& fault) {
  std::string path;
  for (const std::string& part : fault.context) {
    // The root comes as "<root>", keys and indices as "[key]".
    if (part != "<root>") path += part;
  }
  return (path.empty() ? "the document" : path) + ": " + fault.description;
}

}  // namespace

std::vector<std::string> schema_names() {
  std::vector<std::string> names;
  for (const EmbeddedSchema& schema : embedded_schemas()) names.emplace_back(schema.name);
  return names;
}

std::string_view schema_text(std::string_view name) {
  for (const EmbeddedSchema& schema : embedded_schemas()) {
    if (schema.name == name) return schema.text;
  }
  assertion_failed("a schema of this name ships", __FILE__, __LINE__);
}

void validate_schema(const Json& document, std::string_view name, std::string_view where) {
  const nlohmann::json schema_document = nlohmann::json::parse(schema_text(name));
  const nlohmann::json target = nlohmann::json::parse(to_compact_json(document));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(Adapter(schema_document), schema);
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(schema, Adapter(target), &results)) return;
  // The innermost faults, which tell most, are popped first.
  std::string faults;
  valijson::ValidationResults::Error fault;
  for (int i = 0; i < kMaxFaults && results.popError(fault); ++i) {
    faults += (i > 0 ? ", " : "") + fault_text(fault);
  }
  throw Error(ErrorKind::config, where, faults,
              "compare it with the schema " + std::string(name) + ".schema.json");
}

}  // namespace dagloop
