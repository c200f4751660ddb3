// Source: pkg/kvfile of docker's command line 28.
#include <algorithm>

#include "base/utf8.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxLine =
    std::size_t{64} * 1024;  // of Go's bufio.Scanner, the line end with it

std::string_view without_leading_space(std::string_view line) {
  while (!line.empty()) {
    const std::size_t length = character_length(line);
    if (length == 0 || !is_unicode_space(characters_of(line.substr(0, length)).front())) break;
    line.remove_prefix(length);
  }
  return line;
}

// What is wrong with a line, for which the whole file is refused; empty where nothing is.
std::string fault_of_line(std::string_view line, std::string_view key) {
  if (line_of_no_utf8(line)) return "it holds bytes that are no UTF-8";
  if (key.empty()) return "no name stands before the =";
  if (key.find_first_of(" \t") != std::string_view::npos) return "its name holds a blank";
  return "";
}

}  // namespace

EnvReading read_as_docker(std::string_view text) {
  EnvReading reading{EnvReader::docker};
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() >= kMaxLine) {
      reading.stop = EnvStop{number, "it is longer than 64 KiB"};
      return reading;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const std::string_view whole = line;
    line = without_leading_space(line);
    const bool is_shown = !line.empty() && line.front() != '#';
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const std::string fault = is_shown                 ? fault_of_line(line, key)
                              : line_of_no_utf8(whole) ? "it holds bytes that are no UTF-8"
                                                       : "";
    if (!fault.empty()) {
      reading.stop = EnvStop{number, fault};
      return reading;
    }
    if (!is_shown) continue;
    // A bare name takes its value from whoever starts docker.
    if (equals == std::string_view::npos) {
      reading.seen.push_back({std::string(key), number, "", EnvCertainty::unsure});
    } else {
      reading.seen.push_back({std::string(key), number, std::string(line.substr(equals + 1))});
    }
  }
  return reading;
}

}  // namespace dagloop
