#include "dagloop/policy/env_file.hpp"

#include <catch2/catch.hpp>

#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

EnvFile env_of(std::string text) { return EnvFile::parse(std::move(text), "service.env"); }

std::optional<std::string> value_of(const std::string& text, const std::string& key = "KEY") {
  return env_of(text).value(key);
}

std::string patched(const std::string& text, const std::string& before, const std::string& after) {
  return env_of(text).patched({{"KEY", {before, after}}});
}

// Checks that the file as a whole is refused in this line.
void check_line_refused(const std::string& text, int line, const std::string& what) {
  INFO(text);
  const auto thrown = thrown_by([&] { env_of(text); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "service.env:" + std::to_string(line) + ": "));
  CHECK(contains(thrown->message, what));
}

// Checks that KEY can neither be read nor changed, that the message names its line and no value,
// and that LAST can.
void check_ambiguous(const std::string& text, int line) {
  INFO(text);
  const EnvFile file = env_of(text);
  for (const auto& thrown :
       {thrown_by([&] { static_cast<void>(file.value("KEY")); }), thrown_by([&] {
          static_cast<void>(file.patched({{"KEY", {"s3cr3t", "1"}}}));
        })}) {
    REQUIRE(thrown.has_value());
    CHECK(thrown->kind == ErrorKind::config);
    CHECK(contains(thrown->message, "service.env:" + std::to_string(line) + ": KEY "));
    CHECK_FALSE(contains(thrown->message, "s3cr3t"));
  }
  CHECK(file.value("LAST") == "1");
}

}  // namespace

TEST_CASE("a value is read without quotes, comment and blanks, however it stands") {
  CHECK(value_of("KEY=5\n") == "5");
  CHECK(value_of("KEY=5") == "5");
  CHECK(value_of("KEY=5\r\n") == "5");
  CHECK(value_of("KEY=5\r") == "5");
  CHECK(value_of("  \tKEY=5\n") == "5");
  CHECK(value_of("export KEY=5\n") == "5");
  CHECK(value_of("  export \t KEY=5\n") == "5");
  CHECK(value_of("KEY=5  \t\n") == "5");
  CHECK(value_of("KEY=5 # per cent\n") == "5");
  CHECK(value_of("KEY=5\t# per cent\n") == "5");
  CHECK(value_of("KEY=\"5\"\n") == "5");
  CHECK(value_of("KEY='5'\n") == "5");
  CHECK(value_of("KEY='5' # it's\n") == "5");
  CHECK(value_of("KEY=\"5\"\t \r\n") == "5");
  CHECK(value_of("KEY=\"a b#c 'd'\"\n") == "a b#c 'd'");
  CHECK(value_of("KEY='$a`b\\c\"'\n") == "$a`b\\c\"");
}

TEST_CASE("an empty value is a value, a missing key is none") {
  CHECK(value_of("KEY=\n") == "");
  CHECK(value_of("KEY=") == "");
  CHECK(value_of("KEY=\r\n") == "");
  CHECK(value_of("KEY=\"\"\n") == "");
  CHECK(value_of("KEY='' # none\n") == "");
  CHECK(value_of("OTHER=1\n") == std::nullopt);
  CHECK(value_of("") == std::nullopt);
}

TEST_CASE("a hash belongs to the value unless a blank stands before it") {
  CHECK(value_of("KEY=a#b\n") == "a#b");
  CHECK(value_of("KEY=#b\n") == "#b");
  CHECK(value_of("KEY=a #b\n") == "a");
}

TEST_CASE("keys are whole words, and case counts") {
  const EnvFile file = env_of("KEY_2=2\nMY_KEY=3\nkey=4\nexport=5\nexportKEY=6\n");
  CHECK(file.value("KEY") == std::nullopt);
  CHECK(file.value("KEY_2") == "2");
  CHECK(file.value("key") == "4");
  CHECK(file.value("export") == "5");
  CHECK(file.value("exportKEY") == "6");
}

TEST_CASE("an assignment in a comment is none") {
  CHECK(value_of("# KEY=1\n  #KEY=2\nKEY=3 # KEY=4\n") == "3");
  CHECK(value_of("# it's \"open\n#KEY=2\n") == std::nullopt);
}

