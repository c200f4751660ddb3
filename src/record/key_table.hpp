// Private to the record layer: the names that the lines of a log have, and which came after which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/field.hpp"
#include "record/name_table.hpp"

namespace dagloop {

/// Bytes of a name as written that are compared at once.
inline constexpr std::size_t kKeyBytes = 32;

/// One name, as written the last time, from the comma before it to its value: `,"name":`, with the
/// spaces. A name too long to be compared at once has a text that no line holds.
struct alignas(kKeyBytes) Key {
  std::array<char, kKeyBytes> text{'\n', '\n'};
  std::uint32_t mask = 2;     // a bit for each byte of the text but the comma
  std::uint32_t bits = 0;     // of the fields that are read from it
  Key* next = nullptr;        // the key that came behind it in the last line
  std::size_t size = 0;       // of the text
  RawValue* value = nullptr;  // where it is read to
  bool is_detail = false;
  std::vector<Field> others;  // further fields that have the same value
  std::string name;
};

/// Names -> keys, for one thread.
class KeyTable {
 public:
  /// Shape: `columns` are the names that are kept, `detail_column` one more or empty; values are
  ///        read to `raw`.
  KeyTable(const NameTable& columns, std::string_view detail_column, RawFields& raw);

  /// Returns where values are read to.
  RawFields& raw() const { return *raw_; }

  /// Returns the key that stands at the beginning of a line, and for all names that are not kept.
  Key& unknown() { return keys_.front(); }

  /// Returns whether a key can be the detail column or have more than one field.
  bool has_special_keys() const { return !detail_column_.empty() || columns_->shares_names(); }

  /// Returns where the search for a name begins.
  ///
  /// Shape: `head` is the first 8 bytes of the name, zeros behind it; `size` its length.
  static std::size_t hash_of(std::uint64_t head, std::size_t size, char last) {
    const auto tail = static_cast<unsigned char>(last);
    return static_cast<std::size_t>(
        ((head ^ (size << 40U) ^ (std::uint64_t{tail} << 56U)) * 0x9e3779b97f4a7c15ULL) >> 56U);
  }
  /// Returns the key first looked at.
  Key& at(std::size_t hash) { return keys_[slots_[hash]]; }

  /// Returns the key of a name; a new one is remembered, and how it was written this time.
  Key& find(std::size_t hash, std::string_view name, std::string_view written);

 private:
  static constexpr std::size_t kMaxKeys = 64;  // further names are compared each time, not kept
  static constexpr std::size_t kSlots = 256;

  static constexpr std::uint8_t kUnknown = 0;

  std::uint8_t add(std::size_t slot, std::string_view name);

  const NameTable* columns_;
  RawFields* raw_;
  std::string detail_column_;
  std::vector<Key> keys_;                     // reserved once: keys refer to one another
  std::array<std::uint8_t, kSlots> slots_{};  // open addressing; kUnknown: free
};

}  // namespace dagloop
