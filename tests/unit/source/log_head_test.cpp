#include "dagloop/source/log_head.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "temp_files.hpp"

namespace dagloop::test {

TEST_CASE("the first lines are those of as many files as it takes, and of no further one") {
  const TempFiles files;
  const std::string first = files.write("a.jsonl", "{\"a\":1}\n\n{\"a\":2}\n");
  const std::string second = files.write("b.jsonl", "{\"a\":3}\n{\"a\":4}\n");
  const std::string third = files.path("c.jsonl");
  std::filesystem::create_symlink("gone", third);  // named by the glob, but cannot be opened
  const std::string all = files.path("*.jsonl");
  const std::vector<std::string> three{"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};
  CHECK(first_lines({first, second}, {}, {3}) == three);
  CHECK(first_lines({all}, {}, {3}) == three);
  CHECK(first_lines({all}, {}, {99, 30}).size() == 4);
  CHECK_THROWS(first_lines({all}, {}, {99}));
}

}  // namespace dagloop::test
