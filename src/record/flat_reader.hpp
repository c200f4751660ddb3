// Private to the record layer: reads the lines that logs are mostly made of, quickly: one flat JSON
// object of plain ASCII text, short numbers, true, false and null. Whatever else a line may hold,
// it says so and leaves the line to the general parser. Nothing is guessed without being compared:
// a wrong guess of the next key costs time, never a value. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/field.hpp"
#include "record/name_table.hpp"

namespace dagloop {

/// Reads flat lines.
class FlatReader {
 public:
  /// Shape: `columns` are the names that are kept, `detail_column` one more or empty.
  FlatReader(const NameTable& columns, std::string_view detail_column);  // refers to columns

  /// Reads one line into `raw` and the detail column's value into `detail`.
  ///
  /// Shape:  32 bytes behind the line are readable. Returns false, with `raw` and `detail` in any
  ///         state, where the line is not as simple as this reader wants it, valid or not; true
  ///         only where the line is valid JSON and every value is that of the general parser.
  bool read(std::string_view line, RawFields& raw, RawValue& detail);

 private:
  static constexpr std::size_t kMaxKeys = 64;  // further names are compared each time, not kept
  static constexpr std::size_t kSlots = 256;
  static constexpr std::size_t kInline = 32;
  static constexpr std::uint8_t kUnknown = 0;  // the key that stands for all further names

  // One name, as written in a line: `"name":`.
  struct Key {
    std::array<char, kInline> text{};  // short enough to compare at once; others have size 0
    std::uint32_t mask = 0;            // a bit for each of its bytes
    std::uint8_t size = 0;
    std::uint8_t next = kUnknown;  // the key that came behind it in the last line
    bool has_field = false;        // its value is read to the place of `field`
    bool is_special = false;       // and to those of `others`, or it is the detail column
    bool is_detail = false;
    Field field{};
    std::vector<Field> others;
    std::string name;
  };

  std::uint8_t add(std::string_view name);
  std::uint8_t find(std::string_view name);
  const char* read_other_key(const char* at, const char* end, std::uint8_t& key);
  const char* read_key(const char* at, const char* end, std::uint8_t& key);

  const NameTable* columns_;
  std::string detail_column_;
  std::vector<Key> keys_;
  std::array<std::uint8_t, kSlots> slots_{};  // open addressing; kUnknown: free
};

}  // namespace dagloop