TEST_CASE("the assignments are listed in order, each with its line") {
  const EnvFile file = env_of("\n# c\nA=1\nB='x\ny'\n\nexport C=\"$A\"\n");
  REQUIRE(file.assignments().size() == 3);
  CHECK(file.assignments()[0].key == "A");
  CHECK(file.assignments()[0].line == 3);
  CHECK_FALSE(file.assignments()[0].is_ambiguous);
  CHECK(file.assignments()[1].line == 4);
  CHECK(file.assignments()[1].is_ambiguous);
  CHECK(file.assignments()[2].line == 7);
  CHECK(file.assignments()[2].is_ambiguous);
}

TEST_CASE("a patch keeps quotes, export, blanks, comment and line end of its line") {
  CHECK(patched("KEY=5\n", "5", "10") == "KEY=10\n");
  CHECK(patched("KEY=5", "5", "10") == "KEY=10");
  CHECK(patched("KEY=5\r\n", "5", "10") == "KEY=10\r\n");
  CHECK(patched(" export  KEY=5 \t # 5\n", "5", "10") == " export  KEY=10 \t # 5\n");
  CHECK(patched("KEY=\"5\" # 5\r\n", "5", "10") == "KEY=\"10\" # 5\r\n");
  CHECK(patched("KEY='5'", "5", "10") == "KEY='10'");
}

TEST_CASE("several keys are patched at once, in whatever order they stand") {
  const Patch patch{{"A", {"1", "1000"}}, {"B", {"22", "2"}}, {"C", {"x", "y"}}};
  CHECK(env_of("C=x\n# A=1\nB='22'\nA=1\nD=1\n").patched(patch) ==
        "C=y\n# A=1\nB='2'\nA=1000\nD=1\n");
}

TEST_CASE("an empty patch changes nothing") {
  CHECK(env_of("KEY=5\r\n\n#").patched({}) == "KEY=5\r\n\n#");
}

TEST_CASE("a patch of a key that the file lacks is refused, and says which") {
  const auto thrown = thrown_by([] { static_cast<void>(patched("OTHER=1\n", "1", "2")); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "KEY is not in the env file"));
}

