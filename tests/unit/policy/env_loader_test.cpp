#include "dagloop/policy/env_loader.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <random>

#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

const std::string kLineSeparator = "\xE2\x80\xA8";

std::optional<std::string> fault_of(const std::string& text, EnvLoader loader) {
  const auto fault = loader_fault(EnvFile::parse(text, "service.env"), loader, {"KEY"});
  return fault ? std::optional<std::string>(fault->error.what()) : std::nullopt;
}

// Checks that the file is refused in this line, with the reader and what it would see.
void check_fault(const std::string& text, EnvLoader loader, int line, const std::string& said) {
  INFO(text);
  const auto fault = fault_of(text, loader);
  REQUIRE(fault.has_value());
  INFO(*fault);
  CHECK(contains(*fault, "service.env:" + std::to_string(line) + ": KEY "));
  CHECK(contains(*fault, said));
  CHECK(contains(*fault, "; "));
}

void check_fine(const std::string& text, const std::vector<EnvLoader>& loaders) {
  INFO(text);
  for (const EnvLoader loader : loaders) {
    INFO(to_string(loader));
    CHECK(fault_of(text, loader).value_or("") == "");
  }
}

const std::vector<EnvLoader> kAllLoaders{EnvLoader::any, EnvLoader::systemd, EnvLoader::docker,
                                         EnvLoader::shell, EnvLoader::dotenv};

}  // namespace

TEST_CASE("the loaders have the names of the configuration") {
  for (const EnvLoader loader : kAllLoaders) CHECK(env_loader_named(to_string(loader)) == loader);
  CHECK(env_loader_named("Docker") == std::nullopt);
  CHECK(env_loader_named("") == std::nullopt);
}

TEST_CASE("a plain assignment is the same for everybody, wherever it stands") {
  check_fine("KEY=10\n", kAllLoaders);
  check_fine("KEY=10", kAllLoaders);
  check_fine("\n\n# note, it's \"open\n  # KEY=60\nKEY=a/b:c,d+e-f.g_h\n\n", kAllLoaders);
  check_fine("A='x y' # z\nKEY=10\nB=\"hello ${USER}\"\n", {EnvLoader::systemd, EnvLoader::shell});
  check_fine("OTHER=1\n", kAllLoaders);
  check_fine("", kAllLoaders);
}

TEST_CASE("a comment behind the value is part of it for systemd and docker") {
  check_fault("A=1\nKEY=10 # share\n", EnvLoader::any, 2, "systemd and docker read '10 # share'");
  check_fault("KEY=10\t# share\n", EnvLoader::systemd, 1, "systemd reads '10");
  check_fault("KEY='10'  # x\n", EnvLoader::docker, 1, "docker reads ''10'  # x'");
  check_fine("KEY=10 # share\n", {EnvLoader::shell, EnvLoader::dotenv});
  check_fault("KEY=10#x\n", EnvLoader::any, 1, "dotenv (node) and dotenv (ruby) read '10'");
}

TEST_CASE("export is no word of systemd and docker") {
  check_fault("export KEY=10\n", EnvLoader::systemd, 1, "systemd reads no such key");
  check_fault("A=1\nexport KEY=10\n", EnvLoader::docker, 2, "docker reads nothing of this file");
  check_fine("export KEY=10\n", {EnvLoader::shell, EnvLoader::dotenv});
  check_fine("export\tKEY=10\n", {EnvLoader::shell, EnvLoader::dotenv});
}

TEST_CASE("quotes are part of the value for docker") {
  check_fault("KEY=\"10\"\n", EnvLoader::docker, 1, "docker reads '\"10\"'");
  check_fault("KEY=\"10\"\n", EnvLoader::any, 1, "docker");
  check_fine("KEY=\"10\"\n", {EnvLoader::systemd, EnvLoader::shell, EnvLoader::dotenv});
  check_fine("KEY='10'\n", {EnvLoader::systemd, EnvLoader::shell, EnvLoader::dotenv});
  check_fault("KEY=10 \n", EnvLoader::docker, 1, "docker reads '10 '");
}

