// The quick reader of flat lines against nlohmann/json, on lines that are almost what it expects:
// whatever it accepts must be valid JSON, and every value the one that the slow parser gives.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dagloop/record/record_reader.hpp"
#include "fault_every.hpp"
#include "record/flat_reader.hpp"
#include "rollout_generator.hpp"
#include "slow_line.hpp"

namespace dagloop::test {
namespace {

using fuzz::all_columns;
using fuzz::kernels;
using fuzz::same;
using fuzz::Slow;

const std::vector<std::string> kTexts{"",
                                      "a",
                                      "run-1",
                                      "0123456789abcdef",
                                      "exactly sixteen!",
                                      "\\n",
                                      "\\u0041",
                                      "\\\"",
                                      "\xed\x95\x9c",
                                      "\xc3\xa9",
                                      "\x7f",
                                      "a\tb",
                                      "\xff",
                                      "{}",
                                      "a,b:c",
                                      "\\u12",
                                      "\\x",
                                      "2026-02-25T00:00:00.123Z",
                                      "thirty-two bytes of plain text!!",
                                      "\\ud83d\\ude00",
                                      "\\ud83d",
                                      "/",
                                      "\\/"};
const std::vector<std::string> kScalars{"0",
                                        "-0",
                                        "1",
                                        "12",
                                        "007",
                                        "1.5",
                                        "0.1",
                                        "123456789012345",
                                        "1234567890123456",
                                        "0.30000000000000004",
                                        "1.",
                                        ".5",
                                        "1e3",
                                        "1E-2",
                                        "-3.25",
                                        "9007199254740993",
                                        "18446744073709551616",
                                        "1e999",
                                        "true",
                                        "false",
                                        "null",
                                        "tru",
                                        "nul",
                                        "truee",
                                        "[]",
                                        "{\"a\":1}",
                                        "NaN",
                                        "+1",
                                        "0x1",
                                        "00",
                                        "12345678.1234567",
                                        "123456789012.345",
                                        "99999.99999999999",
                                        "1.000000000000000"};
const std::vector<std::string> kSpaces{"", "", "", "", "", " ", "  ", "\t", "\r", "\n", "\v"};

// Lines of one writer: mostly the same keys in the same order.
class LineMaker {
 public:
  explicit LineMaker(std::uint64_t seed) : random_(seed) {
    for (const std::string_view name : contract_fields()) keys_.emplace_back(name);
    for (const char* other : {"detail", "x", "", "a_name_of_more_than_thirty_two_bytes_in_all",
                              "status ", "Status", "request_i", "request_idd"}) {
      keys_.emplace_back(other);
    }
    while (usual_.size() < 12) {  // each once, as writers do
      const std::string& key = keys_[below(keys_.size())];
      if (std::ranges::find(usual_, key) == usual_.end()) usual_.push_back(key);
    }
  }

  std::string next() {
    std::vector<std::string> keys = usual_;
    if (random_.chance(0.3)) keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(below(12)));
    if (random_.chance(0.3)) std::swap(keys[below(keys.size())], keys[below(keys.size())]);
    if (random_.chance(0.2)) keys.push_back(keys_[below(keys_.size())]);
    if (random_.chance(0.02)) keys.emplace_back(10, static_cast<char>('a' + below(26)));
    std::string line = space() + "{";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      line += (i == 0 ? "" : ",") + space() + "\"" + keys[i] + "\"" + space() + ":" + space() +
              value() + space();
    }
    line += "}" + space();
    if (random_.chance(0.3)) damage(line);
    return line;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }
  std::string space() { return random_.chance(0.01) ? kSpaces[below(kSpaces.size())] : ""; }

  std::string value() {
    const bool is_odd = random_.chance(0.02);
    if (random_.chance(0.5)) return "\"" + kTexts[below(is_odd ? kTexts.size() : 5)] + "\"";
    if (is_odd) return kScalars[below(kScalars.size())];
    return random_.chance(0.2) ? "true" : number();
  }

  std::string number() {
    const std::size_t shift = random_.chance(0.05) ? 11 : 40;  // many digits, or few
    std::string text = std::to_string(random_.next() >> (shift + below(64 - shift)));
    if (random_.chance(0.5)) text += "." + std::to_string(random_.next() >> (shift + below(24)));
    return text;
  }

