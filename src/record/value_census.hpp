// Private to the record layer: what stands where in the records of an unknown log. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/record/mapping.hpp"

namespace dagloop {

/// What the values of one place are.
struct PlaceCensus {
  std::vector<std::string> tokens;  // of its pointer
  std::vector<std::string> words;   // of its last name, in lower case
  std::size_t records = 0;          // that have a value there
  std::size_t texts = 0;
  std::size_t numbers = 0;
  std::size_t truths = 0;
  std::size_t times = 0;     // as RFC 3339
  std::size_t zoneless = 0;  // likewise, but for a zone
  std::size_t longest = 0;
  std::set<std::string> values;          // the first few different ones, by their text
  std::set<std::size_t> different = {};  // by hash
  double least = 0;                      // of numbers and their texts
  double most = 0;
  bool has_fractions = false;
  bool are_numbers = true;  // or texts of numbers

  /// Returns whether it is called by all of these words, next to one another or not.
  bool is_called(const std::vector<std::string_view>& all) const;
  /// Returns how its numbers count since 1970; nullopt where they do not.
  std::optional<Epoch> epoch() const;
  /// Returns whether all of its values are times, in whatever form.
  bool is_time() const;
  /// Returns the words under which a mapping finds it: `{"column": ...}` or `{"pointer": ...}`.
  Json as_place() const;
};

/// Counts what stands in `records`, in the order in which places come.
std::vector<PlaceCensus> census_of(const std::vector<Json>& records);

/// Returns what stands at a place of a record; nullptr for nothing.
const Json* value_at(const Json& record, const std::vector<std::string>& tokens);

/// Returns a value's text, as aliases name it; empty for null, arrays and objects.
std::string text_of_json(const Json& value);

}  // namespace dagloop
