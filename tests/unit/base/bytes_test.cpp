#include "dagloop/base/bytes.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

namespace dagloop {
namespace {

std::vector<std::uint64_t> awkward_numbers() {
  std::vector<std::uint64_t> numbers{0};
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    numbers.insert(numbers.end(), {power - 1, power, power + 1, ~power});
  }
  return numbers;
}

}  // namespace

TEST_CASE("bytes are read as they were written") {
  ByteWriter out;
  for (const std::uint64_t number : awkward_numbers()) {
    out.number(number);
    out.signed_number(static_cast<std::int64_t>(number));
    out.fixed64(number);
    out.fixed32(static_cast<std::uint32_t>(number));
    out.byte(static_cast<std::uint8_t>(number));
  }
  out.real(-0.1);
  out.text("a\nb");
  out.text("");
  out.raw("xy");
  ByteReader in(out.bytes());
  for (const std::uint64_t number : awkward_numbers()) {
    REQUIRE(in.number() == number);
    REQUIRE(in.signed_number() == static_cast<std::int64_t>(number));
    REQUIRE(in.fixed64() == number);
    REQUIRE(in.fixed32() == static_cast<std::uint32_t>(number));
    REQUIRE(in.byte() == static_cast<std::uint8_t>(number));
  }
  CHECK(in.real() == -0.1);
  CHECK(in.text() == "a\nb");
  CHECK(in.text().empty());
  CHECK_FALSE(in.done());
  CHECK(in.raw(2) == "xy");
  CHECK(in.done());
}

TEST_CASE("small numbers are short, of either sign") {
  ByteWriter out;
  out.number(127);
  out.signed_number(-64);
  out.signed_number(63);
  CHECK(out.bytes().size() == 3);
}

TEST_CASE("what is not there is 0, and the reader stays not ok") {
  ByteReader in(
      "\x05"
      "ab");
  CHECK(in.text().empty());
  CHECK_FALSE(in.ok());
  CHECK(in.number() == 0);
  CHECK(in.byte() == 0);
  CHECK(in.fixed64() == 0);
  CHECK_FALSE(in.done());
}

TEST_CASE("a number has one form alone") {
  for (const std::string& bytes :
       {std::string("\x80", 1), std::string("\x80\x00", 2), std::string(10, '\xff'),
        std::string(9, '\xff') + '\x02', std::string(11, '\x80')}) {
    ByteReader in(bytes);
    in.number();
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("a count is at most what the bytes that are left can hold") {
  ByteWriter out;
  out.number(3);
  out.raw("123456");
  CHECK(ByteReader(out.bytes()).count(2) == 3);
  ByteReader in(out.bytes());
  CHECK(in.count(3) == 0);
  CHECK_FALSE(in.ok());
}

}  // namespace dagloop
