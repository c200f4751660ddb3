#include "record/dom_values.hpp"

#include <cmath>

#include "record/json_text.hpp"

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

Json json_value(const Element& element) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      break;
    case simdjson::dom::element_type::STRING:
      return Json(element.get_string().value_unsafe());
    case simdjson::dom::element_type::BOOL:
      return Json(element.get_bool().value_unsafe());
    case simdjson::dom::element_type::INT64:
      return Json(element.get_int64().value_unsafe());
    case simdjson::dom::element_type::UINT64:
      return Json(static_cast<double>(element.get_uint64().value_unsafe()));
    case simdjson::dom::element_type::DOUBLE:
      return Json(element.get_double().value_unsafe());
    case simdjson::dom::element_type::ARRAY: {
      Json array = Json::array();
      const simdjson::dom::array elements = element.get_array().value_unsafe();
      for (const Element each : elements) {
        array.push_back(json_value(each));
      }
      return array;
    }
    case simdjson::dom::element_type::OBJECT: {
      Json object = Json::object();
      const simdjson::dom::object members = element.get_object().value_unsafe();
      for (const auto member : members) {
        object[member.key] = json_value(member.value);
      }
      return object;
    }
  }
  return {};
}

}  // namespace

std::optional<Json> json_of(std::string_view text) {
  simdjson::dom::parser parser;
  Element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  return json_value(root);
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
