#include <catch2/catch.hpp>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {

TEST_CASE("SHA-256 gives the published values") {
  // FIPS 180-4 examples.
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("base64 is that of RFC 4648 and read only in its canonical form") {
  for (const auto& [bytes, text] : {std::pair{"", ""}, std::pair{"f", "Zg=="},
                                    std::pair{"fo", "Zm8="}, std::pair{"foobar", "Zm9vYmFy"}}) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
  for (const char* text : {"Zg", "Zg=", "Zh==", "Z g==", "Zm9v!", "===="}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
}

TEST_CASE("passwords and secret parameters of a URI are masked, the rest stays") {
  CHECK(redact_uri("postgresql://u:p@ss@host:5432/db?sslmode=require&password=x") ==
        "postgresql://u:***@host:5432/db?sslmode=require&password=***");
  CHECK(redact_uri("postgresql://u@host/db") == "postgresql://u@host/db");
  CHECK(redact_uri("clickhouse://h:8123/db?api_key=x") == "clickhouse://h:8123/db?api_key=***");
  CHECK(redact_uri("logs/*.jsonl") == "logs/*.jsonl");
}

TEST_CASE("secrets and people in a message are masked, digests and paths stay") {
  const std::string digest = sha256_hex("x");
  CHECK(redact_text("decision " + digest + " in /srv/reports/x.json:3") ==
        "decision " + digest + " in /srv/reports/x.json:3");
  CHECK(redact_text("Authorization: Bearer abc.def") == "Authorization: Bearer ***");
  CHECK_THAT(redact_text("mail to jane.doe@example.org now"), !Catch::Contains("jane"));
  CHECK_THAT(redact_text("token=tok_4f9a8b7c6d5e"), !Catch::Contains("4f9a8b7c"));
  CHECK_THAT(redact_text("ghp_16C7e42F292c6912E7710c838347Ae178B4a"), !Catch::Contains("16C7e42F"));
  CHECK_THAT(redact_text("at postgres://u:hunter2@h/d"), !Catch::Contains("hunter2"));
}

TEST_CASE("control characters are escaped and long text is cut at a character") {
  CHECK(redact_text("a\x1b[31mb\nc") == "a\\x1b[31mb\\x0ac");
  CHECK(redact_text("aaaä", 4) == "aaa...");
  CHECK(redact_text("aaaa", 4) == "aaaa");
}

TEST_CASE("an error's message is kind, place, fault and remedy") {
  const Error error(ErrorKind::config, "c.json:3", "bad", "mend it");
  CHECK(std::string(error.what()) == "config: c.json:3: bad; mend it");
}

TEST_CASE("every kind of error has its exit code") {
  CHECK(exit_code(ErrorKind::usage) == ExitCode::usage);
  CHECK(exit_code(ErrorKind::config) == ExitCode::usage);
  CHECK(exit_code(ErrorKind::insufficient) == ExitCode::insufficient);
  CHECK(exit_code(ErrorKind::source) == ExitCode::source_failed);
  CHECK(exit_code(ErrorKind::preflight) == ExitCode::source_failed);
  CHECK(exit_code(ErrorKind::approval) == ExitCode::approval);
  CHECK(exit_code(ErrorKind::conflict) == ExitCode::conflict);
  CHECK(exit_code(ErrorKind::apply_failed) == ExitCode::rolled_back);
  CHECK(exit_code(ErrorKind::attention) == ExitCode::attention);
  CHECK(exit_code(ErrorKind::internal) == ExitCode::internal);
}

TEST_CASE("a failed assertion is an internal error that names its place") {
  CHECK_NOTHROW(DAGLOOP_ASSERT(1 + 1 == 2));
  CHECK_THROWS_WITH(DAGLOOP_ASSERT(1 + 1 == 3), Catch::StartsWith("internal: ") &&
                                                    Catch::Contains("text_test.cpp") &&
                                                    Catch::Contains("1 + 1 == 3"));
}

}  // namespace dagloop
