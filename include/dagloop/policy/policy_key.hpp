// Typed, bounded policy keys, and the changes to them. Pure value types.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/base/json_reader.hpp"

namespace dagloop {

/// Types of allowlisted keys; the printed words are bool, int, float, enum, duration_ms.
enum class KeyType { bool_, int_, float_, enum_, duration_ms };

/// Returns the printed word.
std::string_view to_string(KeyType type);

/// What the allowlist says of one key.
struct KeySpec {
  std::string name;
  KeyType type = KeyType::int_;
  std::optional<double> min;  // numeric types
  std::optional<double> max;
  std::optional<double> max_step;   // the most that one change may move the value
  std::vector<std::string> values;  // enum
  std::string default_value;
  std::string owner;
  std::string description;
};

/// Values of policy keys, as they stand in the env file (without quotes).
using PolicyValues = std::map<std::string, std::string>;

/// One key's change.
struct Change {
  std::string before;
  std::string after;
  bool operator==(const Change&) const = default;
};

/// Changes by key.
using Patch = std::map<std::string, Change>;

/// Returns the number that `text` means for a numeric key, nullopt where it is none of the type.
std::optional<double> numeric_value(const KeySpec& spec, std::string_view text);

/// Prints `value` as the env file should hold it for `spec` (integers without a fraction).
std::string format_value(const KeySpec& spec, double value);

/// What is wrong with a value of a key, or with a step to it. Free of language: words for it are
/// report's, by fault_reason().
struct KeyFault {
  enum class Kind {
    key_not_allowlisted,
    value_of_other_type,
    value_not_listed,
    value_below_minimum,
    value_above_maximum,
    step_above_maximum
  };
  enum class At { target, present };  // which value it is: of the present one there is no way back

  std::string key;
  Kind kind = Kind::key_not_allowlisted;
  std::string value = {};   // of a step: its target
  std::string demand = {};  // of a type: its word; of a list: its words, ", " between them
  double limit = 0;         // minimum, maximum or maximum step
  std::string from = {};    // of a step: where it begins
  At at = At::target;
  bool operator==(const KeyFault&) const = default;
};

/// Returns the printed word: the enumerator.
std::string_view to_string(KeyFault::Kind kind);

/// Returns what is wrong with `text` as a value of `spec` (type, bounds, values); nullopt if fine.
std::optional<KeyFault> value_fault(const KeySpec& spec, std::string_view text);

/// Returns what is wrong with moving from `before` to `after`: value_fault of either, for a change
/// is made where it can be undone, or more than max_step.
std::optional<KeyFault> step_fault(const KeySpec& spec, std::string_view before,
                                   std::string_view after);

/// What a suggested number is clipped by; `no_room`: no value is within both.
enum class ClippedBy { bounds, maximum_step, no_room };

/// A suggested number, moved inside bounds and maximum step.
struct Clipped {
  double value = 0;
  std::optional<ClippedBy> by;
  double suggested = 0;  // as it would stand without
};

/// Clips `suggested` for a numeric key whose value is `current`.
Clipped clip_value(const KeySpec& spec, double current, double suggested);

/// Returns the spec of `name`, nullptr where the list lacks it.
const KeySpec* find_key(const std::vector<KeySpec>& specs, std::string_view name);

/// Returns {key: {before, after}}, and reads it back.
Json patch_to_json(const Patch& patch);
Patch patch_from_json(const JsonReader& reader);

/// Returns {key: value}, and reads it back.
Json values_to_json(const PolicyValues& values);
PolicyValues values_from_json(const JsonReader& reader);

}  // namespace dagloop
