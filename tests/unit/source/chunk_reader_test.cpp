#include "source/chunk_reader.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "chunk_lines.hpp"
#include "dagloop/base/error.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

Lines lines_of(const std::string& path, std::size_t chunk_bytes) {
  const auto reader = open_chunks(path, chunk_bytes);
  Chunk chunk;
  ChunkLines lines;
  while (reader->next(chunk)) lines.add(chunk);
  CHECK(lines.bytes() == std::filesystem::file_size(path));
  CHECK_FALSE(reader->next(chunk));
  return lines.lines();
}

TEST_CASE("chunks of a plain file give its lines with their numbers, whatever the chunk's size") {
  const TempFiles files;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::string text = random_text(seed);
    const std::string path = files.write("log", text);
    for (const std::size_t chunk_bytes : {1U, 2U, 3U, 4U, 7U, 64U, 100000U}) {
      INFO(seed << " " << chunk_bytes);
      REQUIRE(lines_of(path, chunk_bytes) == twin_of(text));
    }
  }
}

TEST_CASE("a plain file's line at the limit is held, one beyond it is not, whoever begins there") {
  const TempFiles files;
  const std::string held(kMaxLineBytes, 'x');
  const std::string overlong(kMaxLineBytes + 200000, 'y');
  for (const std::size_t chunk_bytes : {5000U, 300000U, 524288U}) {
    const std::string path =
        files.write("log", "a\n" + held + "\nb\n" + overlong + "\nc\n" + overlong);
    const Lines expected{{1, "a"}, {2, held}, {3, "b"}, {4, kOverlong}, {5, "c"}, {6, kOverlong}};
    CHECK(lines_of(path, chunk_bytes) == expected);
  }
}

TEST_CASE("a file that shrinks while it is read is an error, not a short log") {
  const TempFiles files;
  const std::string path = files.write("log", std::string(1000, '\n'));
  const auto reader = open_chunks(path, 100);
  Chunk chunk;
  REQUIRE(reader->next(chunk));
  std::filesystem::resize_file(path, 150);
  CHECK_THROWS_WITH(
      [&] {
        while (reader->next(chunk)) {
        }
      }(),
      Catch::Contains("became shorter"));
}

TEST_CASE("a file that is missing or a directory is refused") {
  const TempFiles files;
  CHECK_THROWS_AS(open_chunks(files.path("none"), 100), Error);
  Chunk chunk;
  CHECK_THROWS_AS(open_chunks(files.path(), 100)->next(chunk), Error);
}

}  // namespace
}  // namespace dagloop::test
