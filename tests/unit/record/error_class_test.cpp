#include "dagloop/record/error_class.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "record/error_spellings.hpp"

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
  for (const char* code : {"",
                           "404",
                           "5",
                           "50",
                           "5xx0",
                           "5000",
                           "50a",
                           "VERIFY",
                           "XVERIFY_A",
                           "something else",
                           "TIMEOUTS_OF_503_NODES",
                           "E_404",
                           "_",
                           "600",
                           "HTTP 302",
                           "status_code=404",
                           "SKU_1401",
                           "x509",
                           "AUTHOR_ERROR",
                           "invalid"}) {
    INFO(code);
    CHECK(ErrorClasses().classify(code) == ErrorClass::other);
  }
}

TEST_CASE("codes are matched in any case") {
  for (const char* code : {"tool_timeout", "Tool_Timeout", "pipeline_timeout"}) {
    CHECK(ErrorClasses().classify(code) == ErrorClass::timeout);
  }
  CHECK(ErrorClasses().classify("tool_auth_error") == ErrorClass::auth);
  CHECK(ErrorClasses().classify("verify_count") == ErrorClass::verification);
  CHECK(ErrorClasses().classify("5XX") == ErrorClass::server);
  CHECK(parse(R"({"llm": ["Model_*"]})").classify("MODEL_gone") == ErrorClass::llm);
}

TEST_CASE("the spellings that services use are classified") {
  const std::map<ErrorClass, std::vector<const char*>> expected{
      {ErrorClass::auth,
       {"401 Unauthorized", "HTTP 401", "http_403", "HTTP/1.1 403 Forbidden", "AUTH_ERROR",
        "authentication_failed", "AuthenticationError", "invalid_api_key", "permission_denied",
        "PERMISSION_DENIED", "forbidden", "UNAUTHENTICATED", "Unauthorized", "EACCES",
        "openai.PermissionDeniedError", "AccessDeniedException", "status=401"}},
      {ErrorClass::server,
       {"HTTP 503",
        "HTTP503",
        "status_code=500",
        "StatusCode: 502",
        "gateway timeout 504",
        "504 Gateway Timeout",
        "502 Bad Gateway",
        "ECONNREFUSED",
        "ECONNRESET",
        "connection_error",
        "APIConnectionError",
        "service_unavailable",
        "ServiceUnavailableError",
        "internal_error",
        "InternalServerError",
        "UNAVAILABLE",
        "bad_gateway",
        "overloaded_error",
        "server_error",
        "upstream_503",
        "5xx",
        "connection refused: db:5432",
        "certificate verify failed"}},
      {ErrorClass::timeout,
       {"ETIMEDOUT", "ESOCKETTIMEDOUT", "deadline_exceeded", "DEADLINE_EXCEEDED", "timeout",
        "timed_out", "TimeoutError", "ReadTimeout", "context deadline exceeded",
        "asyncio.TimeoutError", "TOOL_TIMEOUT_2", "408 Request Timeout", "408", "LLM_TIMEOUT",
        "timeout after 500 ms", "connection timed out", "upstream timeout 12s"}},
      {ErrorClass::rate_limit,
       {"rate_limit_exceeded", "RATE_LIMIT_EXCEEDED", "RateLimitError", "too_many_requests",
        "throttled", "ThrottlingException", "quota_exceeded", "RESOURCE_EXHAUSTED", "HTTP 429",
        "429 Too Many Requests", "insufficient_quota", "http_429"}},
      {ErrorClass::validation,
       {"TOOL_INPUT_INVALID", "tool_output_invalid", "invalid_request_error", "ValidationError",
        "pydantic.ValidationError", "schema_error", "bad_request 400", "400 Bad Request", "400",
        "unprocessable 422", "422 Unprocessable Entity", "json_decode_error", "JSONDecodeError",
        "INVALID_ARGUMENT", "line 500: validation error"}},
      {ErrorClass::llm,
       {"context_length_exceeded", "content_filter", "ContentFilterError", "token_limit"}},
  };
  for (const auto& [error_class, codes] : expected) {
    for (const char* code : codes) {
      INFO(code);
      CHECK(to_string(ErrorClasses().classify(code)) == to_string(error_class));
    }
  }
}

TEST_CASE("patterns of one's own win over shipped spellings, but for a lone star") {
  const ErrorClasses classes =
      parse(R"({"llm": ["rate_limit_exceeded", "LLM_*"], "server": ["429"], "other": ["*"]})");
  CHECK(classes.classify("RATE_LIMIT_EXCEEDED") == ErrorClass::llm);
  CHECK(classes.classify("LLM_TIMEOUT") == ErrorClass::llm);
  CHECK(classes.classify("HTTP 429") == ErrorClass::server);
  CHECK(classes.classify("throttled") == ErrorClass::rate_limit);
  CHECK(classes.classify("content_filter") == ErrorClass::other);
  CHECK(parse(R"({"auth": ["*"]})").classify("ETIMEDOUT") == ErrorClass::timeout);
  CHECK(parse(R"({"auth": ["*"]})").classify("RAIN") == ErrorClass::auth);
}

TEST_CASE("a class that is named loses its shipped spellings, and the patterns say so") {
  const ErrorClasses classes = parse(R"({"timeout": ["DEADLINE"]})");
  CHECK(classes.classify("ETIMEDOUT") == ErrorClass::other);
  CHECK(classes.classify("408") == ErrorClass::other);
  CHECK(classes.classify("AUTH_ERROR") == ErrorClass::auth);
  CHECK(classes.patterns() != ErrorClasses().patterns());
  CHECK(parse("{}").patterns() == ErrorClasses().patterns());
}

TEST_CASE("spellings are words in lower case, each once") {
  std::set<std::string_view> all;
  for (const ErrorSpelling& spelling : kErrorSpellings) {
    INFO(spelling.words);
    CHECK(all.insert(spelling.words).second);
    CHECK(ErrorClasses().classify(spelling.words) == spelling.error_class);
    for (const char c : spelling.words) CHECK((is_ascii_lower(c) || is_ascii_digit(c) || c == ' '));
  }
}

// The page has one row a class, its spellings in the table's order.
TEST_CASE("the page on the data contract lists every spelling") {
  std::ifstream file(std::string(DAGLOOP_CONFIG_DIR) + "/../docs/data-contract.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const ErrorClass error_class :
       {ErrorClass::auth, ErrorClass::server, ErrorClass::timeout, ErrorClass::rate_limit,
        ErrorClass::validation, ErrorClass::llm}) {
    std::string row = "| `" + std::string(to_string(error_class)) + "` | ";
    for (const ErrorSpelling& spelling : kErrorSpellings) {
      if (spelling.error_class != error_class) continue;
      row += (row.ends_with("| ") ? "" : ", ") + std::string(spelling.words);
    }
    INFO(row);
    CHECK(page.find(row + " |") != std::string::npos);
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
