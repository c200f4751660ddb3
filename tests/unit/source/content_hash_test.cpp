#include "source/content_hash.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "dagloop/base/error.hpp"
#include "rollout_generator.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, ' ');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

}  // namespace

TEST_CASE("a hash that was extended is that of the whole, with any number of threads") {
  const TempFiles files;
  Random random(61);
  const std::string path = files.write("a", random_bytes(random, 9'000'000));
  const OpenFile file(path);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t middle = random.below(9'000'000);
    const std::uint64_t end = middle + random.below(9'000'001 - middle);
    const ContentHash whole = extend_hash(file, {}, 0, end, 1);
    const ContentHash part = extend_hash(file, {}, 0, middle, 3);
    CHECK(extend_hash(file, part, middle, end, 2) == whole);
    CHECK(ends_match(file, whole, end));
    CHECK((middle == end || !(part == whole)));
  }
}

TEST_CASE("any changed byte changes the hash; near an end the ends tell") {
  const TempFiles files;
  Random random(62);
  const std::string bytes = random_bytes(random, 1'000'000);
  const ContentHash hash = extend_hash(OpenFile(files.write("a", bytes)), {}, 0, bytes.size(), 1);
  for (const std::size_t at : {0U, 65'535U, 65'536U, 262'144U, 500'000U, 934'464U, 999'999U}) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const OpenFile file(files.write("b", changed));
    CHECK_FALSE(extend_hash(file, {}, 0, bytes.size(), 1) == hash);
    const bool is_near = at < 65'536 || at >= bytes.size() - 65'536;
    CHECK(ends_match(file, hash, bytes.size()) == !is_near);
  }
}

TEST_CASE("the last whole line ends behind the last newline") {
  const TempFiles files;
  const auto end = [&](const std::string& text, std::uint64_t from) {
    return end_of_lines(OpenFile(files.write("a", text)), from, text.size());
  };
  CHECK(end("", 0) == 0);
  CHECK(end("a", 0) == 0);
  CHECK(end("a\n", 0) == 2);
  CHECK(end("a\nbc", 0) == 2);
  CHECK(end("a\nbc", 2) == 2);
  CHECK(end("a\n" + std::string(200'000, 'x'), 0) == 2);
  CHECK(end("a\n" + std::string(200'000, 'x') + "\n", 2) == 200'003);
}

TEST_CASE("a file that is not there or shorter than it was is an error of the source") {
  const TempFiles files;
  CHECK_THROWS_AS(OpenFile(files.path("missing")), Error);
  const OpenFile file(files.write("a", "abc"));
  CHECK_THROWS_AS(extend_hash(file, {}, 0, 4, 1), Error);
  CHECK(file.info().st_size == 3);
}

}  // namespace dagloop::test
