// Env files: a patch changes the bytes of its value and nothing else, whatever the file holds.
#include <algorithm>
#include <map>
#include <optional>

#include "dagloop/policy/env_file.hpp"
#include "property.hpp"

namespace dagloop::fuzz {
namespace {

constexpr std::size_t kMaxPatched = 3;  // keys tried an input
constexpr std::size_t kTail = 5;        // of the input, as a new value
constexpr std::string_view kWritten =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,:/+-";

std::optional<std::string> plain_value(const EnvFile& file, const std::string& key) {
  std::optional<std::string> value;
  refused([&] { value = file.value(key); });
  return value;
}

bool may_be_written(const std::string& value) {
  return !value.empty() && value.find_first_not_of(kWritten) == std::string::npos;
}

std::string patched(const EnvFile& file, const std::string& key, const Change& change) {
  std::string text;
  const bool is_refused = refused([&] { text = file.patched({{key, change}}); });
  require(is_refused != (may_be_written(change.before) && may_be_written(change.after)),
          "a value is written if it is plain, and only then");
  return text;
}

// Both files have the same assignments but for the value of `place`.
void require_rest_same(const EnvFile& before, const EnvFile& after, std::size_t place) {
  require(before.assignments().size() == after.assignments().size(), "no assignment comes or goes");
  for (std::size_t i = 0; i < before.assignments().size(); ++i) {
    const EnvAssignment& old_one = before.assignments()[i];
    const EnvAssignment& new_one = after.assignments()[i];
    require(old_one.key == new_one.key && old_one.line == new_one.line, "keys and lines stay");
    require(old_one.is_ambiguous == new_one.is_ambiguous, "what is plain stays plain");
    if (i == place) continue;
    require(before.text().substr(old_one.begin, old_one.end - old_one.begin) ==
                after.text().substr(new_one.begin, new_one.end - new_one.begin),
            "other values stay");
  }
}

// A diff shows numbers of lines, and for keys that are not shown nothing else but their names.
void require_masked(const std::string& diff) {
  std::size_t at = 0;
  while (at < diff.size()) {
    const std::size_t end = diff.find('\n', at);
    require(end != std::string::npos, "every line of a diff ends");
    const std::string_view line = std::string_view(diff).substr(at, end - at);
    require(line.starts_with("@@ line ") || line.ends_with("***"), "what is not ours is masked");
    at = end + 1;
  }
}

void check_patch(const EnvFile& file, std::size_t place, const std::string& after) {
  const EnvAssignment& each = file.assignments()[place];
  const auto before = plain_value(file, each.key);
  if (!before) return;
  const std::string text = patched(file, each.key, {*before, after});
  if (text.empty()) return;
  require(text == file.text().substr(0, each.begin) + after + file.text().substr(each.end),
          "a patch changes its value's bytes alone");
  const EnvFile changed = EnvFile::parse(text, "the patched file");
  require(changed.value(each.key) == after, "the new value is read back");
  require_rest_same(file, changed, place);
  require(patched(changed, each.key, {after, *before}) == file.text(), "and back again");
  const std::string diff = masked_diff(file.text(), text, {each.key});
  require(diff.find(each.key + "=") != std::string::npos || after == *before, "a diff shows it");
  require_plain(diff);
  require_masked(masked_diff(file.text(), text, {}));
  require(refused([&] {
            static_cast<void>(file.patched({{each.key, {*before + "x", after}}}));
          }),
          "another value than the change was made for is a conflict");
}

void check(const std::string& text) {
  const EnvFile file = EnvFile::parse(text, "the env file");
  require(file.text() == text, "the text is kept");
  const std::size_t count = std::min(file.assignments().size(), kMaxPatched);
  for (std::size_t i = 0; i < count; ++i) check_patch(file, i, "7");
  if (count > 0) {
    check_patch(file, text.size() % count, text.substr(text.size() - std::min(text.size(), kTail)));
  }
  const std::size_t middle = text.size() / 2;
  refused([&] { require_masked(masked_diff(text, text.substr(0, middle), {})); });
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dagloop::fuzz::refused([&] { dagloop::fuzz::check(dagloop::fuzz::text_of(data, size)); });
  return 0;
}
