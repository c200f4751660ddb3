// A JSON value: what documents and configuration are read into and written from. Objects keep the
// order of their members, so the same value always prints the same bytes. Copyable value type.
// Parsing is nlohmann/json's; this header hides it so that one file alone compiles it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dagloop {

/// One JSON value.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in order; keys unique

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(std::int64_t value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(std::uint64_t value);
  /// Errors: a non-finite `value` is a caller's bug.
  Json(double value);
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  /// Returns an object with these members.
  static Json object(std::initializer_list<Member> members = {});
  /// Returns an empty array.
  static Json array() { return Json(Array{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// The accessors below: a wrong type is a caller's bug (use JsonReader for input).
  bool as_bool() const;
  std::int64_t as_integer() const;
  double as_number() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;
  Array& as_array();
  Object& as_object();

  /// Returns the member `key` of an object, nullptr where there is none (or this is no object).
  const Json* find(std::string_view key) const;
  /// Returns the member `key` of an object, made null when missing; null becomes an object.
  Json& operator[](std::string_view key);
  /// Appends to an array; null becomes an array.
  void push_back(Json value);

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// Parses one JSON text.
///
/// Shape:  UTF-8, with or without a byte order mark; `//` and `/* */` comments are allowed;
///         integers fit int64. At most 64 levels, 64 MiB and 4 million values.
/// Errors: Error{config} "<where>:<line>: ..." for bad syntax, a NUL byte, a duplicate key, or more
///         than that.
/// Cost:   O(size * log(members of an object)), at most about 512 MiB.
Json parse_json(std::string_view text, std::string_view where);

/// Prints `value` with two-space indentation and a newline at the end: the form of documents.
std::string to_pretty_json(const Json& value);

/// Prints `value` on one line.
std::string to_compact_json(const Json& value);

/// Prints `value` on one line with object keys sorted by bytes: the form that digests cover.
///
/// Source: docs/formats.md, "Canonical form".
std::string to_canonical_json(const Json& value);

}  // namespace dagloop
