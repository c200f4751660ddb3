#include "record/dom_values.hpp"

#include <charconv>
#include <cmath>
#include <system_error>

namespace dagloop {
namespace {

using Element = simdjson::dom::element;

template <typename Whole>
RawValue whole_value(Whole number, Digits& digits) {
  RawValue value;
  value.number = static_cast<double>(number);
  value.kind = ValueKind::number;
  if (std::abs(value.number) <= static_cast<double>(kMaxCount)) return value;
  value.kind = ValueKind::big_number;
  value.text = digits.emplace_back(std::to_string(number));
  return value;
}

}  // namespace

std::vector<std::string> split_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] == '~') {
      ++i;
      tokens.back().push_back(pointer[i] == '1' ? '/' : '~');
    } else {
      tokens.back().push_back(pointer[i]);
    }
  }
  return tokens;
}

std::optional<Element> step(const Element& from, const std::string& token) {
  std::optional<Element> found;
  if (simdjson::dom::object object; from.get(object) == simdjson::SUCCESS) {
    for (const auto member : object) {
      if (member.key == token) found = member.value;
    }
  } else if (simdjson::dom::array array; from.get(array) == simdjson::SUCCESS) {
    std::size_t index = 0;
    const char* end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, index);
    const bool has_leading_zero = token.size() > 1 && token[0] == '0';
    Element value;
    if (error == std::errc{} && stop == end && !has_leading_zero &&
        array.at(index).get(value) == simdjson::SUCCESS) {
      found = value;
    }
  }
  return found;
}

RawValue raw_value(const Element& element, Digits& digits) {
  RawValue value;
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      break;
    case simdjson::dom::element_type::STRING:
      value.text = element.get_string().value_unsafe();
      if (value.text == kNotANumber) {
        value.truth = true;
      } else if (!value.text.empty()) {
        value.kind = ValueKind::text;
      }
      break;
    case simdjson::dom::element_type::BOOL:
      value.kind = ValueKind::boolean;
      value.truth = element.get_bool().value_unsafe();
      break;
    case simdjson::dom::element_type::INT64:
      return whole_value(element.get_int64().value_unsafe(), digits);
    case simdjson::dom::element_type::UINT64:
      return whole_value(element.get_uint64().value_unsafe(), digits);
    case simdjson::dom::element_type::DOUBLE:
      value.kind = ValueKind::number;
      value.number = element.get_double().value_unsafe();
      break;
    case simdjson::dom::element_type::ARRAY:
      value.kind = ValueKind::compound;
      value.truth = element.get_array().value_unsafe().size() > 0;
      break;
    case simdjson::dom::element_type::OBJECT:
      value.kind = ValueKind::compound;
      value.truth = element.get_object().value_unsafe().size() > 0;
      break;
  }
  return value;
}

}  // namespace dagloop