TEST_CASE("a lone carriage return or a line separator ends a line for some") {
  check_fault("KEY=10\n# old\rKEY=60\n", EnvLoader::dotenv, 2, "read '60'");
  check_fault("KEY=10\n# old\rKEY=60\n", EnvLoader::systemd, 2, "systemd reads '60'");
  check_fine("KEY=10\n# old\rKEY=60\n", {EnvLoader::docker, EnvLoader::shell});
  check_fault("KEY=10\n# x" + kLineSeparator + "KEY=60\n", EnvLoader::any, 2,
              "dotenv (node) reads '60'");
  check_fine("KEY=10\n# x" + kLineSeparator + "KEY=60\n", {EnvLoader::systemd, EnvLoader::docker});
  check_fault("KEY=10\r\nA=1\r\n", EnvLoader::shell, 1, "shell reads '10");
  check_fine("KEY=10\r\nA=1\r\n", {EnvLoader::systemd, EnvLoader::docker, EnvLoader::dotenv});
}

TEST_CASE("a value over several lines may hold the key, or swallow it") {
  check_fault("NOTE=`first\nKEY=10\nX=last`\n", EnvLoader::any, 1, "shell reads nothing");
  check_fault("NOTE=`first\nKEY=10\nX=last`\n", EnvLoader::dotenv, 2,
              "dotenv (node) reads no such key");
  check_fault("NOTE='first\nKEY=10\n'\n", EnvLoader::docker, 2, "docker reads '10'");
  check_fine("NOTE='first\nKEY=10\n'\n", {EnvLoader::systemd, EnvLoader::shell});
  check_fault("A='x\\'\nKEY=10\nB='y'\n", EnvLoader::dotenv, 2, "no such key");
  check_fault("A=\"x\nKEY=10\n", EnvLoader::systemd, 2, "systemd reads no such key");
  check_fault("A=$(\nKEY=10\n", EnvLoader::shell, 1, "shell reads nothing");
  check_fault("A=(\nKEY=10\n", EnvLoader::any, 1, "shell reads nothing");
}

TEST_CASE("a second assignment in a foreign line counts") {
  check_fault("KEY=10\nexport A=1 KEY=60\n", EnvLoader::shell, 2, "shell reads '60'");
  check_fault("KEY=10\nA=1; KEY=60\n", EnvLoader::shell, 2, "shell reads '60'");
  check_fault("KEY=10\nKEY: 60\n", EnvLoader::dotenv, 2, "read '60'");
  check_fault("KEY=10\n: ${KEY:=60}\n", EnvLoader::shell, 2, "shell reads nothing");
  check_fault("KEY=10\nA=1 && KEY=60\n", EnvLoader::shell, 2, "hangs on more than this file");
  check_fine("KEY=10\nA=1; KEY=60\n", {EnvLoader::systemd, EnvLoader::docker, EnvLoader::dotenv});
  check_fault("KEY=10\nKEY=60\n", EnvLoader::systemd, 2, "systemd reads '60'");
}

TEST_CASE("what dagloop refuses for itself is refused with what the loader would see") {
  check_fault("KEY=10 20\n", EnvLoader::any, 1, "systemd, docker");
  check_fault("KEY=\"10\\\"\"\n", EnvLoader::dotenv, 1, "dotenv");
  check_fault("KEY = 10\n", EnvLoader::shell, 1, "shell reads no such key");
}

