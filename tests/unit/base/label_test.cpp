#include "dagloop/base/label.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "dagloop/base/redaction.hpp"

namespace dagloop {

TEST_CASE("ids in a label become a mark, names with numbers stay") {
  struct Case {
    std::string text;
    std::string folded;
  };
  const std::vector<Case> cases{
      {"timeout for req-8f21c0de", "timeout for req-<id>"},
      {"timeout for req-8f21c", "timeout for req-8f21c"},
      {"CODE_000000123", "CODE_<id>"},
      {"CODE000000123", "CODE<id>"},
      {"550e8400-e29b-41d4-a716-446655440000", "<id>"},
      {"550e8400-e29b-41d4-a716-44665544000", "<id>-e29b-41d4-a716-<id>"},
      {"job 01hv5j8k2qwertz9x1", "job <id>"},
      {"at 0x7f3a12bc45d0", "at <id>"},
      {"commit 3fa9c01", "commit <id>"},
      {"user 123456 unknown", "user <id> unknown"},
      {"2026-02-25T06:00:00Z", "2026-02-25T06:00:00Z"},
      // Codes and names of services and people.
      {"ORA-00942", "ORA-00942"},
      {"E10001", "E10001"},
      {"503", "503"},
      {"HTTP/1.1 503", "HTTP/1.1 503"},
      {"sha256_mismatch", "sha256_mismatch"},
      {"oauth2_failed", "oauth2_failed"},
      {"node_12", "node_12"},
      {"defaced", "defaced"},
      {"deadbeef", "deadbeef"},
      {"n2_fetch_v3", "n2_fetch_v3"},
      {"zeitüberschreitung 時間切れ", "zeitüberschreitung 時間切れ"},
      {"", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(fold_ids(c.text, LabelKind::code).text == c.folded);
    CHECK(fold_ids(c.folded, LabelKind::code).text == c.folded);
    CHECK(label_of(c.text) == c.folded);
  }
}

TEST_CASE("names of nodes, plan sources and pipelines keep their numbers and dates") {
  for (const char* name : {"inference_ID1_ID0000001", "etl_20260225", "fetch_1234567",
                           "step 3fa9c01", "p50p95p99_12", "n1", "h264av1vp9"}) {
    CHECK(label_of_name(name) == name);
  }
  CHECK(label_of_name("fetch-8f21c0de11") == "fetch-<id>");
  CHECK(label_of_name("plan_1740470400") == "plan_<id>");
  CHECK(label_of_name("550e8400-e29b-41d4-a716-446655440000") == "<id>");
}

TEST_CASE("a label with a secret is masked, and one label with any id beside it") {
  const std::string one = label_of("password=hunter2 for req-8f21c0de11");
  CHECK(one.starts_with("password=*** for req-<id>#"));
  CHECK(label_of("password=hunter2 for req-99aa00bb22") == one);
  CHECK(label_of("password=hunter3 for req-99aa00bb22") != one);
  CHECK(label_of(one) == one);
  // Capitals in hex look like a token: masked, but one label all the same.
  CHECK(fold_ids("run 550E8400-E29B-41D4-A716-446655440000", LabelKind::code).text == "run <id>");
  CHECK(label_of("run 550E8400-E29B-41D4-A716-446655440000") ==
        label_of("run 660E8400-E29B-41D4-A716-446655440123"));
  CHECK(label_of("password=hunter2") == redact_label("password=hunter2"));
}

TEST_CASE("a label of a label is itself, whatever bytes stand in it") {
  std::mt19937_64 random(3);
  const std::string letters = "aAfF09_-#* <>id\xc3\xa9\n=:";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t i = random() % 30; i > 0; --i) text += letters[random() % letters.size()];
    CAPTURE(text);
    for (const LabelKind kind : {LabelKind::code, LabelKind::name}) {
      const std::string folded = fold_ids(text, kind).text;
      REQUIRE(fold_ids(folded, kind).text == folded);
    }
  }
}

}  // namespace dagloop
