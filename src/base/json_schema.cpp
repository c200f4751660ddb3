#include "dagloop/base/json_schema.hpp"

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"
#include "embedded_schemas.hpp"
#include "schema_faults.hpp"

namespace dagloop {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;
constexpr int kMaxFaults = 3;
// valijson keeps every fault of a document until it has seen all of it.
constexpr std::size_t kMaxCheckedValues = 100'000;
// std::regex recurses once a character and overflows the stack on long texts. The beginning of one
// is matched instead, with a mark that is in no pattern's characters.
constexpr std::size_t kMaxMatched = 512;
constexpr std::string_view kCutMark = "\x01(cut)";

// Copies a document for valijson.
class Copier {
 public:
  explicit Copier(std::string_view where) : where_(where) {}

  nlohmann::json copy(const Json& value) {
    if (++value_count_ > kMaxCheckedValues) {
      throw Error(ErrorKind::config, where_, "has more than 100000 values",
                  "this is no document of this kind: give the right file");
    }
    if (value.is_bool()) return value.as_bool();
    if (value.is_integer()) return value.as_integer();
    if (value.is_number()) return value.as_number();
    if (value.is_string()) return short_text(value.as_string());
    if (value.is_null()) return nullptr;
    nlohmann::json copied = value.is_array() ? nlohmann::json::array() : nlohmann::json::object();
    if (value.is_array()) {
      for (const Json& element : value.as_array()) copied.push_back(copy(element));
    } else {
      for (const auto& [key, member] : value.as_object()) copied[checked(key)] = copy(member);
    }
    return copied;
  }

 private:
  static std::string short_text(const std::string& text) {
    if (text.size() <= kMaxMatched) return text;
    return text.substr(0, kMaxMatched).append(kCutMark);
  }

  // Cut keys could fall together, and one of them would not be validated.
  const std::string& checked(const std::string& key) const {
    if (key.size() <= kMaxMatched) return key;
    throw Error(ErrorKind::config, where_, "has a key of more than 512 bytes", "mend the file");
  }

  std::string_view where_;
  std::size_t value_count_ = 0;
};

// A schema, parsed once. Locked, for a validator keeps its regular expressions as it goes.
class CompiledSchema {
 public:
  explicit CompiledSchema(std::string_view text) {
    const nlohmann::json document = nlohmann::json::parse(text);
    valijson::SchemaParser().populateSchema(Adapter(document), schema_);
  }

  bool validate(const nlohmann::json& document, valijson::ValidationResults& results) {
    const std::lock_guard lock(mutex_);
    return validator_.validate(schema_, Adapter(document), &results);
  }

 private:
  std::mutex mutex_;
  valijson::Schema schema_;
  valijson::Validator validator_;
};

CompiledSchema& compiled_schema(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, CompiledSchema, std::less<>> all;
  const std::lock_guard lock(mutex);
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  return all.try_emplace(std::string(name), schema_text(name)).first->second;
}

std::string fault_text(const valijson::ValidationResults::Error& fault) {
  std::string path;
  for (const std::string& part : fault.context) {
    // The root comes as "<root>", keys and indices as "[key]".
    if (part != "<root>") path += part;
  }
  return (path.empty() ? "the document" : path) + ": " + fault.description;
}

// In valijson's words, for what has no plain ones. The innermost faults tell most, and come first.
std::vector<std::string> fault_texts(valijson::ValidationResults& results) {
  std::vector<std::string> texts;
  valijson::ValidationResults::Error fault;
  for (int i = 0; i < kMaxFaults && results.popError(fault); ++i)
    texts.push_back(fault_text(fault));
  return texts;
}

std::string remedy_of(std::string_view name) {
  if (name == "config") return "docs/configuration.md describes every key";
  return "its schema is config/schemas/" + std::string(name) + ".schema.json";
}

}  // namespace

std::string_view schema_text(std::string_view name) {
  for (const EmbeddedSchema& schema : embedded_schemas()) {
    if (schema.name == name) return schema.text;
  }
  assertion_failed("a schema of this name ships", __FILE__, __LINE__);
}

void validate_schema(const Json& document, std::string_view name, std::string_view where) {
  valijson::ValidationResults results;
  if (compiled_schema(name).validate(Copier(where).copy(document), results)) return;
  const Json schema = parse_json(schema_text(name), name);
  std::vector<std::string> faults = schema_faults(document, schema);
  if (faults.empty()) faults = fault_texts(results);
  std::string text;
  for (const std::string& fault : faults) text += (text.empty() ? "" : "; ") + fault;
  throw Error(ErrorKind::config, where, text, remedy_of(name));
}

}  // namespace dagloop