TEST_CASE("foreign lines that cannot change what the key means are left alone") {
  check_fine("spring.datasource.url=jdbc:x\nMY-KEY=1\nKEY=10\n",
             {EnvLoader::any, EnvLoader::systemd, EnvLoader::docker, EnvLoader::shell});
  check_fine("a.b=1\nKEY=10\n", {EnvLoader::dotenv});
  check_fine("export PATH\nKEY=10\n", {EnvLoader::systemd, EnvLoader::shell});
  for (const EnvLoader loader : {EnvLoader::any, EnvLoader::docker}) {
    check_fault("export PATH\nKEY=10\n", loader, 1, "docker reads nothing of this file");
  }
  check_fault("export PATH\nKEY=10\n", EnvLoader::dotenv, 1, "dotenv (ruby)");
  check_fine("; note\nPATH\n[x]\nKEY=10\n", {EnvLoader::systemd});
  check_fine("PATH\nKEY=10\n", {EnvLoader::shell, EnvLoader::docker, EnvLoader::systemd});
  check_fine("A=it's\nKEY=10\n", {EnvLoader::docker, EnvLoader::systemd});
  check_fine("A='caf\xE9'\nKEY=10\n", {EnvLoader::shell});
  check_fault("A='caf\xE9'\nKEY=10\n", EnvLoader::systemd, 1, "no UTF-8");
  check_fine("A=http://x/?a=1&b=2\nA=$(date)\nB=`date`\nC=$X\nKEY=10\n", {EnvLoader::shell});
}

TEST_CASE("a message shows no secret and commands no terminal") {
  const auto fault = fault_of("KEY=10 # password: hunter2-Secret\x1b[2J\n", EnvLoader::systemd);
  REQUIRE(fault.has_value());
  CHECK_FALSE(contains(*fault, "hunter2"));
  CHECK_FALSE(contains(*fault, "\x1b"));
}

TEST_CASE("what everybody makes of a key is told with its line, agreed or not") {
  const EnvFile env = EnvFile::parse("A=1\nKEY=10 # x\n", "service.env");
  const auto views = explain_env(env, EnvLoader::shell, {"A", "KEY", "MISSING"});
  REQUIRE(views.size() == 3);
  for (const KeyView& view : views) REQUIRE(view.readers.size() == kEnvReaders.size());
  CHECK(views[0].value == "1");
  CHECK(views[0].line == 1);
  CHECK(std::all_of(views[0].readers.begin(), views[0].readers.end(),
                    [](const ReaderView& each) { return each.agrees && each.line == 1; }));
  const ReaderView& systemd = views[1].readers[0];
  CHECK(systemd.reader == EnvReader::systemd);
  CHECK(systemd.value == "10 # x");
  CHECK_FALSE(systemd.agrees);
  CHECK_FALSE(systemd.is_asked);
  CHECK(views[1].readers[2].agrees);
  CHECK(views[1].readers[2].is_asked);
  CHECK(views[2].line == 0);
  CHECK(views[2].readers[0].sees == ReaderView::Sees::nothing);
  CHECK(views[2].readers[0].agrees);
}

namespace {

/// Makes env files of all kinds, with OURS_0 and OURS_1 in them more often than not.
std::string made_file(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces{"OURS_0=10\n",
                                                "OURS_1=fast\n",
                                                "OURS_0='10'\n",
                                                "OURS_1=\"fast\" # x\n",
                                                "export OURS_0=10\n",
                                                "OURS_1=fast",
                                                "A=1\n",
                                                "A='x y'\n",
                                                "B=\"${X}\"\n",
                                                "# note, it's open\n",
                                                "\n",
                                                "C=it's\n",
                                                "D=\"1\nOURS_0=60\n\"\n",
                                                "E=`x\nOURS_1=60\n`\n",
                                                "a.b=1\n",
                                                "A-B=1\n",
                                                "export A\n",
                                                "F=1; G=2\n",
                                                "OURS_0=10\r\n",
                                                "# x\rOURS_0=60\n",
                                                "\\\n",
                                                "H=1\\\n",
                                                "; note\n",
                                                "I=$(date)\n",
                                                "J=a&b\n",
                                                "K=1 OURS_1=60\n",
                                                "OURS_0: 60\n",
                                                "'\n",
                                                "\"",
                                                "OURS_1=fast\n",
                                                "OURS_0=10\n"};
  std::string text;
  const auto count = std::uniform_int_distribution<int>(1, 9)(random);
  for (int i = 0; i < count; ++i) {
    text += kPieces[std::uniform_int_distribution<std::size_t>(0, kPieces.size() - 1)(random)];
  }
  return text;
}

std::map<std::string, std::string> values_seen(EnvReader reader, const std::string& text) {
  std::map<std::string, std::string> values;
  const EnvReading reading = read_env(reader, text);
  if (reading.stop) return {{"", "stops"}};
  for (const EnvSight& sight : reading.seen) {
    values[sight.key] = sight.certainty == EnvCertainty::unset ? "" : "=" + sight.value;
  }
  return values;
}

}  // namespace

