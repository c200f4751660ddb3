#include "record/dom_values.hpp"

#include <cmath>

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
