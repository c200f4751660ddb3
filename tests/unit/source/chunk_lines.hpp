// The lines of a log: as its chunks give them, and by a slow, obvious twin.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "dagloop/record/record_reader.hpp"
#include "source/chunk_reader.hpp"

namespace dagloop::test {

// Line number -> line; a line too long to be held is "<overlong>".
using Lines = std::map<std::uint64_t, std::string>;

inline const std::string kOverlong = "<overlong>";

// Puts the chunks of one file together, in whatever order they came.
class ChunkLines {
 public:
  void add(const Chunk& chunk) {
    bytes_ += chunk.file_bytes;
    // The buffer holds the padding, and its bytes may be read.
    const auto* end = chunk.text.data() + chunk.text.size();
    if (!chunk.text.empty()) {
      REQUIRE(end + kLinePadding <= chunk.buffer.data() + chunk.buffer.size());
    }
    REQUIRE(chunks_.emplace(chunk.sequence, std::string(chunk.text)).second);
    if (!chunk.overlong.empty()) overlong_.emplace(chunk.sequence, true);
  }

  Lines lines() const {
    Lines all;
    std::uint64_t number = 1;
    for (const auto& [sequence, text] : chunks_) {
      std::string line;
      for (const char c : text) {
        if (c != '\n') {
          line += c;
          continue;
        }
        all[number++] = line;
        line.clear();
      }
      if (!line.empty()) all[number++] = line;
      if (overlong_.contains(sequence)) all[number++] = kOverlong;
    }
    return all;
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  std::map<std::uint64_t, std::string> chunks_;  // by sequence
  std::map<std::uint64_t, bool> overlong_;
  std::uint64_t bytes_ = 0;
};

// The slow twin: one byte at a time.
inline Lines twin_of(std::string text) {
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  Lines lines;
  std::uint64_t number = 1;
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      lines[number++] = line;
      line.clear();
    } else {
      line += c;
    }
  }
  if (!line.empty()) lines[number] = line;
  return lines;
}

inline std::string random_text(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text = random() % 3 == 0 ? "\xef\xbb\xbf" : "";
  const std::size_t size = random() % 200;
  for (std::size_t i = 0; i < size; ++i) text += "ab \r\n\n"[random() % 6];
  return text;
}

}  // namespace dagloop::test
