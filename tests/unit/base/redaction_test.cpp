#include "dagloop/base/redaction.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "rollout_generator.hpp"

namespace dagloop {
namespace {

std::string random_secret(test::Random& random, std::size_t length) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string secret = "Q7";  // always letters and digits
  while (secret.size() < length) secret += kLetters[random.below(kLetters.size())];
  return secret;
}

}  // namespace

TEST_CASE("the password of a URI is masked, whatever characters stand in it") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"postgresql://u:hunter2@h/d", "postgresql://u:***@h/d"},
      {"postgresql://:hunter2@h/d", "postgresql://:***@h/d"},
      {"postgresql://u:hun@ter2@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:hun/ter2@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:hun?ter2@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:hun:ter2@h:5432/d", "postgresql://u:***@h:5432/d"},
      {"postgresql://u:hun?t@h/d?token=x&a=b", "postgresql://u:***@h/d?token=***&a=b"}};
  for (const auto& [uri, masked] : cases) {
    CAPTURE(uri);
    CHECK(redact_uri(uri) == masked);
    CHECK(redact_text("cannot open " + uri) == "cannot open " + masked);
  }
}

TEST_CASE("signs that look like those of a URI, or are percent-encoded, hide no password") {
  for (const char* uri :
       {"postgresql://u:hunter2\xEF\xBC\xA0h/d", "postgresql://u:hunter2\xEF\xB9\xABh/d",
        "postgresql://u:hunter2%40h/d", "https://u%3Ahunter2@h/d", "https://u%3ahunter2%40h/d",
        "https://u\xEF\xBC\x9Ahunter2@h/d", "http://h/?token%3Dhunter2"}) {
    CAPTURE(uri);
    CHECK_THAT(redact_uri(uri), !Catch::Contains("hunter2"));
    CHECK_THAT(redact_text(uri), !Catch::Contains("hunter2"));
  }
  for (const char* uri : {"http://h:8123/?user=jane%40example", "http://h/a%3Ab%3Dc"}) {
    CHECK(redact_uri(uri) == uri);
  }
}

TEST_CASE("a URI without secrets is printed as it is") {
  for (const char* uri : {"file:///srv/logs/a.jsonl", "postgresql://u@h:5432/d?sslmode=require",
                          "http://h:8123/?user=jane@example", "state.sqlite", "", "://", "a://"}) {
    CAPTURE(uri);
    CHECK(redact_uri(uri) == uri);
  }
}

TEST_CASE("query parameters named like a secret are masked in any case of letters") {
  for (const std::string name : {"password", "PASSWORD", "pwd", "db_passwd", "client_secret",
                                 "access_token", "apikey", "api_key", "api-key", "X-Signature"}) {
    CAPTURE(name);
    CHECK(redact_uri("s://h/d?a=1&" + name + "=hunter2&b=2") == "s://h/d?a=1&" + name + "=***&b=2");
  }
  CHECK(redact_uri("s://h/d?password&token=") == "s://h/d?password&token=***");
}

TEST_CASE("a value behind the name of a secret is masked, however it is written") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"password=hunter2", "password=***"},
      {"password= hunter2", "password= ***"},
      {"Password: hunter2 refused", "Password: *** refused"},
      {"host=h password=hunter2 user=u", "host=h password=*** user=u"},
      {"user=u&token=hunter2", "user=u&token=***"},
      {"Server=h;Pwd=hunter2;Port=1", "Server=h;Pwd=***;Port=1"},
      {R"({"user":"u","password":"hunter2"})", R"({"user":"u","password":***)"},
      {R"({"url":"http://h/x","secret":"hunter2"})", R"({"url":"http://h/x","secret":***)"},
      {R"("api_key": "hunter2", "a": 1)", R"("api_key": *** "a": 1)"},
      {"AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"}};
  for (const auto& [text, masked] : cases) {
    CAPTURE(text);
    CHECK(redact_text(text) == masked);
  }
}

TEST_CASE("a message that names a token without showing one is left whole") {
  for (const char* text : {"approval.json: token: expected a string, found a number",
                           "the password is missing", "secret_key.txt: no such file"}) {
    CAPTURE(text);
    CHECK(redact_text(text) == text);
  }
}

TEST_CASE("bearer and basic credentials are masked in any case of letters") {
  CHECK(redact_text("authorization: bearer abc.def x") == "authorization: bearer *** x");
  CHECK(redact_text("AUTHORIZATION: BEARER abc") == "AUTHORIZATION: BEARER ***");
  CHECK(redact_text("Authorization: Basic dTpw") == "Authorization: Basic ***");
  CHECK(redact_text("Bearer  abc") == "Bearer  ***");
  CHECK(redact_text("Bearer") == "Bearer");
}

