#include <catch2/catch.hpp>

#include "dagloop/policy/env_file.hpp"
#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

std::string diff(const std::string& before, const std::string& after) {
  return masked_diff(before, after, {"OURS", "OTHER"});
}

}  // namespace

TEST_CASE("a diff shows each changed line with its number, and no other line") {
  CHECK(diff("# c\nOURS=5\nTOKEN=x\nexport OTHER='a'\n",
             "# c\nOURS=10\nTOKEN=x\nexport OTHER='b'\n") ==
        "@@ line 2 @@\n-OURS=5\n+OURS=10\n"
        "@@ line 4 @@\n-export OTHER='a'\n+export OTHER='b'\n");
}

TEST_CASE("equal texts have an empty diff") {
  CHECK(diff("", "").empty());
  CHECK(diff("OURS=5\r\nTOKEN=x", "OURS=5\r\nTOKEN=x").empty());
}

TEST_CASE("a diff shows a value without the comment, blanks and line end behind it") {
  CHECK(diff("OURS=5 # s3cr3t\r\n", "OURS=6 # s3cr3t\r\n") == "@@ line 1 @@\n-OURS=5\n+OURS=6\n");
  CHECK(diff("OURS=5\t# s3cr3t\n", "OURS=6\t# s3cr3t\n") == "@@ line 1 @@\n-OURS=5\n+OURS=6\n");
  CHECK(diff(" OURS=\"5\" \t# s3cr3t", " OURS=\"6\" \t# s3cr3t") ==
        "@@ line 1 @@\n- OURS=\"5\"\n+ OURS=\"6\"\n");
  CHECK(diff("OURS=\n", "OURS=6\n") == "@@ line 1 @@\n-OURS=\n+OURS=6\n");
  CHECK(diff("\nOURS=", "\nOURS=6") == "@@ line 2 @@\n-OURS=\n+OURS=6\n");
}

TEST_CASE("a diff masks the values of other keys") {
  CHECK(diff("export TOKEN='s3cr3t'\n", "export TOKEN='s3cr3t2'\n") ==
        "@@ line 1 @@\n-TOKEN=***\n+TOKEN=***\n");
  CHECK(masked_diff("OURS=5\n", "OURS=6\n", {}) == "@@ line 1 @@\n-OURS=***\n+OURS=***\n");
  CHECK(masked_diff("OURS=5\n", "OURS=6\n", {"OUR", "OURS_2", ""}) ==
        "@@ line 1 @@\n-OURS=***\n+OURS=***\n");
}

TEST_CASE("a diff masks a value of ours that is not plain: a part of it may be another's") {
  CHECK(diff("OURS=$s3cr3t\n", "OURS=\"5\"s3cr3t\n") == "@@ line 1 @@\n-OURS=***\n+OURS=***\n");
}

TEST_CASE("a diff masks comments and the inner lines of values, whatever they look like") {
  CHECK(diff("# TOKEN=s3cr3t\n", "# s3cr3t\n") == "@@ line 1 @@\n-***\n+***\n");
  CHECK(diff("CERT=\"\nMIIs3cr3t==\nOURS=s3cr3t\n\"\n", "CERT=\"\nMIJs3cr3t==\nOURS=s3cr3\n\"\n") ==
        "@@ line 2 @@\n-***\n+***\n@@ line 3 @@\n-***\n+***\n");
}

TEST_CASE("lines that only one text has are shown on their side") {
  CHECK(diff("A=1\n", "A=1\nTOKEN=s3cr3t\nOURS=1\n") ==
        "@@ line 2 @@\n+TOKEN=***\n@@ line 3 @@\n+OURS=1\n");
  CHECK(diff("A=1\nOURS=1", "A=1\n") == "@@ line 2 @@\n-OURS=1\n");
}

TEST_CASE("a line that is no assignment is masked") {
  CHECK(diff("OURS=5\n", "s3cr3t\n") == "@@ line 1 @@\n-OURS=5\n+***\n");
  CHECK(diff("OURS=5\n", "OURS=\"s3cr3t\n") == "@@ line 1 @@\n-OURS=5\n+OURS=***\n");
}

TEST_CASE("a text that is no env file is refused rather than shown") {
  const std::string binary("s3cr3t\0\n", 8);
  const auto thrown = thrown_by([&] { static_cast<void>(diff("OURS=5\n", binary)); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK_FALSE(contains(thrown->message, "s3cr3t"));
}
