#include "record/pointer_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace dagloop {
namespace {

using simdjson::SUCCESS;
using DomValue = simdjson::dom::element;

std::optional<std::size_t> number_of(const std::string& token) {
  std::size_t number = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, number);
  const bool has_leading_zero = token.size() > 1 && token[0] == '0';
  if (error != std::errc{} || stop != end || has_leading_zero) return std::nullopt;
  return number;
}

// How OpenTelemetry wraps values (proto3 JSON of AnyValue).
constexpr std::array<std::string_view, 5> kPlainWraps{"stringValue", "intValue", "doubleValue",
                                                      "boolValue", "bytesValue"};
constexpr std::array<std::string_view, 2> kListWraps{"arrayValue", "kvlistValue"};

// The value in such a wrapping; any other as it is.
DomValue unwrapped(const DomValue& value) {
  simdjson::dom::object object;
  if (value.get(object) != SUCCESS || object.size() != 1) return value;
  const auto member = *object.begin();
  if (std::ranges::find(kPlainWraps, member.key) != kPlainWraps.end()) return member.value;
  DomValue list;
  const bool is_list = std::ranges::find(kListWraps, member.key) != kListWraps.end();
  return is_list && member.value.at_key("values").get(list) == SUCCESS ? list : value;
}

bool may_be_json(std::string_view text) { return text.starts_with('{') || text.starts_with('['); }

}  // namespace

std::size_t PointerTree::add(const std::vector<std::string>& tokens) {
  std::size_t at = 0;
  for (const std::string& token : tokens) {
    const std::vector<std::size_t>& children = nodes_[at].children;
    const auto found = std::ranges::find_if(
        children, [&](std::size_t child) { return nodes_[child].token == token; });
    if (found != children.end()) {
      at = *found;
      continue;
    }
    nodes_.push_back({token, number_of(token)});
    nodes_[at].children.push_back(nodes_.size() - 1);
    at = nodes_.size() - 1;
  }
  if (nodes_[at].value == kNoValue) {
    nodes_[at].value = values_.size();
    values_.emplace_back();
  }
  return nodes_[at].value;
}

void PointerTree::clear() {
  std::ranges::fill(values_, RawValue{});
  parsers_used_ = 0;
}

void PointerTree::forget(std::size_t at) {
  if (nodes_[at].value != kNoValue) values_[nodes_[at].value] = {};
  for (const std::size_t child : nodes_[at].children) forget(child);
}

bool PointerTree::read_line(std::string_view line, Digits& digits) {
  clear();
  digits.clear();
  if (parsers_.empty()) parsers_.emplace_back();
  parsers_used_ = 1;
  simdjson::dom::object object;
  if (parsers_.front().parse(line.data(), line.size()).get(object) != SUCCESS) return false;
  for (const auto member : object) read_member(member.key, member.value, digits);
  return true;
}

void PointerTree::read_member(std::string_view key, const DomValue& value, Digits& digits) {
  for (const std::size_t child : nodes_.front().children) {
    if (nodes_[child].token != key) continue;
    forget(child);
    read(child, value, digits);
  }
}

void PointerTree::read(std::size_t at, const DomValue& element, Digits& digits) {
  const Node& node = nodes_[at];
  if (node.value != kNoValue) values_[node.value] = raw_value(element, digits);
  if (node.children.empty()) return;
  DomValue value = element;
  std::string_view text;
  if (element.get(text) == SUCCESS && may_be_json(text)) {
    if (parsers_used_ == parsers_.size()) parsers_.emplace_back();
    const auto parsed = parsers_[parsers_used_++].parse(text.data(), text.size());
    if (parsed.get(value) != SUCCESS) return;
  }
  if (simdjson::dom::object object; value.get(object) == SUCCESS) {
    read_object(node, object, digits);
  } else if (simdjson::dom::array array; value.get(array) == SUCCESS) {
    read_array(node, array, digits);
  }
}

void PointerTree::read_object(const Node& node, const simdjson::dom::object& object,
                              Digits& digits) {
  for (const auto member : object) {
    for (const std::size_t child : node.children) {
      if (nodes_[child].token != member.key) continue;
      forget(child);
      read(child, member.value, digits);
    }
  }
}

void PointerTree::read_array(const Node& node, const simdjson::dom::array& array, Digits& digits) {
  std::size_t number = 0;
  for (const DomValue element : array) {
    for (const std::size_t child : node.children) {
      if (nodes_[child].index == number) read(child, element, digits);
    }
    ++number;
    if (simdjson::dom::object pair; element.get(pair) == SUCCESS) read_pair(node, pair, digits);
  }
}

void PointerTree::read_pair(const Node& node, const simdjson::dom::object& pair, Digits& digits) {
  std::string_view key;
  if (pair.at_key("key").get(key) != SUCCESS) return;
  for (const std::size_t child : node.children) {
    DomValue value;
    if (nodes_[child].token != key || pair.at_key("value").get(value) != SUCCESS) continue;
    forget(child);
    read(child, unwrapped(value), digits);
  }
}

}  // namespace dagloop
