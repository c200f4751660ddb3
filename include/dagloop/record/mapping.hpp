// Where each field of the contract is found in a log with other names. Immutable value.
#pragma once

#include <map>
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

/// The place of one contract field, and the words its values are translated from.
struct FieldMapping {
  FieldSource source = FieldSource::column;
  std::string name;                            // column, pointer or detail key
  std::map<std::string, std::string> aliases;  // foreign value -> contract value
};

/// A whole mapping. The default one reads every field under its own name.
struct Mapping {
  std::map<std::string, FieldMapping> fields;  // by contract field; absent: same name
  std::string detail_column = "detail";
  CreatedAtMarks created_at_marks = CreatedAtMarks::end;
  std::string outcome_node;  // empty: every node's last attempt counts
};

/// Returns the names of all contract fields, in the order of the contract.
const std::vector<std::string_view>& contract_fields();

/// Reads a mapping document (docs/data-contract.md, "Mapping").
///
/// Errors: Error{config} naming `where` and the key, e.g. for a field that the contract lacks.
Mapping parse_mapping(const Json& document, std::string_view where);

}  // namespace dagloop
