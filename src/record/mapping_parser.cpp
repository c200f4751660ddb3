#include <algorithm>
#include <array>
#include <utility>

#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/record/mapping.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSchema = "dagloop.mapping/1";
constexpr std::size_t kMostFaults = 20;

template <typename Enum>
using MappingWords = std::vector<std::pair<std::string_view, Enum>>;

// Reads a whole document before it fails, so that all faults are mended in one round.
class MappingParser {
 public:
  explicit MappingParser(std::string_view where) : where_(where) {}

  Mapping parse(const Json& root) {
    Mapping result;
    if (!is_object(root, "")) fail();
    allow_only(root, "",
               {"schema", "$schema", "records", "only", "detail_column", "fields",
                "created_at_marks", "outcome_node"});
    const Json* schema = find(root, "schema");
    if (schema == nullptr || !schema->is_string() || schema->as_string() != kSchema) {
      add("schema", "this is no mapping of a known version", R"(use "dagloop.mapping/1")");
    }
    if (const Json* column = find(root, "detail_column")) {
      result.detail_column = name_of(*column, "detail_column");
    }
    if (const Json* marks = find(root, "created_at_marks")) {
      result.created_at_marks =
          word_of(*marks, "created_at_marks",
                  MappingWords<CreatedAtMarks>{{"end", CreatedAtMarks::end},
                                               {"start", CreatedAtMarks::start}});
    }
    if (const Json* node = find(root, "outcome_node")) {
      result.outcome_node = text_of(*node, "outcome_node");
    }
    if (const Json* records = find(root, "records")) {
      result.records = pointer_of(*records, "records", Pointers::with_whole);
    }
    if (const Json* only = find(root, "only")) result.only = only_of(*only);
    if (const Json* fields = find(root, "fields")) read_fields(*fields, result);
    if (!faults_.empty()) fail();
    return result;
  }

 private:
  enum class Pointers { into, with_whole };  // "" is the line, or the document, itself

  void add(const std::string& path, std::string_view what, std::string_view remedy) {
    if (faults_.size() == kMostFaults) return;
    faults_.push_back((path.empty() ? "" : path + ": ") + std::string(what));
    remedies_.emplace_back(remedy);
  }

  [[noreturn]] void fail() const {
    std::string what;
    for (std::size_t i = 0; i + 1 < faults_.size(); ++i) {
      what += faults_[i] + " (" + remedies_[i] + "); ";
    }
    throw Error(ErrorKind::config, where_, what + faults_.back(), remedies_.back());
  }

  static std::string in(const std::string& path, std::string_view key) {
    return (path.empty() ? "" : path + ".") + redact_label(key);
  }

