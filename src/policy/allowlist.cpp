#include "dagloop/policy/allowlist.hpp"

#include <utility>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

KeyType read_type(const JsonReader& reader) {
  for (const KeyType type :
       {KeyType::bool_, KeyType::int_, KeyType::float_, KeyType::enum_, KeyType::duration_ms}) {
    if (reader.string() == to_string(type)) return type;
  }
  reader.fail("unknown type", "give bool, int, float, enum or duration_ms");
}

std::string read_text(const JsonReader& reader, std::string_view key) {
  const auto found = reader.find(key);
  return found ? found->string() : std::string();
}

KeySpec read_key(const JsonReader& reader) {
  reader.allow_only(
      {"name", "type", "min", "max", "max_step", "values", "default", "owner", "description"});
  KeySpec spec;
  spec.name = reader.at("name").string();
  spec.type = read_type(reader.at("type"));
  spec.min = reader.find_number("min");
  spec.max = reader.find_number("max");
  spec.max_step = reader.find_number("max_step");
  if (const auto values = reader.find("values")) {
    for (const JsonReader& value : values->elements()) spec.values.push_back(value.string());
  }
  spec.default_value = read_text(reader, "default");
  spec.owner = read_text(reader, "owner");
  spec.description = read_text(reader, "description");
  if (spec.min && spec.max && *spec.min > *spec.max) {
    reader.fail("min is above max", "mend the bounds");
  }
  if (spec.max_step && *spec.max_step <= 0) {
    reader.at("max_step").fail("not above 0", "give the most that one change may move the value");
  }
  if (spec.type == KeyType::enum_ && spec.values.empty()) {
    reader.fail("an enum without values", "list its values");
  }
  // The loop may suggest the default one day. One outside the bounds would be refused only then.
  if (value_fault(spec, spec.default_value)) {
    reader.at("default").fail("\"" + spec.default_value + "\" is not what the key itself allows",
                              "give a default of the key's type, within its own bounds and values");
  }
  return spec;
}

}  // namespace

Allowlist Allowlist::parse(const Json& document, std::string_view where) {
  Allowlist list;
  for (const JsonReader& element : JsonReader(document, std::string(where)).at("keys").elements()) {
    KeySpec spec = read_key(element);
    if (find_key(list.keys_, spec.name) != nullptr) {
      element.at("name").fail("\"" + spec.name + "\" stands twice", "remove one of them");
    }
    list.keys_.push_back(std::move(spec));
  }
  return list;
}

std::vector<KeyFault> Allowlist::refusals(const Patch& patch, ChangeDirection direction) const {
  std::vector<KeyFault> faults;
  for (const auto& [key, change] : patch) {
    const KeySpec* spec = find_key(keys_, key);
    if (spec == nullptr) {
      faults.push_back({key, KeyFault::Kind::key_not_allowlisted});
      continue;
    }
    // A way back may be a longer step than max_step: it returns to a policy that was in force
    // before, and waiting for several steps would keep a bad one. Only the bounds hold for it.
    auto fault = direction == ChangeDirection::forward
                     ? step_fault(*spec, change.before, change.after)
                     : value_fault(*spec, change.after);
    if (fault) faults.push_back(std::move(*fault));
  }
  return faults;
}

std::vector<std::string> Allowlist::names() const {
  std::vector<std::string> names;
  for (const KeySpec& spec : keys_) names.push_back(spec.name);
  return names;
}

PolicyValues Allowlist::values_in(const EnvFile& env) const {
  PolicyValues values;
  for (const KeySpec& spec : keys_) {
    auto value = env.value(spec.name);
    // Values are kept and shown; one that looks like a secret is not the policy's.
    if (value && redact_text(*value, value->size()) == *value) {
      values.emplace(spec.name, std::move(*value));
    }
  }
  return values;
}

}  // namespace dagloop
