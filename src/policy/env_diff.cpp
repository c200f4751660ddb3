#include <algorithm>

#include "dagloop/policy/env_file.hpp"

namespace dagloop {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Returns the assignment up to the end of its value: a comment behind it may say anything.
std::string plain_assignment(std::string_view text, const EnvAssignment& assignment) {
  const std::size_t newline = text.rfind('\n', assignment.begin - 1);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  const char before = text[assignment.begin - 1];
  const std::size_t end = assignment.end + (before == '"' || before == '\'' ? 1 : 0);
  return std::string(text.substr(begin, end - begin));
}

// Returns what may be shown of each line. Whatever is no assignment may be part of a secret.
std::vector<std::string> shown_lines(std::string_view text,
                                     const std::vector<std::string>& shown_keys) {
  const EnvFile file = EnvFile::parse(std::string(text), "the env file");
  std::vector<std::string> shown(lines_of(text).size(), "***");
  for (const EnvAssignment& each : file.assignments()) {
    const bool ours = std::find(shown_keys.begin(), shown_keys.end(), each.key) != shown_keys.end();
    shown[each.line - 1] =
        ours && !each.is_ambiguous ? plain_assignment(text, each) : each.key + "=***";
  }
  return shown;
}

}  // namespace

std::string masked_diff(std::string_view before, std::string_view after,
                        const std::vector<std::string>& shown_keys) {
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  const auto old_shown = shown_lines(before, shown_keys);
  const auto new_shown = shown_lines(after, shown_keys);
  std::string diff;
  // Line by line is enough: a patch replaces values in place and never adds or removes a line.
  for (std::size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const bool has_old = i < old_lines.size();
    const bool has_new = i < new_lines.size();
    if (has_old && has_new && old_lines[i] == new_lines[i]) continue;
    diff += "@@ line " + std::to_string(i + 1) + " @@\n";
    if (has_old) diff += "-" + old_shown[i] + "\n";
    if (has_new) diff += "+" + new_shown[i] + "\n";
  }
  return diff;
}

}  // namespace dagloop
