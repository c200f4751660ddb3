// The redaction against a corpus of secrets, and against names that are none.
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "../../support/fault_every.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

struct Specimen {
  std::string kind;
  std::string secret;
  std::string text;  // with the secret in it
};

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::vector<Specimen> corpus() {
  std::vector<Specimen> all;
  std::ifstream file(DAGLOOP_SECRETS_FILE);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    REQUIRE(second != line.npos);
    Specimen specimen{line.substr(0, first), line.substr(first + 1, second - first - 1),
                      line.substr(second + 1)};
    replace_all(specimen.text, "\\n", "\n");
    replace_all(specimen.text, "\\t", "\t");
    replace_all(specimen.text, "%s", specimen.secret);
    all.push_back(std::move(specimen));
  }
  REQUIRE(all.size() >= 100);
  return all;
}

}  // namespace

TEST_CASE("no secret of the corpus is shown, nor half of one, wherever it stands") {
  for (const Specimen& specimen : corpus()) {
    const std::string half = specimen.secret.substr(0, specimen.secret.size() / 2);
    const std::string other_half = specimen.secret.substr(specimen.secret.size() / 2);
    for (const char* before : {"", "cannot open the log: ", "a=1, ", "[3] "}) {
      for (const char* behind : {"", "; check it", ", b=2", "\nnext line"}) {
        const std::string text = before + specimen.text + behind;
        const std::string shown = redact_text(text, 10'000);
        CAPTURE(specimen.kind, text, shown);
        CHECK_THAT(shown, !Catch::Contains(specimen.secret));
        CHECK_THAT(shown, !Catch::Contains(half));
        CHECK_THAT(shown, !Catch::Contains(other_half));
        CHECK_THAT(redact_label(text), !Catch::Contains(half) && !Catch::Contains(other_half));
      }
    }
  }
}

TEST_CASE("labels and messages that hold no secret are left as they are") {
  for (const char* text :
       {"exception:HttpResponseError:token_limit",
        "tool_error:token:expired",
        "TOOL_AUTH_ERROR",
        "VERIFY_TOKEN_COUNT",
        "01.find_user_id_by_email",
        "nf-core/chipseq:MACS2_CALLPEAK",
        "run_method:scgen_unscaled.full/2022-05-15",
        "model@v1.2",
        "tool:search@v2",
        "a->b",
        "generate_train_ID0000027",
        "page_versioning_ID8_ID0000008",
        "run_method (dimensionality_reduction:densmap_logCPM_1kHVG-human_blood_nestorowa2016:x)",
        "/srv/token/service.env:9: stands twice",
        "/etc/secrets/approvers.json:3:14: expected ,",
        "/tmp/dl_pwd_1x/service.env:9: DAG_ROLLOUT_PERCENT stands twice",
        "token: expected a string, found a number",
        "the secret is missing",
        "basic auth failed",
        "retry: 3 of 5",
        "http://127.0.0.1:8123/",
        "postgresql://u@[::1]:5432/d",
        "pass=3 fail=2",
        "skill-a1",
        "key-value",
        "sk-learn_model",
        "hf_transfer",
        "token_bucket_limiter",
        "secret_manager_read",
        "pat_matching",
        "C++/Qt/x86_64/Release/lib",
        "AKIAK",
        "xoxo",
        "-----BEGIN CERTIFICATE-----",
        "cut --fields=2,3 at 12:30:15"}) {
    CAPTURE(text);
    CHECK(redact_text(text) == text);
    CHECK(redact_label(text) == text);
  }
}

TEST_CASE("a masked label stays itself, and two labels stay two") {
  const std::string one = redact_label("node ghp_16C7e42F292c6912E7710c838347Ae178B4a");
  const std::string two = redact_label("node ghp_26C7e42F292c6912E7710c838347Ae178B4b");
  CHECK(one.starts_with("node ***#"));
  CHECK(one.size() == std::string("node ***#12345678").size());
  CHECK(one != two);
  for (const Specimen& specimen : corpus()) {
    const std::string label = redact_label(specimen.text);
    CAPTURE(specimen.text, label);
    CHECK(label.find('#') != label.npos);
    CHECK(redact_label(label) == label);
  }
}

TEST_CASE("a megabyte of anything is redacted in a moment") {
  const std::size_t much = (1 << 20) / test::fault_every();
  for (const std::string unit : {"a",
                                 "a_",
                                 "sk-",
                                 "=",
                                 ":",
                                 "@",
                                 "a@b",
                                 "://",
                                 "\"",
                                 "password=",
                                 "password=\"",
                                 "-----BEGIN ",
                                 "Aa1/",
                                 " ",
                                 "token: ",
                                 "x:y@",
                                 "&k=",
                                 "eyJ.",
                                 "-----BEGIN PRIVATE KEY-----",
                                 "\xc2",
                                 "\xc2\xa0"}) {
    std::string text;
    while (text.size() < much) text += unit;
    const auto start = std::chrono::steady_clock::now();
    const std::string shown = redact_text(text);
    const auto took = std::chrono::steady_clock::now() - start;
    CAPTURE(unit, std::chrono::duration<double>(took).count());
    CHECK(shown.size() <= 203);
    CHECK(took < std::chrono::seconds(60));  // not with the square of its length
  }
}

}  // namespace dagloop
