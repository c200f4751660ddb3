#include <catch2/catch.hpp>
#include <random>

#include "dagloop/policy/env_file.hpp"
#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

constexpr std::uint64_t kFiles = 2000;

/// An env file of which is known where our values stand: text[0] value[0] text[1] value[1] ...
/// text[n].
struct MadeFile {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  std::vector<std::string> text{""};

  std::string with(const std::vector<std::string>& our_values) const {
    std::string all = text.front();
    for (std::size_t i = 0; i < keys.size(); ++i) all += our_values[i] + text[i + 1];
    return all;
  }
};

/// Makes env files of all kinds from one seed. Whatever is not ours holds "s3cr3t".
class FileMaker {
 public:
  explicit FileMaker(std::uint64_t seed) : random_(seed) {}

  MadeFile make() {
    MadeFile file;
    const int pieces = number(0, 14);
    for (int i = 0; i < pieces; ++i) {
      const std::string end = one_of({"\n", "\n", "\r\n"});
      if (number(1, 3) == 1) {
        add_ours(file, end);
      } else {
        file.text.back() += foreign(end);
      }
    }
    if (number(1, 3) == 1) cut_last_newline(file.text.back());
    return file;
  }

  std::string value() {
    return one_of({"0", "10", "100", "0.25", "true", "3000", "fast", "a/b:c,d+e", "-1"});
  }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::string one_of(const std::vector<std::string>& choices) {
    return choices[static_cast<std::size_t>(number(0, static_cast<int>(choices.size()) - 1))];
  }

  void add_ours(MadeFile& file, const std::string& end) {
    const std::string key = "OURS_" + std::to_string(file.keys.size());
    const std::string quote = one_of({"", "", "\"", "'"});
    file.text.back() += one_of({"", "", " ", "\t"}) + one_of({"", "", "export ", "export \t"});
    file.text.back() += key + "=" + quote;
    file.keys.push_back(key);
    file.values.push_back(value());
    file.text.push_back(
        quote + one_of({"", "", "  ", " # s3cr3t", "\t# it's OURS_0=1 s3cr3t", " #"}) + end);
  }

  std::string foreign(const std::string& end) {
    return one_of({
               "",
               "  ",
               "\t",
               "# s3cr3t",
               "  # OURS_0=1 s3cr3t",
               "# it's \"s3cr3t",
               "#",
               "TOKEN=s3cr3t",
               "export TOKEN='s3cr3t OURS_1=5'",
               "URL=postgres://u:s3cr3t@h/db#x",
               "A=\"s3cr3t $HOME\" # s3cr3t",
               "A=`s3cr3t`",
               "B = s3cr3t",
               "B= 's3cr3t'",
               "C=s3cr3t\\n",
               "C=s3cr3t\"'\"",
               "C='s3cr3t'\"s3cr3t\"",
               "OURS=s3cr3t",
               "ours_0=s3cr3t",
               "CERT=\"-----\nOURS_0=1\ns3cr3t==\n# x\n\nOURS_1=s3cr3t\n-----\"",
               "CERT='-----\r\nOURS_0=1\r\ns3cr3t=\r\n' # s3cr3t",
               "D=\"\\\"\nOURS_2=s3cr3t\\\n\"",
           }) +
           end;
  }

  static void cut_last_newline(std::string& text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }

  std::mt19937_64 random_;
};

Patch patch_of(const MadeFile& file, const std::vector<std::string>& after) {
  Patch patch;
  for (std::size_t i = 0; i < file.keys.size(); ++i) {
    patch[file.keys[i]] = {file.values[i], after[i]};
  }
  return patch;
}

}  // namespace

TEST_CASE("in any env file a patch changes the characters of our values and no other byte") {
  std::size_t patched_keys = 0;
  for (std::uint64_t seed = 0; seed < kFiles; ++seed) {
    FileMaker maker(seed);
    const MadeFile file = maker.make();
    const std::string text = file.with(file.values);
    INFO(seed << "\n" << text);
    std::vector<std::string> after;
    for (std::size_t i = 0; i < file.keys.size(); ++i) after.push_back(maker.value());
    const EnvFile env = EnvFile::parse(text, "e");
    CHECK(env.text() == text);
    REQUIRE(env.patched(patch_of(file, after)) == file.with(after));
    patched_keys += file.keys.size();
  }
  CHECK(patched_keys > kFiles);
}

TEST_CASE("in any env file the values read are those that were written") {
  for (std::uint64_t seed = 0; seed < kFiles; ++seed) {
    const MadeFile file = FileMaker(seed).make();
    const std::string text = file.with(file.values);
    INFO(seed << "\n" << text);
    const EnvFile env = EnvFile::parse(text, "e");
    for (std::size_t i = 0; i < file.keys.size(); ++i) {
      REQUIRE(env.value(file.keys[i]) == file.values[i]);
    }
    REQUIRE(env.value("OURS_" + std::to_string(file.keys.size())) == std::nullopt);
  }
}

TEST_CASE("a patch and its reverse give back the same bytes, key by key or all at once") {
  for (std::uint64_t seed = 0; seed < kFiles; ++seed) {
    FileMaker maker(seed);
    const MadeFile file = maker.make();
    const std::string text = file.with(file.values);
    INFO(seed << "\n" << text);
    std::vector<std::string> after;
    for (std::size_t i = 0; i < file.keys.size(); ++i) after.push_back(maker.value());
    const Patch patch = patch_of(file, after);
    std::string stepwise = text;
    Patch reverse;
    for (const auto& [key, change] : patch) {
      stepwise = EnvFile::parse(stepwise, "e").patched({{key, change}});
      reverse[key] = {change.after, change.before};
    }
    REQUIRE(stepwise == file.with(after));
    REQUIRE(EnvFile::parse(stepwise, "e").patched(reverse) == text);
  }
}

TEST_CASE("a diff of any two env files shows our changed values and nothing of anybody else") {
  for (std::uint64_t seed = 0; seed < kFiles; ++seed) {
    FileMaker maker(seed);
    const MadeFile file = maker.make();
    std::vector<std::string> after(file.keys.size(), "77");
    const std::string before_text = file.with(file.values);
    const std::string patched = file.with(after);
    const std::string edited = FileMaker(seed + kFiles).make().with({std::vector<std::string>(14)});
    INFO(seed << "\n" << before_text << "\n----\n" << edited);
    const std::string ours = masked_diff(before_text, patched, file.keys);
    CHECK_FALSE(contains(ours, "s3cr3t"));
    CHECK_FALSE(contains(ours, "***"));
    for (const std::string& key : file.keys) CHECK(contains(ours, key + "="));
    CHECK_FALSE(contains(masked_diff(before_text, edited, file.keys), "s3cr3t"));
    CHECK_FALSE(contains(masked_diff(edited, before_text, {}), "77"));
  }
}

TEST_CASE("whatever bytes an env file has, it is read or refused, and refused without a value") {
  std::mt19937_64 random(1);
  const std::string alphabet = "AK=5 \t'\"\\#$\n\r;";
  std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
  std::size_t read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = "K=";
    for (int j = i % 12; j > 0; --j) text += alphabet[pick(random)];
    INFO(text);
    std::string changed;
    const auto thrown = thrown_by([&] {
      const EnvFile env = EnvFile::parse(text, "e");
      changed = env.patched({{"K", {env.value("K").value(), "7"}}});
    });
    if (thrown) {
      REQUIRE(thrown->kind == ErrorKind::config);
      continue;
    }
    ++read;
    REQUIRE(EnvFile::parse(changed, "e").value("K") == "7");
  }
  CHECK(read > 500);
}
