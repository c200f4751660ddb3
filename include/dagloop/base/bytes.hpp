// Numbers and texts as bytes, for values that only dagloop reads. Little-endian; small numbers are
// short (LEB128). Value types.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dagloop {

/// Appends to a string of bytes.
class ByteWriter {
 public:
  /// Appends a number in 1 to 10 bytes, the fewer the smaller it is.
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) bytes_.push_back(static_cast<char>(value | 0x80U));
    bytes_.push_back(static_cast<char>(value));
  }
  /// Appends a number that may be negative; the nearer to 0 the shorter.
  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  /// Appends one byte.
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  /// Appends 4 or 8 bytes.
  void fixed32(std::uint32_t value) { append(&value, sizeof value); }
  void fixed64(std::uint64_t value) { append(&value, sizeof value); }
  /// Appends the 8 bytes of a double.
  void real(double value) { fixed64(std::bit_cast<std::uint64_t>(value)); }
  /// Appends a text and its length.
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  /// Appends bytes as they are.
  void raw(std::string_view value) { bytes_.append(value); }

  /// Returns what was written so far.
  const std::string& bytes() const { return bytes_; }
  /// Returns what was written. Order: last.
  std::string take() { return std::move(bytes_); }

 private:
  static_assert(std::endian::native == std::endian::little);
  void append(const void* value, std::size_t size) {
    bytes_.append(static_cast<const char*>(value), size);
  }

  std::string bytes_;
};

/// Reads what a ByteWriter wrote. Once something is not there, ok() is false and stays so, and
/// every further reading gives 0 or an empty text.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    if (!rest_.empty() && static_cast<unsigned char>(rest_.front()) < 0x80) {
      return take_byte();
    }
    return long_number();
  }
  std::int64_t signed_number() {
    const std::uint64_t bits = number();
    return static_cast<std::int64_t>((bits >> 1U) ^ (~(bits & 1U) + 1));
  }
  std::uint8_t byte() { return rest_.empty() ? fail() : take_byte(); }
  std::uint32_t fixed32() { return fixed<std::uint32_t>(); }
  std::uint64_t fixed64() { return fixed<std::uint64_t>(); }
  double real() { return std::bit_cast<double>(fixed64()); }
  std::string_view text() { return raw(number()); }
  /// Returns the next `size` bytes; the view lives as long as what is read.
  std::string_view raw(std::uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }
  /// Returns all that is left.
  std::string_view rest() { return raw(rest_.size()); }
  /// Reads a count of things that take at least `bytes_each` (>= 1) bytes; more than there can be
  /// is a failure, so that the count may be used to reserve memory.
  std::uint64_t count(std::uint64_t bytes_each) {
    const std::uint64_t found = number();
    return found <= rest_.size() / bytes_each ? found : fail();
  }

  /// Returns whether everything was there so far.
  bool ok() const { return ok_; }
  /// Returns whether everything was there and nothing is left.
  bool done() const { return ok_ && rest_.empty(); }
  /// Makes ok() false: what was read makes no sense. Returns 0.
  std::uint8_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::uint8_t take_byte() {
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  // Refuses what no writer writes: more bits than 64, or a last byte of 0.
  std::uint64_t long_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return fail();
      const std::uint64_t next = take_byte();
      const std::uint64_t bits = next & 0x7FU;
      if ((shift == 63 && bits > 1) || (next == 0 && shift > 0)) return fail();
      value |= bits << shift;
      if (next < 0x80) return value;
    }
    return fail();
  }

  template <typename Number>
  Number fixed() {
    const std::string_view found = raw(sizeof(Number));
    Number value = 0;
    if (found.size() == sizeof value) std::memcpy(&value, found.data(), sizeof value);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace dagloop
