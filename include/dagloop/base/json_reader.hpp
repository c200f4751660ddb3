// Reads a Json value with typed accessors whose errors name file and key path. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/time.hpp"

namespace dagloop {

/// A place in a parsed document: a value, and the path that led to it.
///
/// Errors: every accessor throws Error{config} "<file>: <path>: expected ..., found ...; ...".
/// Owns:   nothing: the Json outlives the reader.
class JsonReader {
 public:
  /// Shape: `where` names the file in messages; `path` is empty for the root.
  JsonReader(const Json& value, std::string where, std::string path = "");

  /// Returns the value itself.
  const Json& value() const { return *value_; }
  /// Returns the path, e.g. "gate.checks[0].kpi".
  const std::string& path() const { return path_; }

  /// Returns the required member `key` (this must be an object).
  JsonReader at(std::string_view key) const;
  /// Returns the member `key` unless it is missing or null.
  std::optional<JsonReader> find(std::string_view key) const;
  /// The same of a number, and of a time.
  std::optional<double> find_number(std::string_view key) const;
  std::optional<TimePoint> find_time(std::string_view key) const;
  /// Returns the elements of this array.
  std::vector<JsonReader> elements() const;
  /// Returns the members of this object, in order, as (key, place).
  std::vector<std::pair<std::string, JsonReader>> members() const;

  std::string string() const;
  bool boolean() const;
  std::int64_t integer() const;
  double number() const;
  TimePoint time() const;
  /// Reads a duration string such as "6h".
  Microseconds duration() const;

  /// Throws Error{config} about this place.
  [[noreturn]] void fail(std::string_view what, std::string_view remedy) const;
  /// Throws unless every member's key is one of `known` (a misspelt key is an error, not ignored).
  void allow_only(const std::vector<std::string_view>& known) const;

 private:
  const Json* value_;
  std::string where_;
  std::string path_;
};

/// Returns a value that may be missing as JSON: null where it is.
Json or_null(const std::optional<double>& number);
Json or_null(const std::optional<TimePoint>& time);

}  // namespace dagloop
