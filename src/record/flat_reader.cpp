#include "record/flat_reader.hpp"

#include <algorithm>
#include <cstring>

#include "record/ascii_scan.hpp"

namespace dagloop {
namespace {

// So many decimal digits fit a double exactly, and so do the powers of ten up to 10^22: their
// quotient is the correctly rounded value (Clinger 1990).
constexpr int kExactDigits = 15;
constexpr std::array<double, kExactDigits + 1> kPowersOfTen{
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const char* skip_spaces(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t')) ++at;
  return at;
}

// Each of these reads a value at `at` and returns its end, nullptr where it is not a simple one.

const char* read_text(const char* at, const char* end, RawValue& value) {
  const char* const close = plain_end(at + 1, end);
  if (close == end || *close != '"') return nullptr;
  value.text = std::string_view(at + 1, static_cast<std::size_t>(close - at - 1));
  value.kind = value.text.empty() ? ValueKind::absent : ValueKind::text;
  return close + 1;
}

const char* read_number(const char* at, const char* end, RawValue& value) {
  const char* const first = at;
  std::uint64_t digits = 0;
  for (; at < end && is_digit(*at); ++at) digits = 10 * digits + static_cast<unsigned>(*at - '0');
  const auto whole = at - first;
  if (whole > kExactDigits || (whole > 1 && *first == '0')) return nullptr;
  value.number = static_cast<double>(digits);
  if (at < end && *at == '.') {
    const char* const point = at++;
    for (; at < end && is_digit(*at); ++at) {
      if (at - first > kExactDigits) return nullptr;
      digits = 10 * digits + static_cast<unsigned>(*at - '0');
    }
    const auto places = at - point - 1;
    if (places == 0 || whole + places > kExactDigits) return nullptr;
    value.number = static_cast<double>(digits) / kPowersOfTen[static_cast<std::size_t>(places)];
  }
  value.kind = ValueKind::number;
  return at < end && (*at == 'e' || *at == 'E') ? nullptr : at;
}

const char* read_word(const char* at, const char* end, RawValue& value) {
  const std::string_view rest(at, static_cast<std::size_t>(end - at));
  if (rest.starts_with("null")) return at + 4;
  value.kind = ValueKind::boolean;
  value.truth = rest.starts_with("true");
  if (value.truth) return at + 4;
  return rest.starts_with("false") ? at + 5 : nullptr;
}

const char* read_value(const char* at, const char* end, RawValue& value) {
  if (at < end && *at == '"') return read_text(at, end, value);
  at = skip_spaces(at, end);
  if (at == end) return nullptr;
  if (*at == '"') return read_text(at, end, value);
  return is_digit(*at) ? read_number(at, end, value) : read_word(at, end, value);
}

std::size_t hash_of(std::string_view name) {
  std::uint64_t head = 0;
  std::memcpy(&head, name.data(), std::min<std::size_t>(name.size(), sizeof head));
  const auto tail = static_cast<unsigned char>(name.empty() ? 0 : name.back());
  return static_cast<std::size_t>(
      ((head ^ (name.size() << 40U) ^ (std::uint64_t{tail} << 56U)) * 0x9e3779b97f4a7c15ULL) >>
      56U);
}

}  // namespace

FlatReader::FlatReader(const NameTable& columns, std::string_view detail_column)
    : columns_(&columns), detail_column_(detail_column), keys_(1) {}

// Remembers a name; kUnknown where there are many already and it is of no use.
std::uint8_t FlatReader::add(std::string_view name) {
  Key key;
  columns_->append_fields(name, key.others);
  key.is_detail = !detail_column_.empty() && name == detail_column_;
  key.has_field = !key.others.empty();
  if (key.has_field) {
    key.field = key.others.front();
    key.others.erase(key.others.begin());
  }
  key.is_special = key.is_detail || !key.others.empty();
  const bool is_kept = key.has_field || key.is_detail;
  if (keys_.size() >= (is_kept ? 2 * kMaxKeys : kMaxKeys)) return kUnknown;
  key.name = std::string(name);
  const std::string literal = "\"" + key.name + "\":";
  if (literal.size() <= kInline) {
    key.size = static_cast<std::uint8_t>(literal.copy(key.text.data(), literal.size()));
    key.mask = ~std::uint32_t{0} >> (kInline - key.size);
  }
  std::size_t slot = hash_of(name);
  while (slots_[slot] != kUnknown) slot = (slot + 1) % kSlots;
  slots_[slot] = static_cast<std::uint8_t>(keys_.size());
  keys_.push_back(std::move(key));
  return slots_[slot];
}

std::uint8_t FlatReader::find(std::string_view name) {
  for (std::size_t slot = hash_of(name); slots_[slot] != kUnknown; slot = (slot + 1) % kSlots) {
    if (keys_[slots_[slot]].name == name) return slots_[slot];
  }
  return add(name);
}

const char* FlatReader::read_other_key(const char* at, const char* end, std::uint8_t& key) {
  if (at == end || *at != '"') return nullptr;
  const char* const close = plain_end(at + 1, end);
  if (close == end || *close != '"') return nullptr;
  const std::uint8_t found = find({at + 1, static_cast<std::size_t>(close - at - 1)});
  keys_[key].next = found;
  key = found;
  at = skip_spaces(close + 1, end);
  return at < end && *at == ':' ? at + 1 : nullptr;
}

// Reads `"name":`; `key` comes in as the one before and goes out as this one.
inline const char* FlatReader::read_key(const char* at, const char* end, std::uint8_t& key) {
  const std::uint8_t guess = keys_[key].next;
  const Key& guessed = keys_[guess];
  if (guessed.size != 0 && end - at >= guessed.size &&
      equal_masked(at, guessed.text.data(), guessed.mask)) {
    key = guess;
    return at + guessed.size;
  }
  return read_other_key(at, end, key);
}

bool FlatReader::read(std::string_view line, RawFields& raw, RawValue& detail) {
  const char* at = line.data();
  const char* const end = at + line.size();
  at = skip_spaces(at, end);
  if (at == end || *at != '{') return false;
  at = skip_spaces(at + 1, end);
  std::uint8_t key = kUnknown;
  RawValue other;  // of a name that is not kept
  for (;;) {
    at = read_key(at, end, key);
    if (at == nullptr) return false;
    const Key& known = keys_[key];
    RawValue& value = known.has_field ? raw.place(known.field) : other;
    value.kind = ValueKind::absent;
    at = read_value(at, end, value);
    if (at == nullptr) return false;
    if (known.has_field) raw.settle(known.field);
    if (known.is_special) {
      for (const Field field : known.others) raw.set(field, value);
      if (known.is_detail) detail = value;
    }
    if (end - at > 1 && at[0] == ',' && at[1] == '"') {  // as most writers do
      ++at;
      continue;
    }
    at = skip_spaces(at, end);
    if (at == end) return false;
    if (*at == '}') return skip_spaces(at + 1, end) == end;
    if (*at != ',') return false;
    at = skip_spaces(at + 1, end);
  }
}

}  // namespace dagloop
