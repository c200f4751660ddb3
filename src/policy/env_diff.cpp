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

// Shows a line only up to its key, unless the key is one of ours.
std::string shown(std::string_view line, const std::vector<std::string>& shown_keys) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return "***";
  std::string_view key = line.substr(0, equals);
  const std::size_t blank = key.find_last_of(" \t");
  if (blank != std::string_view::npos) key.remove_prefix(blank + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const bool ours = std::find(shown_keys.begin(), shown_keys.end(), key) != shown_keys.end();
  if (!ours) return std::string(key) + "=***";
  // A comment behind the value may say anything.
  const std::size_t comment = line.find(" #", equals);
  return std::string(line.substr(0, comment));
}

}  // namespace

std::string masked_diff(std::string_view before, std::string_view after,
                        const std::vector<std::string>& shown_keys) {
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  // A patch never adds or removes a line, so equal line numbers are the same line.
  std::string diff;
  for (std::size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const bool has_old = i < old_lines.size();
    const bool has_new = i < new_lines.size();
    if (has_old && has_new && old_lines[i] == new_lines[i]) continue;
    diff += "@@ line " + std::to_string(i + 1) + " @@\n";
    if (has_old) diff += "-" + shown(old_lines[i], shown_keys) + "\n";
    if (has_new) diff += "+" + shown(new_lines[i], shown_keys) + "\n";
  }
  return diff;
}

}  // namespace dagloop
