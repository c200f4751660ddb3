// Private to the record layer: the values of the contract's fields as found in a line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dagloop/base/time.hpp"
#include "dagloop/record/contract_words.hpp"

namespace dagloop {

/// What a field's value is. Null and the empty string are `absent`.
enum class ValueKind : std::uint8_t {
  absent,
  text,
  loose_text,  // of a detail column or an alias: numbers and booleans are read from it
  number,
  big_number,  // a whole one that a double does not hold; `text` has its digits
  boolean,
  compound,  // an array or an object
  instant,   // made by a mapping: `number` is in microseconds since 1970
  odd_time,  // likewise: a time that cannot be read
};

/// Places of a line's values: one a field, and further ones for what a mapping makes fields of. The
/// last is for values of no use.
inline constexpr std::size_t kPlaceCount = 32;
inline constexpr std::size_t kNoPlace = kPlaceCount - 1;

/// One value of a line, without any JSON library's types. Owns nothing. The text of a number that
/// is not a big one is of no use.
struct RawValue {
  std::string_view text;
  double number = 0;
  ValueKind kind = ValueKind::absent;
  // Of a boolean; of an array or an object: something stands in it; of an absent value: NaN or an
  // infinity does.
  bool truth = false;
};

/// Returns the time that a mapping has read; nullopt where the value is none.
inline std::optional<TimePoint> instant_of(const RawValue& value) {
  if (value.kind != ValueKind::instant) return std::nullopt;
  return TimePoint(Microseconds(static_cast<std::int64_t>(value.number)));
}

/// Returns the fields whose values are of some types: a bit a field.
template <typename... Types>
constexpr std::uint32_t fields_of(Types... types) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    if (((kContractFields[i].type == types) || ...)) bits |= field_bits(static_cast<Field>(i));
  }
  return bits;
}

/// Which fields have a value of which kind: a bit a field.
struct FieldKinds {
  std::uint32_t texts = 0;  // not loose ones
  std::uint32_t numbers = 0;
  std::uint32_t booleans = 0;
  std::uint32_t others = 0;

  /// Returns whether every value is of the type that its field has in the contract.
  bool are_usual() const {
    constexpr std::uint32_t kNumbers = fields_of(FieldType::whole, FieldType::real);
    constexpr std::uint32_t kBooleans = fields_of(FieldType::truth);
    return (others | (texts & (kNumbers | kBooleans)) | (numbers & ~kNumbers) |
            (booleans & ~kBooleans)) == 0;
  }
};

/// Whether texts of a line had to be changed so that they are Unicode.
enum class Replaced : std::uint8_t { no, some };

/// What stands in a text for what is no Unicode.
inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// What a mended line has for NaN and infinities: a character that no text has.
inline constexpr std::string_view kNotANumber = "\xef\xb7\x90";
inline constexpr std::string_view kNotANumberText = "\"\xef\xb7\x90\"";

/// The texts of numbers that stand where a text is wanted, a place a field.
using NumberTexts = std::array<std::array<char, 32>, kFieldCount>;

/// The values of all fields of one line.
class RawFields {
 public:
  /// Forgets all values.
  void clear() {
    set_kinds({});
    replaced_ = Replaced::no;
    not_numbers_ = 0;
  }

  /// Says whether texts have U+FFFD in place of what is no Unicode.
  void set_replaced(Replaced replaced) { replaced_ = replaced; }
  Replaced replaced() const { return replaced_; }
  /// Returns which fields are absent because NaN or an infinity stands there.
  std::uint32_t not_numbers() const { return not_numbers_; }

  /// Sets a field; an absent value takes back an earlier one.
  void set(Field field, const RawValue& value) {
    const std::uint32_t bit = field_bits(field);
    for (std::uint32_t* kind : {&kinds_.texts, &kinds_.numbers, &kinds_.booleans, &kinds_.others}) {
      *kind &= ~bit;
    }
    place(static_cast<std::size_t>(field)) = value;
    not_numbers_ &= ~bit;
    if (value.kind != ValueKind::absent) set_of(value.kind) |= bit;
    if (value.kind == ValueKind::absent && value.truth) not_numbers_ |= bit;
    set_kinds(kinds_);
  }

  /// Returns the place with a number, to be filled in; set_kinds() must follow. Those of fields
  /// come first.
  RawValue& place(std::size_t number) { return values_[number]; }

  /// Takes back the values of some places: a bit a place.
  void drop(std::uint32_t places) {
    not_numbers_ &= ~places;
    set_kinds({kinds_.texts & ~places, kinds_.numbers & ~places, kinds_.booleans & ~places,
               kinds_.others & ~places});
  }

  /// Says which places hold a value.
  void set_kinds(const FieldKinds& kinds) {
    kinds_.texts = kinds.texts;  // one by one: they come from registers
    kinds_.numbers = kinds.numbers;
    kinds_.booleans = kinds.booleans;
    kinds_.others = kinds.others;
    present_ = kinds.texts | kinds.numbers | kinds.booleans | kinds.others;
  }
  /// Returns which fields hold a value.
  const FieldKinds& kinds() const { return kinds_; }

  /// Returns which fields hold a value of any kind.
  std::uint32_t present_fields() const { return present_; }
  /// Returns whether a field has a value.
  bool has(Field field) const { return (present_ & field_bits(field)) != 0; }
  /// Returns the value of a field that has one.
  const RawValue& present(Field field) const { return values_[static_cast<std::size_t>(field)]; }

  /// Returns a field's value, an absent one where it has none.
  const RawValue& operator[](Field field) const {
    static constexpr RawValue kAbsent{};
    return has(field) ? present(field) : kAbsent;
  }

 private:
  std::uint32_t& set_of(ValueKind kind) {
    if (kind == ValueKind::text) return kinds_.texts;
    if (kind == ValueKind::number) return kinds_.numbers;
    return kind == ValueKind::boolean ? kinds_.booleans : kinds_.others;
  }

  FieldKinds kinds_;
  Replaced replaced_ = Replaced::no;
  std::uint32_t not_numbers_ = 0;
  std::uint32_t present_ = 0;  // of any kind; so that clearing need not touch the values
  std::array<RawValue, kPlaceCount> values_{};
};

}  // namespace dagloop
