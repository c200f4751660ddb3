#include "source/record_finder.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "dagloop/base/json.hpp"

namespace dagloop::test {
namespace {

// Fed in pieces of at most `piece` bytes.
std::string found(const std::string& text, const std::string& pointer, std::size_t piece = 1) {
  RecordFinder finder(pointer);
  std::string lines;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    finder.take(std::string_view(text).substr(at, piece), lines);
  }
  finder.finish(lines);
  return lines;
}

TEST_CASE("the elements of an array at a pointer are records, however the document is laid out") {
  const std::string compact = R"({"n":{"runs":[1]},"runs":[{"a":1},{"b":["]",{}]}],"total":2})";
  CHECK(found(compact, "/runs") == "{\"a\":1}\n{\"b\":[\"]\",{}]}\n");
  const std::string wide =
      "\r\n{ \"n\": 1,\r\n \"runs\" : [\r\n{ \"a\":\r\n 1 } ,\r\n{} ]\r\n}\r\n";
  CHECK(found(wide, "/runs") == "{ \"a\":   1 }\n{}\n");
  CHECK(found(R"([{"a":1},{"a":2}])", "") == "{\"a\":1}\n{\"a\":2}\n");
  CHECK(found(R"({"x":[{"y":[{"z":[1,"]"]},{"z":[{}]},{}]},{"y":[]}]})", "/x/*/y/*/z") ==
        "1\n\"]\"\n{}\n");
  CHECK(found(R"({"x":[[{"a":0}],[{"a":1}]]})", "/x/1") == "{\"a\":1}\n");
  CHECK(found(R"({"x":{"p":[1],"q":[2]}})", "/x/*") == "1\n2\n");
  CHECK(found(R"({"a/b":[1]})", "/a~1b") == "1\n");
}

TEST_CASE("documents follow one another, and one may have no records") {
  CHECK(found("{\"r\":[1]}\n{\"r\":[]}\n{}\n{\"r\":[2,3]}", "/r") == "1\n2\n3\n");
  CHECK(found(R"({"r":[1]}{"r":null} {"r":{"a":2}})", "/r") == "1\n{\"a\":2}\n");
  CHECK(found("", "/r").empty());
  CHECK(found("\n\n", "").empty());
}

TEST_CASE("a document that is an array, or has nothing at the pointer, is read all the same") {
  CHECK(found(R"([{"a":1},{"b":2}])", "/r") == "{\"a\":1}\n{\"b\":2}\n");
  CHECK(found("{\"a\":1}\n{\"b\":[2]}\n", "/r") == "{\"a\":1}\n{\"b\":[2]}\n");
  CHECK(found("{\"a\":\n[1]}\n{\"b\":2}\n", "/r") == "{\"a\": [1]}\n{\"b\":2}\n");
  CHECK(found(R"({"total":1,"x":{"r":[3]}} {"n":2,"r":[4]})", "/r") ==
        "{\"total\":1,\"x\":{\"r\":[3]}}\n4\n");
}

TEST_CASE("what is no such document counts as a line that is no record") {
  const std::string nothing = "\"a document without records\"\n";
  CHECK(found(R"({"r":5})", "/r") == nothing);
  CHECK(found("{\"r\":[1]}\n<html>\n{\"r\":[2]}\n", "/r") == "1\n?<html>\n2\n");
  CHECK(found("null\n", "/r") == "?null\n");
  CHECK(found("{\"r\":[1] \"x\"}\n{\"r\":[2]}\n", "/r") == "1\n?\"x\"}\n2\n");
}

TEST_CASE("a document that is cut off is told, and costs no other one") {
  const std::string cut = "\"a document that is cut off\"\n";
  CHECK(found(R"({"r":[{"a":1},)", "/r") == "{\"a\":1}\n" + cut);
  CHECK(found(R"({"r":[{"a":1},{"b":"x)", "/r") == "{\"a\":1}\n{\"b\":\"x\n");
  CHECK(found(R"({"r":[{"a":1}])", "/r") == "{\"a\":1}\n" + cut);
  CHECK(found("{\"r\":[1]}\n{\"r\":[{\"b\":\n{\"r\":[2]}\n", "/r") == "1\n{\"b\":\n2\n");
  CHECK(found("{\"r\":[1]}\n{\"r\n{\"r\":[2]}\n", "/r") == "1\n" + cut + "2\n");
  // The first one, too: in the middle of a text, and before what each begins with.
  CHECK(found("{\"r\":[{\"b\":\"x\n{\"r\":[2]}\n", "/r") == "{\"b\":\"x\n2\n");
  CHECK(found("{\"r\":[{\"b\":\n{\"r\":[2]}\n", "/r", 1000) == "{\"b\":\n2\n");
}

Json random_json(std::mt19937& random, int depth) {
  const auto next = [&](unsigned most) { return static_cast<unsigned>(random() % most); };
  static const std::vector<std::string> kTexts{"", "a\"b", "\\", "]}{[,:", "line\nbreak", "r", "é"};
  const unsigned kind = next(depth > 3 ? 4 : 7);
  if (kind == 0) return {};
  if (kind == 1) return Json(next(2) == 0);
  if (kind == 2) return Json(static_cast<int>(next(1000)) - 500);
  if (kind == 3) return Json(kTexts[next(7)]);
  if (kind == 4) {
    Json list = Json::array();
    for (unsigned i = next(4); i > 0; --i) list.push_back(random_json(random, depth + 1));
    return list;
  }
  Json object = Json::object();
  for (unsigned i = next(4); i > 0; --i) object[kTexts[next(7)]] = random_json(random, depth + 1);
  return object;
}

TEST_CASE("the finder gives the elements of a parsed document, whatever the pieces") {
  std::mt19937 random(7);
  for (int trial = 0; trial < 400; ++trial) {
    Json document = Json::object();
    document["b"] = random_json(random, 0);
    Json pages = Json::array();
    std::string expected;
    for (unsigned page = random() % 4; page > 0; --page) {
      Json records = Json::array();
      for (unsigned i = random() % 4; i > 0; --i) {
        Json record = Json::object();
        record["v"] = random_json(random, 0);
        expected += to_compact_json(record) + "\n";
        records.push_back(record);
      }
      Json member = Json::object();
      member["a"] = random_json(random, 1);
      member["records"] = records;
      member["z"] = random_json(random, 1);
      pages.push_back(member);
    }
    document["pages"] = pages;
    for (const std::size_t piece : {1U, 3U, 64U, 100000U}) {
      REQUIRE(found(to_compact_json(document), "/pages/*/records", piece) == expected);
      std::string lines = found(to_pretty_json(document), "/pages/*/records", piece);
      std::string compacted;
      while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        compacted += to_compact_json(parse_json(lines.substr(0, end), "line")) + "\n";
        lines.erase(0, end + 1);
      }
      REQUIRE(compacted == expected);
    }
  }
}

}  // namespace
}  // namespace dagloop::test