TEST_CASE("after a patch the named loaders read the new values, and all else as before") {
  std::mt19937_64 random(19);
  std::map<EnvLoader, int> patched;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = made_file(random);
    const EnvFile env = EnvFile::parse(text, "e");
    for (const EnvLoader loader : kAllLoaders) {
      if (loader_fault(env, loader, {"OURS_0", "OURS_1"})) continue;
      Patch patch;
      if (env.value("OURS_0") == "10") patch["OURS_0"] = {"10", "30"};
      if (env.value("OURS_1") == "fast") patch["OURS_1"] = {"fast", "a/b:c,d+e-f.g_h"};
      if (patch.empty()) continue;
      INFO(to_string(loader) << "\n" << text);
      const EnvFile after = EnvFile::parse(env.patched(patch), "e");
      REQUIRE_NOTHROW(check_patch_seen(env, after, loader, patch));
      REQUIRE_FALSE(loader_fault(after, loader, {"OURS_0", "OURS_1"}));
      ++patched[loader];
      for (const KeyView& view : explain_env(env, loader, {"OURS_0"})) {
        for (const ReaderView& reader : view.readers) {
          if (!reader.is_asked) continue;
          auto expected = values_seen(reader.reader, text);
          for (const auto& [key, change] : patch) expected[key] = "=" + change.after;
          REQUIRE(values_seen(reader.reader, after.text()) == expected);
        }
      }
    }
  }
  for (const EnvLoader loader : kAllLoaders) CHECK(patched[loader] > 500);
}

TEST_CASE("a patch that a loader would not see is refused") {
  const EnvFile before = EnvFile::parse("KEY=10\nA=1\n", "e");
  const Patch patch{{"KEY", {"10", "30"}}};
  for (const std::string after : {"KEY=30 # x\nA=1\n", "KEY=30\nA=2\n", "KEY=30\n", "KEY=10\nA=1\n",
                                  "KEY=30\nA=1\nB=1\n", "KEY=30\nA=1\n'"}) {
    INFO(after);
    CHECK(thrown_by([&] {
            check_patch_seen(before, EnvFile::parse(after, "e"), EnvLoader::any, patch);
          }).has_value());
  }
  CHECK_NOTHROW(
      check_patch_seen(before, EnvFile::parse("KEY=30\nA=1\n", "e"), EnvLoader::any, patch));
}

TEST_CASE("a mebibyte of anything is read by every twin in a moment") {
  for (const std::string unit :
       {"A=1\n", "export A\n", "A='\n", "A=\"\n",       "A=`\n", "'",    "\"",
        "`",     "`a`",        "\\'",   "${a:-",        "${a}",  "$(a)", "\n",
        "\r",    " ",          "#",     "A=1\r",        "=",     ":",    "\\\n",
        "A=\\'", "export ",    "A: ",   "\xE2\x80\xA8", "A=1;",  "A=1&", "\xFF"}) {
    std::string text;
    while (text.size() < (1U << 20U)) text += unit;
    text += "\nKEY=10\n";
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(fault_of(text, EnvLoader::any));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CAPTURE(unit, took.count());
    CHECK(took < std::chrono::seconds(60));  // not with the square of its length
  }
}
