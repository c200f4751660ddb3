// Private to the record layer: JSON pointers, all looked up in one pass over a line. For one
// thread.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/dom_values.hpp"
#include "record/field.hpp"

namespace dagloop {

/// Finds the values of pointers. A token is a member's name, or an element's number. Of a list of
/// pairs, as OpenTelemetry writes attributes (`[{"key": K, "value": {"stringValue": V}}]`), it is
/// the key of one. A text that holds JSON is looked into.
class PointerTree {
 public:
  /// Returns the number under which the pointer's value is found.
  std::size_t add(const std::vector<std::string>& tokens);
  bool empty() const { return values_.empty(); }

  /// Forgets all values.
  void clear();
  /// Looks at all members of a line's object, and at nothing else any more. Returns false where the
  /// line is no JSON object as it stands.
  bool read_line(std::string_view line, Digits& digits);
  /// Looks at a member of the line's object; of a repeated one the last counts.
  void read_member(std::string_view key, const simdjson::dom::element& value, Digits& digits);
  /// Returns a value, which lives as long as the line's document and `digits`, until clear().
  const RawValue& value(std::size_t number) const { return values_[number]; }

 private:
  static constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);

  struct Node {
    std::string token;
    std::optional<std::size_t> index;  // the token as a number of an element
    std::size_t value = kNoValue;
    std::vector<std::size_t> children = {};  // in nodes_
  };

  void read(std::size_t at, const simdjson::dom::element& element, Digits& digits);
  void read_object(const Node& node, const simdjson::dom::object& object, Digits& digits);
  void read_array(const Node& node, const simdjson::dom::array& array, Digits& digits);
  void read_pair(const Node& node, const simdjson::dom::object& pair, Digits& digits);
  void forget(std::size_t at);

  std::vector<Node> nodes_{Node{}};  // the first is the line's object
  std::vector<RawValue> values_;
  std::deque<simdjson::dom::parser> parsers_;  // of texts that hold JSON, and of read_line()
  std::size_t parsers_used_ = 0;
};

}  // namespace dagloop
