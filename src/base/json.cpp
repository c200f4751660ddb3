#include "dagloop/base/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.hpp"
#include "dagloop/base/assert.hpp"

namespace dagloop {
namespace {

constexpr double kTooLargeForInteger = 9223372036854775808.0;  // 2^63

enum class Order { as_is, sorted };
enum class Layout { compact, pretty };

void append_escape(std::string& out, unsigned unit) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[unit >> shift & 0xFU];
}

void append_unseen(std::string& out, char32_t character) {
  if (character < 0x10000) return append_escape(out, character);
  append_escape(out, 0xD800 + ((character - 0x10000) >> 10U));
  append_escape(out, 0xDC00 + ((character - 0x10000) & 0x3FFU));
}

void append_string(std::string& out, std::string_view text, Layout layout) {
  out += '"';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        // JSON leaves DEL as it is. A terminal would not, and reports are looked at with cat.
        if (byte < 0x20 || byte == 0x7f) {
          append_escape(out, byte);
        } else if (byte >= 0x80 && layout == Layout::pretty) {
          // What is signed or hashed is never pretty, and stays as it was.
          const std::size_t length = character_length(text.substr(at));
          const std::string_view character = text.substr(at, std::max<std::size_t>(length, 1));
          if (length > 0 && is_unseen(code_point(character))) {
            append_unseen(out, code_point(character));
          } else {
            out += character;
          }
          at += character.size() - 1;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_number(std::string& out, double value) {
  // Both would not read back: "-0" reads as the integer 0, digits alone as too large an integer.
  if (value == 0) value = 0;
  const bool too_large = std::abs(value) >= kTooLargeForInteger;
  std::array<char, 32> digits{};
  char* const past = digits.data() + digits.size();
  const auto result = too_large
                          ? std::to_chars(digits.data(), past, value, std::chars_format::scientific)
                          : std::to_chars(digits.data(), past, value);
  out.append(digits.data(), result.ptr);
}

class Printer {
 public:
  Printer(Order order, Layout layout) : order_(order), layout_(layout) {}

  std::string print(const Json& value) {
    append(value, 0);
    return std::move(out_);
  }

 private:
  void append(const Json& value, int depth) {
    if (value.is_null()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.as_bool() ? "true" : "false";
    } else if (value.is_integer()) {
      out_ += std::to_string(value.as_integer());
    } else if (value.is_number()) {
      append_number(out_, value.as_number());
    } else if (value.is_string()) {
      append_string(out_, value.as_string(), layout_);
    } else if (value.is_array()) {
      append_array(value.as_array(), depth);
    } else {
      append_object(value.as_object(), depth);
    }
  }

  void append_array(const Json::Array& array, int depth) {
    out_ += '[';
    for (std::size_t i = 0; i < array.size(); ++i) {
      separate(i, depth + 1);
      append(array[i], depth + 1);
    }
    if (!array.empty()) new_line(depth);
    out_ += ']';
  }

  void append_object(const Json::Object& object, int depth) {
    // Objects keep the order in which they were written: documents read as their author meant. Only
    // what is signed or hashed is sorted.
    std::vector<const Json::Member*> members;
    for (const Json::Member& member : object) members.push_back(&member);
    if (order_ == Order::sorted) {
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return a->first < b->first; });
    }
    out_ += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      separate(i, depth + 1);
      append_string(out_, members[i]->first, layout_);
      out_ += layout_ == Layout::pretty ? ": " : ":";
      append(members[i]->second, depth + 1);
    }
    if (!members.empty()) new_line(depth);
    out_ += '}';
  }

  void separate(std::size_t index, int depth) {
    if (index > 0) out_ += ',';
    new_line(depth);
  }

  void new_line(int depth) {
    if (layout_ == Layout::compact) return;
    out_ += '\n';
    out_.append(2 * static_cast<std::size_t>(depth), ' ');
  }

  Order order_;
  Layout layout_;
  std::string out_;
};

}  // namespace

Json::Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {
  DAGLOOP_ASSERT(value <= static_cast<std::uint64_t>(INT64_MAX));
}

Json::Json(double value) : value_(value) { DAGLOOP_ASSERT(std::isfinite(value)); }

Json Json::object(std::initializer_list<Member> members) {
  Json value{Object{}};
  for (const Member& member : members) value[member.first] = member.second;
  return value;
}

bool Json::as_bool() const {
  DAGLOOP_ASSERT(is_bool());
  return std::get<bool>(value_);
}

std::int64_t Json::as_integer() const {
  DAGLOOP_ASSERT(is_integer());
  return std::get<std::int64_t>(value_);
}

double Json::as_number() const {
  DAGLOOP_ASSERT(is_number());
  return is_integer() ? static_cast<double>(std::get<std::int64_t>(value_))
                      : std::get<double>(value_);
}

const std::string& Json::as_string() const {
  DAGLOOP_ASSERT(is_string());
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  DAGLOOP_ASSERT(is_array());
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  DAGLOOP_ASSERT(is_object());
  return std::get<Object>(value_);
}

Json::Array& Json::as_array() {
  DAGLOOP_ASSERT(is_array());
  return std::get<Array>(value_);
}

Json::Object& Json::as_object() {
  DAGLOOP_ASSERT(is_object());
  return std::get<Object>(value_);
}

// Linear: objects of ours have few members, and keep their order without a second index.
const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const Member& member : as_object()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object{};
  for (Member& member : as_object()) {
    if (member.first == key) return member.second;
  }
  return as_object().emplace_back(std::string(key), Json()).second;
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
}

std::string to_pretty_json(const Json& value) {
  return Printer(Order::as_is, Layout::pretty).print(value) + "\n";
}

std::string to_compact_json(const Json& value) {
  return Printer(Order::as_is, Layout::compact).print(value);
}

std::string to_canonical_json(const Json& value) {
  return Printer(Order::sorted, Layout::compact).print(value);
}

}  // namespace dagloop
