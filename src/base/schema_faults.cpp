#include "schema_faults.hpp"

#include <algorithm>
#include <optional>
#include <regex>
#include <string_view>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostFaults = 20;
constexpr std::size_t kMostShown = 60;  // bytes of a key or a value
// std::regex recurses once a character, and no pattern's texts are longer.
constexpr std::size_t kLongestMatched = 512;
constexpr std::string_view kReference = "#/";

std::string shown_key(std::string_view key) { return redact_text(key, kMostShown); }

std::string shown_value(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return redact_text(to_compact_json(value), kMostShown);
}

std::string kind_word(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "a list" : "an object";
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "number") return value.is_number();
  return value.is_integer() ||
         (value.is_number() && value.as_number() == static_cast<double>(std::int64_t(std::clamp(
                                                        value.as_number(), -9e15, 9e15))));
}

std::string type_word(std::string_view type) {
  if (type == "null") return "null";
  if (type == "boolean") return "true or false";
  if (type == "integer") return "a whole number";
  if (type == "array") return "a list";
  return (type == "object" ? "an " : "a ") + std::string(type);
}

// How many characters must be changed, added or removed to make one text the other.
std::size_t edits_between(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string known_keys(const Json& properties) {
  std::string text;
  for (const auto& [name, member] : properties.as_object()) {
    if (name != "$schema") text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string key_like(std::string_view key, const Json& properties) {
  constexpr std::size_t kMostEdits = 2;
  std::string best;
  // Of short keys fewer edits: two would make any word of three letters like any other.
  std::size_t fewest = std::min(kMostEdits + 1, (key.size() + 1) / 2);
  for (const auto& [name, member] : properties.as_object()) {
    const std::size_t edits = edits_between(key, name);
    if (edits >= fewest) continue;
    fewest = edits;
    best = name;
  }
  return best;
}

// Walks a document along its schema.
class FaultFinder {
 public:
  explicit FaultFinder(const Json& schema) : root_(schema) {}

  std::vector<std::string> faults(const Json& document) {
    visit(document, root_, "");
    return std::move(faults_);
  }

 private:
  // A reference is a path into the schema: "#/definitions/figures/properties/kpis".
  const Json& resolved(const Json& schema) const {
    const Json* reference = schema.find("$ref");
    if (reference == nullptr) return schema;
    std::string_view rest = std::string_view(reference->as_string()).substr(kReference.size());
    const Json* place = &root_;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('/'), rest.size());
      place = place->find(rest.substr(0, end));
      DAGLOOP_ASSERT(place != nullptr);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return resolved(*place);
  }

  void add(const std::string& path, std::string_view fault) {
    if (faults_.size() == kMostFaults) return;
    faults_.push_back((path.empty() ? "the document" : path) + std::string(fault));
  }

  static std::string wanted(const Json& schema, const std::string& otherwise) {
    const Json* description = schema.find("description");
    return " (give " + (description != nullptr ? description->as_string() : otherwise) + ")";
  }

  void visit(const Json& value, const Json& unresolved, const std::string& path) {
    if (faults_.size() == kMostFaults) return;
    const Json& schema = resolved(unresolved);
    // Of a value of the wrong kind nothing else is worth saying.
    if (!check_type(value, schema, path) || !check_words(value, schema, path)) return;
    if (value.is_object()) check_members(value, schema, path);
    if (value.is_array()) check_elements(value, schema, path);
    if (value.is_string()) check_text(value.as_string(), schema, path);
    if (value.is_number()) check_number(value, schema, path);
    if (const Json* all = schema.find("allOf")) {
      for (const Json& part : all->as_array()) visit(value, part, path);
    }
    for (const char* choice : {"anyOf", "oneOf"}) {
      if (const Json* branches = schema.find(choice)) check_branches(value, *branches, path);
    }
  }

  bool check_type(const Json& value, const Json& schema, const std::string& path) {
    const Json* type = schema.find("type");
    if (type == nullptr) return true;
    const Json::Array types = type->is_array() ? type->as_array() : Json::Array{*type};
    std::string words;
    for (const Json& one : types) {
      if (has_type(value, one.as_string())) return true;
      words += (words.empty() ? "" : " or ") + type_word(one.as_string());
    }
    add(path, ": is " + kind_word(value) + wanted(schema, words + list_hint(value, schema)));
    return false;
  }

  // The commonest slip: one value where a list of such values is asked for.
  std::string list_hint(const Json& value, const Json& schema) const {
    const Json* items = schema.find("items");
    if (items == nullptr) return "";
    const Json* type = resolved(*items).find("type");
    if (type == nullptr || !type->is_string()) return "";
    std::string hint = " of " + type->as_string() + "s";
    const std::string alone = to_compact_json(value);
    if (has_type(value, type->as_string()) && alone.size() < kMostShown) {
      hint += ": [" + shown_value(value) + "]";
    }
    return hint;
  }

  bool check_words(const Json& value, const Json& schema, const std::string& path) {
    if (const Json* only = schema.find("const"); only != nullptr && *only != value) {
      add(path, ": is " + shown_value(value) + " (give " + to_compact_json(*only) +
                    (path == "schema" ? ", or the right file)" : ")"));
      return false;
    }
    const Json* words = schema.find("enum");
    if (words == nullptr) return true;
    std::string list;
    for (const Json& word : words->as_array()) {
      if (word == value) return true;
      list += (list.empty() ? "" : ", ") + to_compact_json(word);
    }
    add(path, ": is " + shown_value(value) + " (give one of " + list + ")");
    return false;
  }

  void check_members(const Json& value, const Json& schema, const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    const Json* properties = schema.find("properties");
    // A document of another kind lacks most keys and has others: that it is one says it all.
    if (path.empty() && is_of_another_kind(value, properties)) return;
    if (const Json* required = schema.find("required")) {
      for (const Json& key : required->as_array()) {
        if (value.find(key.as_string()) == nullptr) add_missing(prefix, key, properties);
      }
    }
    const Json* others = schema.find("additionalProperties");
    bool is_first_unknown = true;
    for (const auto& [key, member] : value.as_object()) {
      const Json* known = properties != nullptr ? properties->find(key) : nullptr;
      if (known != nullptr) {
        visit(member, *known, prefix + key);
      } else if (others != nullptr && others->is_object()) {
        visit(member, *others, prefix + shown_key(key));
      } else if (others != nullptr && *others == Json(false) && properties != nullptr &&
                 schema.find("patternProperties") == nullptr) {
        add_unknown(prefix + shown_key(key), key, *properties, is_first_unknown);
        is_first_unknown = false;
      }
    }
  }

  bool is_of_another_kind(const Json& value, const Json* properties) {
    const Json* kind = properties != nullptr ? properties->find("schema") : nullptr;
    const Json* given = value.find("schema");
    return kind != nullptr && given != nullptr && !check_words(*given, resolved(*kind), "schema");
  }

  void add_missing(const std::string& prefix, const Json& key, const Json* properties) {
    const Json* known = properties != nullptr ? properties->find(key.as_string()) : nullptr;
    const Json* only = known != nullptr ? resolved(*known).find("const") : nullptr;
    const Json* about = known != nullptr ? resolved(*known).find("description") : nullptr;
    std::string what = ": is missing";
    if (only != nullptr) what += " (give " + to_compact_json(*only) + ")";
    if (about != nullptr) what += " (" + about->as_string() + ")";
    add(prefix + key.as_string(), what);
  }

  void add_unknown(const std::string& place, const std::string& key, const Json& properties,
                   bool is_first) {
    if (faults_.size() == kMostFaults) return;
    const std::string like = key_like(key, properties);
    std::string hint = like.empty() ? "" : "did you mean " + like + "?";
    if (is_first)
      hint += (hint.empty() ? "" : " ") + ("the keys here are " + known_keys(properties));
    add(place, ": unknown key" + (hint.empty() ? "" : " (" + hint + ")"));
  }

  void check_elements(const Json& value, const Json& schema, const std::string& path) {
    const Json::Array& elements = value.as_array();
    const Json* fewest = schema.find("minItems");
    const Json* most = schema.find("maxItems");
    const auto count = static_cast<std::int64_t>(elements.size());
    if (fewest != nullptr && count < fewest->as_integer()) {
      add(path, ": has " + std::to_string(count) + " elements (give at least " +
                    std::to_string(fewest->as_integer()) + ")");
    }
    if (most != nullptr && count > most->as_integer()) {
      add(path, ": has " + std::to_string(count) + " elements (give at most " +
                    std::to_string(most->as_integer()) + ")");
    }
    const Json* items = schema.find("items");
    if (items == nullptr || !items->is_object()) return;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      visit(elements[i], *items, path + "[" + std::to_string(i) + "]");
    }
  }

  void check_text(const std::string& text, const Json& schema, const std::string& path) {
    if (const Json* fewest = schema.find("minLength");
        fewest != nullptr && static_cast<std::int64_t>(text.size()) < fewest->as_integer()) {
      add(path, text.empty() ? ": is empty" + wanted(schema, "a value")
                             : ": is too short" + wanted(schema, "the whole text"));
    } else if (const Json* most = schema.find("maxLength");
               most != nullptr && static_cast<std::int64_t>(text.size()) > most->as_integer()) {
      add(path, ": is too long" + wanted(schema, "the text alone"));
    }
    const Json* pattern = schema.find("pattern");
    if (pattern == nullptr) return;
    if (text.size() <= kLongestMatched &&
        std::regex_search(text, std::regex(pattern->as_string()))) {
      return;
    }
    add(path, ": " + shown_value(Json(text)) + " is not of the right form" +
                  wanted(schema, "a text that matches " + pattern->as_string()));
  }

  void check_number(const Json& value, const Json& schema, const std::string& path) {
    const double number = value.as_number();
    const auto check = [&](const char* key, auto holds, const std::string& words) {
      const Json* limit = schema.find(key);
      if (limit == nullptr || holds(number, limit->as_number())) return;
      add(path, ": is " + to_compact_json(value) + " (give " + words + " " +
                    to_compact_json(*limit) + ")");
    };
    check("minimum", std::greater_equal<>(), "at least");
    check("maximum", std::less_equal<>(), "at most");
    check("exclusiveMinimum", std::greater<>(), "more than");
  }

  // Says what the branch says that the value comes nearest to.
  void check_branches(const Json& value, const Json& branches, const std::string& path) {
    std::optional<std::vector<std::string>> best;
    std::vector<std::string> before = std::move(faults_);
    for (const Json& branch : branches.as_array()) {
      const Json* type = resolved(branch).find("type");
      // "Or null" is a branch that nobody means who gives a value.
      if (!value.is_null() && type != nullptr && *type == Json("null")) continue;
      faults_.clear();
      visit(value, branch, path);
      // The fewest faults: that is most likely the branch that the author had in mind.
      if (!best || faults_.size() < best->size()) best = faults_;
    }
    faults_ = std::move(before);
    if (!best) return;
    for (const std::string& fault : *best) {
      if (faults_.size() < kMostFaults) faults_.push_back(fault);
    }
  }

  const Json& root_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> schema_faults(const Json& document, const Json& schema) {
  return FaultFinder(schema).faults(document);
}

}  // namespace dagloop