  void damage(std::string& line) {
    const std::size_t at = below(line.size());
    switch (below(3)) {
      case 0:
        line.erase(at, 1 + below(3));
        return;
      case 1:
        line.insert(at, 1, "\"\\{}[],: 0e.\x01\x80"[below(14)]);
        return;
      default:
        line[at] = static_cast<char>(below(256));
    }
  }

  Random random_;
  std::vector<std::string> keys_;
  std::vector<std::string> usual_;
};

// What may stand behind a line in a buffer: anything, the rest of an earlier one too.
std::string padding(std::uint64_t seed, const std::string& before) {
  if (seed % 4 == 3) return before.substr(before.size() / 2) + std::string(kLinePadding, ' ');
  return std::string(kLinePadding, "\0\"\n"[seed % 4]);
}

// A line that the kernel's reader accepts must have the values of the slow parser.
struct Trial {
  Trial(const NameTable& columns, const char* detail_column, const LineKernel& kernel)
      : reader(columns, detail_column, raw, kernel), with_detail(*detail_column != '\0') {}

  void read(const std::string& line, const std::string& behind) {
    const std::string text = line + behind;
    const bool is_plain = std::ranges::all_of(
        line, [](char c) { return static_cast<signed char>(c) >= ' ' && c != '\\'; });
    raw.clear();
    RawValue detail;
    const bool is_read = reader.read({{text.data(), line.size()}, is_plain}, detail);
    ++(is_read ? accepted : refused);
    if (!is_read) return;
    INFO(line);
    const Slow slow = Slow::parse(line, nullptr, false);
    REQUIRE(slow.is_object());
    const auto& fields = contract_fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto field = static_cast<Field>(i);
      // Said by two names where there is a detail column.
      if (with_detail && field == Field::user_id) continue;
      REQUIRE(same(raw[field], slow.value(std::string(fields[i]), Slow())));
    }
    if (with_detail) REQUIRE(same(detail, slow.value("detail", Slow())));
  }

  RawFields raw;
  FlatReader reader;
  bool with_detail;
  std::size_t accepted = 0;
  std::size_t refused = 0;
};

}  // namespace

TEST_CASE("what the quick reader accepts is valid and has the values of a slow parser") {
  const NameTable plain = all_columns();
  NameTable doubled = all_columns();
  doubled.add("request_id", Field::user_id);  // a name may serve two fields
  for (const LineKernel* kernel : kernels()) {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (std::uint64_t seed = 0; seed < 200; seed += test::fault_every()) {
      Trial trial(seed % 2 == 0 ? plain : doubled, seed % 2 == 0 ? "" : "detail", *kernel);
      LineMaker maker(seed);
      std::string before = "{}";
      for (int n = 0; n < 500; ++n) {
        const std::string line = maker.next();
        trial.read(line, padding(seed, before));
        before = line;
      }
      accepted += trial.accepted;
      refused += trial.refused;
    }
    // Most lines are of the kind that it is made for, and many are not.
    CHECK(accepted > 30000 / test::fault_every());
    CHECK(refused > 10000 / test::fault_every());
  }
}

TEST_CASE("every kernel finds the ends of lines and what is plain in them") {
  Random random(7);
  for (int n = 0; n < 20000; ++n) {
    std::string text;
    for (std::uint64_t left = random.below(200); left > 0; --left) {
      text += random.chance(0.02) ? static_cast<char>(random.below(256)) : 'a';
    }
    const std::size_t newline = std::min(text.find('\n'), text.size());
    const bool is_plain = std::all_of(text.begin(), text.begin() + static_cast<long>(newline),
                                      [](char c) { return c >= ' ' && c != '\\'; });
    const std::string padded = text + std::string(kLinePadding, n % 2 == 0 ? '\n' : 'a');
    for (const LineKernel* kernel : kernels()) {
      const LineEnd end = kernel->find_end(padded.data(), padded.data() + text.size());
      INFO(text);
      REQUIRE(static_cast<std::size_t>(end.at - padded.data()) == newline);
      // Bytes behind the text may make its last line look odd, never an odd one look plain.
      if (end.is_plain || newline < text.size()) REQUIRE(end.is_plain == is_plain);
    }
  }
}

}  // namespace dagloop::test
