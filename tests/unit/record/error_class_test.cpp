#include "dagloop/record/error_class.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"

namespace dagloop {
namespace {

ErrorClasses parse(const std::string& text) {
  const Json json = parse_json(text, "classes.json");
  return ErrorClasses::parse(JsonReader(json, "classes.json"));
}

std::string fault_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    return error.what();
  }
  return "no error";
}

TEST_CASE("the default classes are those of the contract") {
  const std::pair<const char*, ErrorClass> expected[] = {
      {"TOOL_AUTH_ERROR", ErrorClass::auth},
      {"auth_error", ErrorClass::auth},
      {"401", ErrorClass::auth},
      {"403", ErrorClass::auth},
      {"500", ErrorClass::server},
      {"503", ErrorClass::server},
      {"599", ErrorClass::server},
      {"TOOL_SERVER_ERROR", ErrorClass::server},
      {"TOOL_TIMEOUT", ErrorClass::timeout},
      {"PIPELINE_TIMEOUT", ErrorClass::timeout},
      {"TOOL_RATE_LIMITED", ErrorClass::rate_limit},
      {"429", ErrorClass::rate_limit},
      {"DSL_VALIDATION_FAILED", ErrorClass::validation},
      {"DSL_REF_NOT_FOUND", ErrorClass::validation},
      {"validation_error", ErrorClass::validation},
      {"LLM_AUTOFILL_FAILED", ErrorClass::llm},
      {"VERIFY_COUNT_MISMATCH", ErrorClass::verification},
      {"VERIFY_ANYTHING", ErrorClass::verification},
      {"COMPENSATION_FAILED", ErrorClass::compensation},
  };
  for (const auto& [code, error_class] : expected) {
    INFO(code);
    CHECK(ErrorClasses().classify(code) == error_class);
  }
}

TEST_CASE("a code that no pattern names is of class other") {
  for (const char* code : {"", "404", "400", "5", "50", "5xx0", "5000", "50a", "tool_timeout",
                           "TOOL_TIMEOUT_2", "VERIFY", "XVERIFY_A"}) {
    INFO(code);
    CHECK(ErrorClasses().classify(code) == ErrorClass::other);
  }
}

TEST_CASE("class words are printed as in the contract, in its order") {
  std::string all;
  for (const ErrorClass c : kErrorClasses) all += std::string(to_string(c)) + " ";
  CHECK(all == "auth server timeout rate_limit validation llm verification compensation other ");
}

TEST_CASE("a class that is named loses its default patterns, the others keep theirs") {
  const ErrorClasses classes = parse(R"({"timeout": ["DEADLINE"]})");
  CHECK(classes.classify("DEADLINE") == ErrorClass::timeout);
  CHECK(classes.classify("TOOL_TIMEOUT") == ErrorClass::other);
  CHECK(classes.classify("429") == ErrorClass::rate_limit);
}

TEST_CASE("an exact pattern wins over prefixes and a longer prefix over a shorter one") {
  const ErrorClasses classes = parse(
      R"({"llm": ["A*"], "server": ["AB*"], "timeout": ["ABC"], "auth": ["ABCD*"], "other": []})");
  CHECK(classes.classify("A") == ErrorClass::llm);
  CHECK(classes.classify("AX") == ErrorClass::llm);
  CHECK(classes.classify("AB") == ErrorClass::server);
  CHECK(classes.classify("ABX") == ErrorClass::server);
  CHECK(classes.classify("ABC") == ErrorClass::timeout);
  CHECK(classes.classify("ABCX") == ErrorClass::server);
  CHECK(classes.classify("ABCDX") == ErrorClass::auth);
}

TEST_CASE("an exact pattern wins over the prefix of its own text, whichever class comes first") {
  CHECK(parse(R"({"llm": ["X*"], "server": ["X"]})").classify("X") == ErrorClass::server);
  CHECK(parse(R"({"server": ["X"], "llm": ["X*"]})").classify("X") == ErrorClass::server);
}

TEST_CASE("an HTTP status class gives way to exact codes and longer prefixes") {
  const ErrorClasses classes = parse(R"({"auth": ["4xx"], "llm": ["42*"], "timeout": ["408"]})");
  CHECK(classes.classify("400") == ErrorClass::auth);
  CHECK(classes.classify("421") == ErrorClass::llm);
  CHECK(classes.classify("408") == ErrorClass::timeout);
  CHECK(classes.classify("429") == ErrorClass::rate_limit);
}

TEST_CASE("a pattern of one's own wins over the same default pattern of another class") {
  CHECK(parse(R"({"server": ["429"]})").classify("429") == ErrorClass::server);
}

TEST_CASE("a lone star is a class for all codes that nothing else names") {
  const ErrorClasses classes = parse(R"({"llm": ["*"]})");
  CHECK(classes.classify("ANYTHING") == ErrorClass::llm);
  CHECK(classes.classify("401") == ErrorClass::auth);
}

TEST_CASE("faults of a class map name the place") {
  CHECK(fault_of(R"({"network": ["X"]})").find("network") != std::string::npos);
  CHECK(fault_of(R"({"llm": ["X", ""]})").find("llm[1]") != std::string::npos);
  CHECK(fault_of(R"({"llm": ["X"], "auth": ["X"]})").find("auth[0]") != std::string::npos);
  CHECK(fault_of(R"({"llm": "X"})").find("llm") != std::string::npos);
  CHECK(fault_of(R"({"llm": [1]})").find("llm[0]") != std::string::npos);
}

}  // namespace
}  // namespace dagloop