  // A member that is null counts as one that is missing, but for fields.
  static const Json* find(const Json& object, std::string_view key) {
    const Json* found = object.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  bool is_object(const Json& value, const std::string& path) {
    if (value.is_object()) return true;
    add(path, "expected an object", "write { } with the members of docs/data-contract.md");
    return false;
  }

  void allow_only(const Json& object, const std::string& path,
                  const std::vector<std::string_view>& known) {
    for (const auto& [key, value] : object.as_object()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string names;
      for (const std::string_view name : known) {
        names += (names.empty() ? "" : ", ") + std::string(name);
      }
      add(in(path, key), "is not known", "known are " + names);
    }
  }

  std::string text_of(const Json& value, const std::string& path) {
    if (value.is_string()) return value.as_string();
    add(path, "expected text", "put it in quotes");
    return {};
  }

  std::string name_of(const Json& value, const std::string& path) {
    std::string name = text_of(value, path);
    if (value.is_string() && name.empty()) {
      add(path, "the name is empty", "name a column, pointer or detail key");
    }
    return name;
  }

  std::string pointer_of(const Json& value, const std::string& path, Pointers which) {
    const std::string pointer = text_of(value, path);
    bool is_valid = pointer.starts_with('/') || (pointer.empty() && which == Pointers::with_whole);
    for (std::size_t i = 0; i < pointer.size(); ++i) {
      if (pointer[i] != '~') continue;
      is_valid =
          is_valid && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
    }
    if (value.is_string() && !is_valid) {
      add(path, "this is no JSON pointer", "write it as in RFC 6901, for example /payload/status");
    }
    return is_valid ? pointer : "/";
  }

  template <typename Enum>
  Enum word_of(const Json& value, const std::string& path, const MappingWords<Enum>& words) {
    const std::string word = text_of(value, path);
    std::string names;
    for (const auto& [name, meaning] : words) {
      if (word == name) return meaning;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    if (value.is_string())
      add(path, "\"" + redact_label(word) + "\" is not known", "use one of " + names);
    return words.front().second;
  }

  // Text, a boolean or a number, by its text; null is the empty text.
  std::string value_of(const Json& value, const std::string& path) {
    if (value.is_null()) return {};
    if (value.is_string()) return value.as_string();
    if (value.is_bool() || value.is_number()) return to_compact_json(value);
    add(path, "expected text, a number, true, false or null", "name values as the log has them");
    return {};
  }

  OnlyLines only_of(const Json& only) {
    OnlyLines result;
    if (!is_object(only, "only")) return result;
    allow_only(only, "only", {"column", "pointer", "detail", "values"});
    result.place = place_of(only, "only", "");
    const Json* values = find(only, "values");
    if (values == nullptr || !values->is_array() || values->as_array().empty()) {
      add("only.values", "expected a list of values", R"(for example ["match"])");
      return result;
    }
    std::size_t i = 0;
    for (const Json& value : values->as_array()) {
      result.values.insert(value_of(value, "only.values[" + std::to_string(i++) + "]"));
    }
    return result;
  }

  // Which of two places counts would be a guess. Without any it is the column `otherwise`.
  ValuePlace place_of(const Json& object, const std::string& path, std::string_view otherwise) {
    ValuePlace place{FieldSource::column, std::string(otherwise), {}};
    int count = 0;
    if (const Json* column = find(object, "column")) {
      ++count;
      place.name = name_of(*column, in(path, "column"));
    }
    if (const Json* pointer = find(object, "pointer")) {
      ++count;
      place = {FieldSource::pointer, pointer_of(*pointer, in(path, "pointer"), Pointers::into), {}};
    }
    if (const Json* detail = find(object, "detail")) {
      ++count;
      place = {FieldSource::detail, name_of(*detail, in(path, "detail")), {}};
    }
    if (count > 1) {
      add(path, "has more than one place", "keep one of column, pointer and detail");
    } else if (count == 0 && otherwise.empty()) {
      add(path, "has no place", "give column, pointer or detail");
    }
    return place;
  }

  TimeForm time_of(const Json& object, const std::string& path) {
    TimeForm form;
    if (const Json* epoch = find(object, "epoch")) {
      form.epoch =
          word_of(*epoch, in(path, "epoch"),
                  MappingWords<Epoch>{
                      {"s", Epoch::s}, {"ms", Epoch::ms}, {"us", Epoch::us}, {"ns", Epoch::ns}});
    }
    if (const Json* zone = find(object, "zone")) {
      const std::string word = text_of(*zone, in(path, "zone"));
      form.zone = word == "UTC" ? "Z" : word;
      if (zone->is_string() && !parse_time("2000-01-01T00:00:00" + *form.zone)) {
        add(in(path, "zone"), "\"" + redact_label(word) + "\" is no zone",
            R"(use "UTC", or an offset such as "+09:00")");
      }
    }
    return form;
  }

  void read_fields(const Json& fields, Mapping& result) {
    if (!is_object(fields, "fields")) return;
    allow_only(fields, "fields", contract_fields());
    for (const auto& [name, value] : fields.as_object()) {
      const auto field = field_named(name);
      if (field) result.fields.emplace(name, field_of(*field, value, "fields." + name));
    }
  }

  FieldMapping field_of(Field field, const Json& value, const std::string& path) {
    FieldMapping result;
    result.name = std::string(to_string(field));
    if (value.is_null()) {
      result.form = FieldForm::none;
      if (field == Field::created_at || field == Field::status) {
        add(path, "no line is a record without it", "name its place");
      }
    } else if (value.is_array()) {
      if (field == Field::created_at || field == Field::status || field == Field::duration_ms) {
        add(path, "is no text to be joined", "name one place, and further ones as else");
      }
      read_joined(value, path, result);
    } else if (value.is_object() &&
               (find(value, "from") != nullptr || find(value, "to") != nullptr)) {
      read_between(field, value, path, result);
    } else if (is_object(value, path)) {
      read_one(field, value, path, result);
    }
    return result;
  }

  static void put_first(const ValuePlace& place, FieldMapping& result) {
    result.source = place.source;
    result.name = place.name;
    result.time = place.time;
  }

  void read_joined(const Json& list, const std::string& path, FieldMapping& result) {
    result.form = FieldForm::joined;
    std::vector<ValuePlace> places;
    for (const Json& part : list.as_array()) {
      const std::string at = path + "[" + std::to_string(places.size()) + "]";
      if (part.is_string()) {
        places.push_back({FieldSource::column, name_of(part, at), {}});
      } else if (is_object(part, at)) {
        allow_only(part, at, {"column", "pointer", "detail"});
        places.push_back(place_of(part, at, ""));
      } else {
        places.emplace_back();
      }
    }
    if (places.empty()) return add(path, "the list is empty", "name the columns to join");
    put_first(places.front(), result);
    result.others.assign(places.begin() + 1, places.end());
  }

  void read_between(Field field, const Json& object, const std::string& path,
                    FieldMapping& result) {
    result.form = FieldForm::between;
    allow_only(object, path, {"from", "to"});
    if (field != Field::duration_ms)
      add(path, "is no duration", "keep from and to for duration_ms");
    for (const char* end : {"from", "to"}) {
      const Json* place = find(object, end);
      ValuePlace read;
      if (place == nullptr) {
        add(path, std::string("has no ") + end, "name both times, from and to");
      } else if (is_object(*place, in(path, end))) {
        allow_only(*place, in(path, end), {"column", "pointer", "detail", "epoch", "zone"});
        read = place_of(*place, in(path, end), "");
        read.time = time_of(*place, in(path, end));
      }
      if (end == std::string_view("from")) {
        put_first(read, result);
      } else {
        result.others.push_back(read);
      }
    }
  }

  void read_one(Field field, const Json& object, const std::string& path, FieldMapping& result) {
    allow_only(
        object, path,
        {"column", "pointer", "detail", "aliases", "epoch", "zone", "when_null", "else", "unit"});
    ValuePlace first = place_of(object, path, to_string(field));
    first.time = checked_time(field, object, path);
    put_first(first, result);
    if (const Json* aliases = find(object, "aliases"))
      read_aliases(*aliases, in(path, "aliases"), result);
    if (const Json* word = find(object, "when_null")) {
      result.when_null = name_of(*word, in(path, "when_null"));
    }
    if (const Json* unit = find(object, "unit")) {
      result.unit = word_of(*unit, in(path, "unit"),
                            MappingWords<DurationUnit>{{"ns", DurationUnit::ns},
                                                       {"us", DurationUnit::us},
                                                       {"ms", DurationUnit::ms},
                                                       {"s", DurationUnit::s},
                                                       {"m", DurationUnit::m}});
      if (field != Field::duration_ms) {
        add(in(path, "unit"), "is of durations alone", "keep it for duration_ms");
      }
    }
    read_others(field, object, path, result);
    if (field == Field::created_at && result.when_null && result.others.empty()) {
      add(path, "has when_null, but no else", "name the time of a record without an end, as else");
    }
  }

  TimeForm checked_time(Field field, const Json& object, const std::string& path) {
    TimeForm form = time_of(object, path);
    if (field != Field::created_at && form != TimeForm{}) {
      add(path, "is no time", "keep epoch and zone for created_at, from and to");
    }
    return form;
  }

  void read_aliases(const Json& aliases, const std::string& path, FieldMapping& result) {
    if (!is_object(aliases, path)) return;
    for (const auto& [foreign, word] : aliases.as_object()) {
      const bool is_word = word.is_string() || word.is_null();
      if (!is_word) add(in(path, foreign), "expected text", "name a word of the contract, or null");
      if (is_word) result.aliases.emplace(foreign, word.is_null() ? "" : word.as_string());
    }
  }

  // Each place may name the next one.
  void read_others(Field field, const Json& object, const std::string& path, FieldMapping& result) {
    const Json* next = find(object, "else");
    for (std::string at = in(path, "else"); next != nullptr; at = in(at, "else")) {
      if (!is_object(*next, at)) return;
      allow_only(*next, at, {"column", "pointer", "detail", "epoch", "zone", "else"});
      ValuePlace place = place_of(*next, at, "");
      place.time = checked_time(field, *next, at);
      result.others.push_back(place);
      next = find(*next, "else");
    }
  }

  std::string where_;
  std::vector<std::string> faults_;
  std::vector<std::string> remedies_;
};

}  // namespace

Mapping parse_mapping(const Json& document, std::string_view where) {
  return MappingParser(where).parse(document);
}

}  // namespace dagloop
