// The redaction against a corpus of secrets, and against names that are none.
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
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
        "cut --fields=2,3 at 12:30:15",
        "docker run -u 1000:1000 image",
        "docker run -p 8080:80 image",
        "chown -u www-data:www-data",
        "mkdir -p /srv/planner",
        "mysql -h db -u root -p prod",
        "mysql --port=3306 -u root",
        "curl -u svc https://h/x",
        "curl: (6) Could not resolve host",
        "login failed after 3 attempts",
        "first-pass=12 bypass=yes",
        "pw_check:failed",
        "save 40%40 of 100%",
        "100%3A is no time",
        "node％40",
        "a＠b",
        "dapi_call",
        "zip -r out.zip logs",
        "openssl: pass phrase missing",
        "r8_gpu_pool",
        "ops_team"}) {
    CAPTURE(text);
    CHECK(redact_text(text) == text);
    CHECK(redact_label(text) == text);
  }
}

TEST_CASE("a secret of any shape is masked in every command that is known to take one") {
  std::mt19937 random(19);
  const std::string chars = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789._+/!-";
  for (int i = 0; i < 3000; ++i) {
    // Marked, so that no part of it can pass for something else.
    std::string secret = "qZ7";
    const auto length = std::uniform_int_distribution<int>(3, 20)(random);
    while (static_cast<int>(secret.size()) < length) {
      secret += chars[std::uniform_int_distribution<std::size_t>(0, chars.size() - 1)(random)];
    }
    for (const std::string command : {"curl -u me:%s h",
                                      "curl -sS -ume:%s h",
                                      "curl --user me:%s h",
                                      "curl --user=me:%s h",
                                      "curl --proxy-user me:%s h",
                                      "mysql -p%s db",
                                      "mysqldump -u me -p%s",
                                      "mariadb -p%s",
                                      "sshpass -p %s ssh h",
                                      "sshpass -p%s ssh h",
                                      "redis-cli -a %s",
                                      "mongosh -p %s",
                                      "ldapsearch -w %s",
                                      "smbclient -U me%%s",
                                      "lftp -u me,%s h",
                                      "sqlcmd -P %s",
                                      "openssl rsa -passin pass:%s",
                                      "docker login -p %s",
                                      "pw=%s",
                                      "a_pw=%s",
                                      "pw: \"%s\""}) {
      for (const std::string around :
           {"%s", "ls; %s", "[\"sh\", \"-c\", \"%s\"]", "$(%s)", "error:\n%s\nmore", "/usr/bin/%s",
            "fields.status.%s: unknown key", "\"[\\\"%s\\\"]\""}) {
        std::string text = around;
        std::string filled = command;
        filled.replace(filled.rfind("%s"), 2, secret);
        text.replace(text.find("%s"), 2, filled);
        const std::string shown = redact_text(text, 10'000);
        CAPTURE(text, shown);
        REQUIRE_THAT(shown, !Catch::Contains("qZ7"));
      }
    }
  }
}

TEST_CASE("ordinary text is left as it is but for a few lines in a hundred") {
  std::size_t lines = 0;
  std::vector<std::string> masked;
  for (const auto& entry : std::filesystem::directory_iterator(DAGLOOP_DOCS_DIR)) {
    if (entry.path().extension() != ".md") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      ++lines;
      if (redact_text(line, line.size()) != line) masked.push_back(line);
    }
  }
  REQUIRE(lines > 1000);
  for (const std::string& line : masked) UNSCOPED_INFO(line);
  CHECK(masked.size() * 100 < lines);
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
