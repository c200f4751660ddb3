#include "dagloop/base/label.hpp"

#include <algorithm>

#include "base/secret_shapes.hpp"
#include "dagloop/base/ascii.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// Codes of databases and services have up to five digits (ORA-00942, 10060), and are names.
struct LeastLengths {
  std::size_t digits;
  std::size_t hex;
  std::size_t mixed;
};
constexpr LeastLengths kInCodes{6, 6, 10};
constexpr LeastLengths kInNames{9, 8, 16};
constexpr std::size_t kMinNumberedHex = 8;
constexpr int kMinMixedNumbers = 3;
constexpr std::size_t kUuidLength = 36;
constexpr std::size_t kMarkLength = 1 + kMarkDigits;

bool is_hex_digit(char c) {
  return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_ascii_alphanumeric(text[at])) ++at;
  return at;
}

bool is_uuid(std::string_view text) {
  if (text.size() < kUuidLength) return false;
  for (std::size_t i = 0; i < kUuidLength; ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return text.size() == kUuidLength || !is_ascii_alphanumeric(text[kUuidLength]);
}

struct WordShape {
  std::size_t digits = 0;
  int numbers = 0;  // runs of digits
  bool is_hex = true;
  bool has_capitals = false;
};

WordShape shape_of(std::string_view word) {
  WordShape shape;
  bool was_digit = false;
  for (const char c : word) {
    const bool is_digit = is_ascii_digit(c);
    shape.digits += is_digit ? 1U : 0U;
    shape.numbers += is_digit && !was_digit ? 1 : 0;
    shape.is_hex = shape.is_hex && is_hex_digit(c);
    shape.has_capitals = shape.has_capitals || is_ascii_upper(c);
    was_digit = is_digit;
  }
  return shape;
}

// The kind of an id, or 0 where a word is none.
char id_kind(std::string_view word, const WordShape& shape, const LeastLengths& least) {
  if (shape.digits == 0) return 0;
  if (shape.digits == word.size()) return word.size() >= least.digits ? 'd' : 0;
  // A letter and its number is the code of a service: E10001.
  const bool is_numbered = shape.digits + 1 == word.size() && !is_ascii_digit(word.front());
  const std::size_t least_hex = is_numbered ? kMinNumberedHex : least.hex;
  if (shape.is_hex && word.size() >= least_hex) return 'h';
  return word.size() >= least.mixed && shape.numbers >= kMinMixedNumbers ? 'm' : 0;
}

void add_id(char kind, FoldedText& folded) {
  folded.text += kIdMark;
  folded.kinds += kind;
}

// Adds a word that is no id, but may end in one.
void add_name(std::string_view word, const LeastLengths& least, FoldedText& folded) {
  while (!word.empty()) {
    const auto number = std::ranges::find_if(word, is_ascii_digit);
    folded.text.append(word.begin(), number);
    word.remove_prefix(static_cast<std::size_t>(number - word.begin()));
    const auto end = std::ranges::find_if_not(word, is_ascii_digit);
    const auto length = static_cast<std::size_t>(end - word.begin());
    if (length >= least.digits) {
      add_id('d', folded);
    } else {
      folded.text.append(word.substr(0, length));
    }
    word.remove_prefix(length);
  }
}

// Where the mark of redact_label() begins; the end where there is none.
std::size_t mark_begin(std::string_view text) {
  if (text.size() < kMarkLength + kMask.size()) return text.size();
  const std::size_t begin = text.size() - kMarkLength;
  const std::string_view digits = text.substr(begin + 1);
  const bool is_one = text[begin] == '#' && std::ranges::all_of(digits, is_hex_digit) &&
                      text.substr(0, begin).find(kMask) != std::string_view::npos;
  return is_one ? begin : text.size();
}

}  // namespace

FoldedText fold_ids(std::string_view text, LabelKind kind) {
  const LeastLengths& least = kind == LabelKind::code ? kInCodes : kInNames;
  const std::string_view mark = text.substr(mark_begin(text));
  text.remove_suffix(mark.size());
  FoldedText folded;
  folded.text.reserve(text.size() + kIdMark.size());
  for (std::size_t at = 0; at < text.size();) {
    if (!is_ascii_alphanumeric(text[at])) {
      folded.text += text[at++];
      continue;
    }
    std::size_t end = word_end(text, at);
    const bool has_uuid = end - at == 8 && is_uuid(text.substr(at));
    if (has_uuid) end = at + kUuidLength;
    const std::string_view word = text.substr(at, end - at);
    const WordShape shape = shape_of(word);
    char id = id_kind(word, shape, least);
    if (has_uuid && shape.numbers > 0) id = shape.digits + 4 == word.size() ? 'm' : 'h';
    if (id != 0) {
      add_id(id, folded);
      folded.has_capitals = folded.has_capitals || shape.has_capitals;
    } else {
      add_name(word, least, folded);
    }
    at = end;
  }
  folded.text += mark;
  return folded;
}

std::string label_of(std::string_view text) {
  const std::string masked = redact_label(text);
  std::string label = fold_ids(masked, LabelKind::code).text;
  const std::size_t mark = mark_begin(label);
  if (masked == text || mark == label.size()) return label;
  // Marked by what all labels of the kind share, or each request would have one of its own.
  const std::string same = sha256_hex(fold_ids(text, LabelKind::code).text).substr(0, kMarkDigits);
  return label.replace(mark + 1, same.size(), same);
}

std::string label_of_name(std::string_view name) {
  return fold_ids(redact_label(name), LabelKind::name).text;
}

}  // namespace dagloop