TEST_CASE("e-mail addresses are masked wherever they stand in a word") {
  for (const char* text : {"jane@example.org", "<jane@example.org>", "mailto:jane@example.org,",
                           "(jane.doe+x@mail.example.org)"}) {
    CAPTURE(text);
    CHECK(redact_text(text) == "***");
  }
  CHECK(redact_text("@ and a@ stay") == "@ and a@ stay");
}

TEST_CASE("a long random word is masked at any length and place") {
  test::Random random(71);
  for (int round = 0; round < 500; ++round) {
    const std::string secret = random_secret(random, 24 + random.below(60));
    CAPTURE(secret);
    for (const std::string& text :
         {secret, "a " + secret + " b", "(" + secret + ")", "ghp_" + secret, "sk-live-" + secret,
          "https://" + secret + "@h/d", "https://h/hook/" + secret, "at:" + secret + ","}) {
      REQUIRE_THAT(redact_text(text), !Catch::Contains(secret));
    }
  }
}

TEST_CASE("both halves of a token joined by a dash are masked") {
  CHECK(redact_text("eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0NTY3ODkwIn0-x9Yb2kQ1") == "***");
  CHECK(redact_text("xoxb-123456789012-AbC4dEfG6hIjK8lM") == "***");
}

TEST_CASE("names, digests, identifiers and times are shown, long as they are") {
  for (const char* text : {"/var/lib/dagloop/reports/quality_report_20260225T060000Z.json:3",
                           "gate.checks[0].window", "run 123e4567-e89b-12d3-a456-426614174000",
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                           "DAG_RETRY_BACKOFF_MULTIPLIER_MAXIMUM_2026",
                           "a-long-name-of-a-bucket-2026-02", "antidisestablishmentarianismlike",
                           "2026-02-25T06:00:00.123456Z", "0123456789012345678901234567"}) {
    CAPTURE(text);
    CHECK(redact_text(text) == text);
  }
}

TEST_CASE("every control character is escaped, and other UTF-8 is shown") {
  for (int c = 0; c < 0x20; ++c) {
    const std::string text = redact_text(std::string("a") + static_cast<char>(c) + "b");
    CAPTURE(c, text);
    CHECK(text.size() == 6);
    CHECK(text.starts_with("a\\x"));
  }
  CHECK(redact_text("\x7f") == "\\x7f");
  CHECK(redact_text("\xc2\x9b[31m") == "\\xc2\\x9b[31m");  // CSI as one character
  CHECK(redact_text("\xc2\xa0ä€😀") == "\xc2\xa0ä€😀");
}

TEST_CASE("a byte that is no UTF-8 is escaped, and what stands around it is shown") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"table st\xd3te (\xff)", "table st\\xd3te (\\xff)"},
      {"\xe2\x82", "\\xe2\\x82"},           // cut off
      {"\xc0\xaf\x80", "\\xc0\\xaf\\x80"},  // overlong, stray
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // a surrogate
      {"\xc3\xa4\xd3", "\xc3\xa4\\xd3"},    // behind a character
  };
  for (const auto& [text, shown] : cases) {
    CAPTURE(shown);
    CHECK(redact_text(text) == shown);
    CHECK(escape_controls(text) == shown);
  }
  CHECK(redact_text("\xff\xff\xff", 6) == "\\xff\\x...");
}

TEST_CASE("a secret that is cut is masked first, and no cut splits a character") {
  CHECK(redact_text("password=hunter2hunter2", 12) == "password=***");
  CHECK(redact_text("", 0).empty());
  const std::string text = "ä€😀ä€😀";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::string shown = redact_text(text, length);
    const std::string kept = length == text.size() ? shown : shown.substr(0, shown.size() - 3);
    CAPTURE(length);
    CHECK(kept.size() <= length);
    CHECK(text.starts_with(kept));
    const auto next = static_cast<unsigned char>(text.c_str()[kept.size()]);
    CHECK((next & 0xC0U) != 0x80U);
  }
}

TEST_CASE("the path of an archived report is shown, the half written one's too") {
  for (const std::string path :
       {"/srv/x/reports/archive/dag_quality_20250602T000000Z.json",
        "/dev/shm/a_b/reports/archive/dag_policy_decision_20250602T000000Z.json-24360-1_"
        "20250602T000000Z.tmp",
        "/srv/x/service.env.3f9a0c55d1e2b784.tmp",
        "/srv/x/reports/dag_quality_latest.json-3f9a0c55d1e2b784_20250602T000000Z.tmp"}) {
    CHECK(redact_text(path) == path);
  }
}

}  // namespace dagloop
