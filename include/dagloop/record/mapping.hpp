// Where each field of the contract is found in a log with other names. Immutable value.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"

namespace dagloop {

/// Which instant of a run or attempt `created_at` marks in the log.
enum class CreatedAtMarks { end, start };

/// How a field is found in a line.
enum class FieldSource {
  column,   // a member of the line's object
  pointer,  // a JSON pointer (RFC 6901) into the line
  detail,   // a key of the `k=v;k=v` detail column
};

/// What a time that is a number counts since 1970.
enum class Epoch { s, ms, us, ns };

/// How a time is written that is no RFC 3339 text.
struct TimeForm {
  std::optional<Epoch> epoch;       // a number, or its text
  std::optional<std::string> zone;  // "Z" or "+09:00", for times that have none

  bool operator==(const TimeForm&) const = default;
};

/// What a number of a duration counts.
enum class DurationUnit { ns, us, ms, s, m };

/// One place of a line.
struct ValuePlace {
  FieldSource source = FieldSource::column;
  std::string name;  // column, pointer or detail key
  TimeForm time = {};

  bool operator==(const ValuePlace&) const = default;
};

/// How a field's value is made of what stands in its places.
enum class FieldForm {
  one,      // that of the first place that has one
  joined,   // the texts of all places, with slashes between
  between,  // the time from the first place to the second
  none,     // the log has no such field, whatever it has under that name
};

/// The place of one contract field, and the words its values are translated from.
struct FieldMapping {
  FieldSource source = FieldSource::column;
  std::string name;                            // column, pointer or detail key
  std::map<std::string, std::string> aliases;  // foreign value -> contract value; empty: null
  FieldForm form = FieldForm::one;
  TimeForm time = {};
  std::vector<ValuePlace> others = {};  // one: looked at where the first has nothing, in order;
                                        // joined, between: the places behind the first
  /// The value where nothing stands in any of the places. Of `created_at` it is the status where
  /// nothing stands in the first place, whatever the status field says; the time is that of the
  /// next place that has one.
  std::optional<std::string> when_null = {};
  std::optional<DurationUnit> unit = {};

  /// Returns whether the value is that of one place as it stands, but for aliases.
  bool is_plain() const;
  /// Returns all places, the first one in front.
  std::vector<ValuePlace> places() const;
  bool operator==(const FieldMapping&) const = default;
};

/// Which lines are records.
struct OnlyLines {
  ValuePlace place;
  std::set<std::string> values;  // booleans and numbers by their text; "": absent, null or empty

  bool operator==(const OnlyLines&) const = default;
};

/// A whole mapping. The default one reads every field under its own name.
struct Mapping {
  std::map<std::string, FieldMapping> fields;  // by contract field; absent: same name
  std::string detail_column = "detail";
  CreatedAtMarks created_at_marks = CreatedAtMarks::end;
  std::string outcome_node;                 // empty: every node's last attempt counts
  std::optional<OnlyLines> only = {};       // none: every line is a record
  std::optional<std::string> records = {};  // pointer to the records of a file's JSON documents;
                                            // none: a line is one

  bool operator==(const Mapping&) const = default;
};

/// Returns the names of all contract fields, in the order of the contract.
const std::vector<std::string_view>& contract_fields();

/// Reads a mapping document (docs/data-contract.md, "Mapping").
///
/// Errors: Error{config} naming `where` and all faults, each with its place, e.g. a field that the
///         contract lacks.
Mapping parse_mapping(const Json& document, std::string_view where);

/// Returns the members of a line's object, or columns of a table, that a field is read from.
std::vector<std::string> columns_of(const Mapping& mapping, std::string_view field);
/// Returns the one in which a place lies.
std::string column_of(const ValuePlace& place, const Mapping& mapping);
/// Returns the tokens of a JSON pointer, unescaped (RFC 6901).
std::vector<std::string> split_pointer(std::string_view pointer);

}  // namespace dagloop
