#include "source/line_stream.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <stdexcept>
#include <string>

#include "chunk_lines.hpp"
#include "dagloop/record/record_reader.hpp"

namespace dagloop::test {
namespace {

// Gives a text in reads of changing sizes.
class TextStream final : public ByteStream {
 public:
  TextStream(std::string text, std::size_t largest_read)
      : text_(std::move(text)), largest_read_(largest_read) {}

  std::size_t read(char* out, std::size_t capacity) override {
    if (capacity == 0) throw std::logic_error("a read of nothing");
    const std::size_t wanted = 1 + calls_++ % largest_read_;
    const std::size_t size = std::min({wanted, capacity, text_.size() - position_});
    text_.copy(out, size, position_);
    position_ += size;
    return size;
  }
  std::uint64_t file_bytes() const override { return position_; }

 private:
  std::string text_;
  std::size_t largest_read_;
  std::size_t position_ = 0;
  std::size_t calls_ = 0;
};

Lines streamed_lines(const std::string& text, std::size_t chunk_bytes, std::size_t largest_read) {
  LineStream stream(std::make_unique<TextStream>(text, largest_read), chunk_bytes);
  Chunk chunk;
  ChunkLines lines;
  while (stream.next(chunk)) lines.add(chunk);
  if (!lines.lines().empty()) CHECK(lines.bytes() == text.size());
  CHECK_FALSE(stream.next(chunk));
  return lines.lines();
}

TEST_CASE("chunks give the lines of the text with their numbers, whatever the sizes") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = random_text(seed);
    const Lines expected = twin_of(text);
    for (const std::size_t chunk_bytes : {1U, 2U, 7U, 64U, 100000U}) {
      for (const std::size_t largest_read : {1U, 3U, 50U}) {
        REQUIRE(streamed_lines(text, chunk_bytes, largest_read) == expected);
      }
    }
  }
}

TEST_CASE("an empty text, or a byte order mark alone, has no lines") {
  CHECK(streamed_lines("", 10, 5).empty());
  CHECK(streamed_lines("\xef\xbb\xbf", 10, 5).empty());
}

TEST_CASE("a byte order mark is dropped at the very start only") {
  CHECK(streamed_lines("\xef\xbb\xbf"
                       "a\n",
                       10, 1) == Lines{{1, "a"}});
  CHECK(streamed_lines("a\n\xef\xbb\xbf"
                       "b",
                       10, 1) == Lines{{1, "a"},
                                       {2,
                                        "\xef\xbb\xbf"
                                        "b"}});
  CHECK(streamed_lines("\xef\xbb", 10, 1) == Lines{{1, "\xef\xbb"}});
}

TEST_CASE("lines up to the limit are whole, and far longer ones are not held") {
  const std::string longest(kMaxLineBytes, 'x');
  const std::string endless(3 * kMaxLineBytes, 'y');
  const std::string text = "a\n" + longest + "\r\nb\n" + endless + "\nc\n\nd\n" + endless;
  for (const std::size_t chunk_bytes : {std::size_t{50000}, kMaxLineBytes}) {
    const Lines lines = streamed_lines(text, chunk_bytes, 70000);
    REQUIRE(lines.size() == 8);
    CHECK(lines.at(1) == "a");
    CHECK(lines.at(2) == longest + "\r");
    CHECK(lines.at(3) == "b");
    CHECK(lines.at(4) == kOverlong);
    CHECK(lines.at(5) == "c");
    CHECK(lines.at(6).empty());
    CHECK(lines.at(7) == "d");
    CHECK(lines.at(8) == kOverlong);
  }
}

TEST_CASE("a line at the limit is whole though its carriage return ends the first read") {
  const std::string longest = std::string(kMaxLineBytes, 'x') + "\r";
  // The three bytes looked at for a byte order mark come before the first chunk.
  CHECK(streamed_lines(longest + "\nb\n", longest.size() - 3, 1U << 20) ==
        Lines{{1, longest}, {2, "b"}});
}

TEST_CASE("the buffer does not grow with a line that is too long") {
  const std::string text = std::string(20 * kMaxLineBytes, 'y') + "\nlast\n";
  LineStream stream(std::make_unique<TextStream>(text, 1U << 20), 1U << 20);
  Chunk chunk;
  REQUIRE(stream.next(chunk));
  CHECK(chunk.overlong.size() == kOverlongBytes);
  REQUIRE(stream.next(chunk));
  CHECK(chunk.text == "last\n");
  CHECK(chunk.sequence == 1);
  CHECK(chunk.buffer.size() < 4 * kMaxLineBytes);
}

}  // namespace
}  // namespace dagloop::test
