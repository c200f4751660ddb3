// Source: lib/dotenv/parser.rb of Ruby's dotenv 2.4 and of 3. Where the two differ, it is unsure.
#include <algorithm>
#include <functional>
#include <set>

#include "dagloop/base/ascii.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

bool is_ruby_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_ruby_key_char(char c) { return is_ascii_alphanumeric(c) || c == '_' || c == '.'; }

std::size_t skip_ruby_space(std::string_view line, std::size_t at) {
  while (at < line.size() && is_ruby_space(line[at])) ++at;
  return at;
}

std::string_view stripped(std::string_view value) {
  while (!value.empty() && is_ruby_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_ruby_space(value.back())) value.remove_suffix(1);
  return value;
}

// Expands \n and \r, and takes the backslash from whatever else it stands before but $.
std::string unescaped_by_ruby(std::string_view value) {
  std::string expanded;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char next = at + 1 < value.size() ? value[at + 1] : '\0';
    if (value[at] == '\\' && (next == 'n' || next == 'r')) {
      expanded += next == 'n' ? '\n' : '\r';
      ++at;
    } else {
      expanded += value[at];
    }
  }
  std::string plain;
  for (std::size_t at = 0; at < expanded.size(); ++at) {
    if (expanded[at] == '\\' && at + 1 < expanded.size() && expanded[at + 1] != '$') ++at;
    plain += expanded[at];
  }
  return plain;
}

// A value with a $ hangs on other variables, or on what a command prints.
EnvSight sight_of(std::string key, std::size_t line, std::string_view value) {
  value = stripped(value);
  const char quote = value.empty() ? '\0' : value.front();
  const bool is_quoted =
      value.size() > 1 && (quote == '"' || quote == '\'') && value.back() == quote;
  if (is_quoted) value = value.substr(1, value.size() - 2);
  EnvSight sight{std::move(key), line, std::string(value)};
  if (is_quoted && quote == '\'') return sight;
  if (value.find('$') != std::string_view::npos) sight.certainty = EnvCertainty::unsure;
  if (is_quoted) sight.value = unescaped_by_ruby(value);
  return sight;
}

// One line of edition 2.4: \A\s*(export\s+)?KEY(\s*=\s*|:\s+?)('.*'|".*"|[^#]+)?\s*(#.*)?\z
class OldLine {
 public:
  explicit OldLine(std::string_view line) : line_(line) {}

  // Sets `key` and `value`.
  bool matches() {
    const std::size_t begin = skip_ruby_space(line_, 0);
    if (line_.substr(begin).starts_with("export") &&
        skip_ruby_space(line_, begin + 6) > begin + 6 &&
        matches_at(skip_ruby_space(line_, begin + 6))) {
      return true;
    }
    return matches_at(begin);
  }

  std::string key;
  std::string_view value;

 private:
  bool matches_at(std::size_t begin) {
    std::size_t end = begin;
    while (end < line_.size() && is_ruby_key_char(line_[end])) ++end;
    if (end == begin) return false;
    key = std::string(line_.substr(begin, end - begin));
    const std::size_t separator = skip_ruby_space(line_, end);
    if (separator < line_.size() && line_[separator] == '=') {
      take_value(skip_ruby_space(line_, separator + 1));
      return true;
    }
    if (line_.substr(end).starts_with(':') && end + 1 < line_.size() &&
        is_ruby_space(line_[end + 1])) {
      take_value(end + 2);
      return true;
    }
    return false;
  }

  void take_value(std::size_t begin) {
    const char quote = begin < line_.size() ? line_[begin] : '\0';
    if (quote == '"' || quote == '\'') {
      for (std::size_t close = line_.size(); close-- > begin + 1;) {
        if (line_[close] != quote) continue;
        const std::size_t rest = skip_ruby_space(line_, close + 1);
        if (rest < line_.size() && line_[rest] != '#') continue;
        value = line_.substr(begin, close + 1 - begin);
        return;
      }
    }
    value = line_.substr(begin, line_.find('#', begin) - begin);
  }

  std::string_view line_;
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = skip_ruby_space(line, 0); at < line.size();) {
    std::size_t end = at;
    while (end < line.size() && !is_ruby_space(line[end])) ++end;
    words.push_back(line.substr(at, end - at));
    at = skip_ruby_space(line, end);
  }
  return words;
}

// Both editions refuse a file that exports what it does not set.
EnvStop unset_export(std::size_t line) {
  return {line, "it exports a variable that the file does not set"};
}

EnvReading read_as_old(std::string_view text) {
  EnvReading reading{EnvReader::ruby};
  std::set<std::string, std::less<>> set;
  std::size_t line_number = 1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\n\r"), text.size());
    OldLine line(text.substr(0, end));
    if (line.matches()) {
      reading.seen.push_back(sight_of(line.key, line_number, line.value));
      set.insert(line.key);
    } else if (const auto words = words_of(text.substr(0, end));
               !words.empty() && words.front() == "export") {
      const bool all_set = std::all_of(words.begin() + 1, words.end(), [&](std::string_view word) {
        return set.find(word) != set.end();
      });
      if (!all_set) {
        reading.stop = unset_export(line_number);
        return reading;
      }
    }
    if (end < text.size() && text[end] == '\n') ++line_number;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reading;
}

EnvReading read_as_new(std::string_view text) {
  EnvReading reading{EnvReader::ruby};
  std::set<std::string> set;
  const PlainLines lines = with_plain_line_ends(characters_of(text));
  for (MatchedLine& match : match_dotenv_lines(lines, LineDialect::ruby)) {
    if (match.is_exported && !match.value) {
      if (set.count(match.key) > 0) continue;
      reading.stop = unset_export(match.line);
      return reading;
    }
    const std::string value = match.value ? utf8_of(*match.value) : "";
    set.insert(match.key);
    reading.seen.push_back(sight_of(std::move(match.key), match.line, value));
  }
  return reading;
}

void mark_differences(EnvReading& reading, const EnvReading& other) {
  std::vector<EnvSight> unsure;
  const auto mine = last_sights(reading);
  const auto theirs = last_sights(other);
  for (const auto& [key, sight] : mine) {
    const auto there = theirs.find(key);
    const bool is_same = there != theirs.end() && there->second->value == sight->value &&
                         there->second->certainty == sight->certainty;
    if (!is_same) unsure.push_back(there == theirs.end() ? *sight : *there->second);
  }
  for (const auto& [key, sight] : theirs) {
    if (mine.find(key) == mine.end()) unsure.push_back(*sight);
  }
  for (EnvSight& sight : unsure) {
    sight.certainty = EnvCertainty::unsure;
    reading.seen.push_back(std::move(sight));
  }
}

}  // namespace

EnvReading read_as_ruby(std::string_view text) {
  EnvReading reading{EnvReader::ruby};
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const auto line = line_of_no_utf8(text)) {
    reading.stop = EnvStop{*line, "it holds bytes that are no UTF-8"};
    return reading;
  }
  reading = read_as_old(text);
  if (reading.stop) return reading;
  EnvReading newer = read_as_new(text);
  if (newer.stop) return newer;
  mark_differences(reading, newer);
  return reading;
}

}  // namespace dagloop