TEST_CASE("a patch made for another value is a conflict that shows neither value") {
  const auto thrown = thrown_by([] { static_cast<void>(patched("\nKEY=s3cr3t\n", "0ther", "2")); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::conflict);
  CHECK(contains(thrown->message, "service.env:2: KEY "));
  CHECK_FALSE(contains(thrown->message, "s3cr3t"));
  CHECK_FALSE(contains(thrown->message, "0ther"));
}

TEST_CASE("a value is compared as it stands, not as a number") {
  CHECK(thrown_by([] { static_cast<void>(patched("KEY=05\n", "5", "6")); }).has_value());
  CHECK(thrown_by([] { static_cast<void>(patched("KEY=5.0\n", "5", "6")); }).has_value());
}

TEST_CASE("of all characters only harmless ones are ever written") {
  const std::string harmless =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,:/+-";
  for (int code = 0; code < 256; ++code) {
    const auto c = static_cast<char>(code);
    INFO(code);
    for (const std::string& text : {std::string("KEY=5\n"), std::string("KEY='5'\n")}) {
      const auto thrown =
          thrown_by([&] { static_cast<void>(patched(text, "5", std::string("1") + c)); });
      CHECK(thrown.has_value() == (harmless.find(c) == std::string::npos));
      if (thrown) CHECK(thrown->kind == ErrorKind::config);
    }
  }
  CHECK(thrown_by([] { static_cast<void>(patched("KEY=5\n", "5", "")); }).has_value());
}

TEST_CASE("a value that could not be written back is not replaced") {
  for (const auto& [text, before] :
       std::vector<std::pair<std::string, std::string>>{{"KEY=\n", ""},
                                                        {"KEY=''", ""},
                                                        {"KEY=#b\n", "#b"},
                                                        {"KEY=\"a b\"\n", "a b"},
                                                        {"KEY='$5'\n", "$5"},
                                                        {"KEY=5%\n", "5%"},
                                                        {"KEY=\xc3\xa9\n", "\xc3\xa9"}}) {
    INFO(text);
    REQUIRE(value_of(text) == before);
    const auto thrown = thrown_by(
        [&text = text, &before = before] { static_cast<void>(patched(text, before, "10")); });
    REQUIRE(thrown.has_value());
    CHECK(thrown->kind == ErrorKind::config);
    CHECK(contains(thrown->message,
                   "service.env:1: the present value of KEY is empty, too long or has"));
    CHECK(contains(thrown->message, "could be undone"));
    CHECK_FALSE(contains(thrown->message, "\xc3\xa9"));
  }
}

TEST_CASE("a value with control characters is not plain: a diff would show it to a terminal") {
  for (const std::string value : {"\x1b[2J", "a\x07", "\x7f",
                                  "\xc2\x9b"
                                  "2J",
                                  "a\x01"}) {
    check_ambiguous("\nKEY=" + value + "\nLAST=1\n", 2);
    check_ambiguous("\nKEY=\"" + value + "\"\nLAST=1\n", 2);
    check_ambiguous("\nKEY='" + value + "' # c\nLAST=1\n", 2);
  }
  CHECK(value_of("KEY='\xc3\xa9\xe2\x82\xac'\n") == "\xc3\xa9\xe2\x82\xac");
}

TEST_CASE("a value that no process could be started with is never written") {
  const EnvFile file = env_of("KEY=5\n");
  const std::string most(4096, 'a');
  CHECK(file.patched({{"KEY", {"5", most}}}) == "KEY=" + most + "\n");
  const auto thrown = thrown_by([&] { file.patched({{"KEY", {"5", most + "a"}}}); });
  REQUIRE(thrown.has_value());
  CHECK(contains(thrown->message, "longer than 4096"));
}

TEST_CASE("a patch that is refused for its last key changes no other") {
  const EnvFile file = env_of("A=1\nB=2\n");
  CHECK(thrown_by([&] {
          static_cast<void>(file.patched({{"A", {"1", "3"}}, {"B", {"9", "3"}}}));
        }).has_value());
  CHECK(file.text() == "A=1\nB=2\n");
}

TEST_CASE("a key that stands twice is refused with both lines, other keys stay usable") {
  const EnvFile file = env_of("KEY=s3cr3t\nOTHER=2\nexport KEY='s3cr3t'\n");
  const auto thrown = thrown_by([&] { static_cast<void>(file.value("KEY")); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "service.env:3: KEY stands twice, first in line 1"));
  CHECK_FALSE(contains(thrown->message, "s3cr3t"));
  CHECK(thrown_by([&] { static_cast<void>(file.patched({{"KEY", {"s3cr3t", "1"}}})); }));
  CHECK(file.patched({{"OTHER", {"2", "3"}}}) == "KEY=s3cr3t\nOTHER=3\nexport KEY='s3cr3t'\n");
}

TEST_CASE("a value that means different things to different readers is never guessed") {
  for (const std::string value :
       {"$s3cr3t",      "a${s3cr3t}",   "`s3cr3t`", "a\\s3cr3t", "s3 cr3t",    "s3cr3t;x", "a\"b\"",
        "a'b'c",        "\"a$s3cr3t\"", "\"`a`\"",  "\"a\\n\"",  "\"a\\\"b\"", "\"a\"'b'", "\"a\"b",
        "'a'\"b\" # c", "\"a\"#c",      "'a' b",    "a|b",       "a&b",        "a<b",      "a>b",
        "(a)",          " 5",           "\t'5'",    " "}) {
    check_ambiguous("\nKEY=" + value + "\nLAST=1\n", 2);
    check_ambiguous("\r\n  export KEY=" + value + "\r\nLAST=1\r\n", 2);
  }
  check_ambiguous("KEY =5\nLAST=1\n", 1);
  check_ambiguous("KEY\t= '5'\nLAST=1\n", 1);
  check_ambiguous("KEY=a\rb\nLAST=1\n", 1);
}

TEST_CASE("the inner lines of a value over several lines are no assignments") {
  for (const std::string quote : {"'", "\""}) {
    const std::string text = "CERT=" + quote + "begin\nKEY=1\n\nend" + quote + "\nLAST=1\n";
    INFO(text);
    CHECK(value_of(text) == std::nullopt);
    CHECK(value_of(text, "LAST") == "1");
    CHECK(thrown_by([&] { static_cast<void>(value_of(text, "CERT")); }).has_value());
  }
  check_ambiguous("\nKEY=\"s3cr3t\nb\"\nLAST=1\n", 2);
  check_ambiguous("\nKEY='s3cr3t\r\nb'\r\nLAST=1\r\n", 2);
}

TEST_CASE("lines are counted through values over several lines, escaped line ends included") {
  check_ambiguous("A='1\n2\n3'\nKEY=$x\nLAST=1\n", 4);
  check_ambiguous("A=\"1\\\n2\\\r\n3\" # c\nKEY=$x\nLAST=1\n", 4);
  check_ambiguous("A=\"\\\"\n\"\nKEY=$x\nLAST=1\n", 3);
}

TEST_CASE("a line behind a backslash may be part of the one before it, so it is never guessed") {
  check_ambiguous("A=1\\\nKEY=5\nLAST=1\n", 2);
  check_ambiguous("A=1 \\\r\nKEY=5\r\nLAST=1\r\n", 2);
  check_ambiguous("# a comment \\\nKEY=5\nLAST=1\n", 2);
  CHECK(value_of("# a comment \\\n\nKEY=5\n") == "5");
  CHECK(value_of("A='\\'\nKEY=5\n") == "5");
}

TEST_CASE("a file with a NUL byte is refused with its line") {
  check_line_refused(std::string("A=1\nB=2\0\nC=3\n", 13), 2, "NUL");
  check_line_refused(std::string("\0", 1), 1, "NUL");
  check_line_refused(std::string("# c\n\n#\0", 7), 3, "NUL");
}

TEST_CASE("a quote that is never closed makes its own value ambiguous, and no other") {
  check_ambiguous("A=1\nKEY=\"open\nLAST=1\n", 2);
  check_ambiguous("A='1\n2'\nKEY='open\nLAST=1", 3);
  check_ambiguous("KEY=\"open\\\"\nLAST=1\n", 1);
  check_ambiguous("KEY='\nLAST=1", 1);
  CHECK(value_of("A=\"open\nKEY=5\n") == "5");
  CHECK(value_of("A=\"open\\", "A2") == std::nullopt);
}

TEST_CASE("a quote within a value that its line does not close is not carried on") {
  check_ambiguous("A=1\nKEY=it's\nLAST=1\nC=it's\n", 2);
  check_ambiguous("KEY=\"1\"'\nLAST=1\n'\n", 1);
  check_ambiguous("KEY=1\"\\\nA=5\n\"\nLAST=1\n", 1);
  check_ambiguous("KEY='it\\'s'\nLAST=1\n", 1);
  CHECK(value_of("A=it's\nKEY=5\n") == "5");
  CHECK(value_of("A=it\\'s\nKEY=5\n") == "5");
  CHECK(value_of("A=1 # it's\nKEY=5\n") == "5");
  CHECK(value_of("A=\"it's\"\nKEY=5\n") == "5");
  CHECK(value_of("A=x\" # \"\nKEY=5\n") == "5");
}

TEST_CASE("a line that is neither blank, comment nor assignment is passed over, byte for byte") {
  for (const std::string line :
       {"s3cr3t", "=5", "export", "export KEY", "export =5", "KEY:5", "MY-KEY=5", "my.key=5",
        "export export KEY=5", "; KEY=5", "\xEF\xBB\xBFKEY=5", "source other.env", "K\xC3\x84=5"}) {
    const std::string text = "\n# c\n" + line + "\nLAST=1\n";
    INFO(text);
    CHECK(value_of(text) == std::nullopt);
    CHECK(value_of(text, "LAST") == "1");
    CHECK(env_of(text + "KEY=5").line_of("KEY") == 5);
    CHECK(patched(text + "KEY=5", "5", "6") == text + "KEY=6");
  }
}
