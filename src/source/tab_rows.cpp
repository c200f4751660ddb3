#include "source/tab_rows.hpp"

#include <algorithm>

namespace dagloop {
namespace {

std::string unescaped(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      text += field[i];
      continue;
    }
    const char c = field[++i];
    static constexpr std::string_view kEscapes = "bfrnt0";
    static constexpr std::string_view kMeant("\b\f\r\n\t\0", 6);
    const std::size_t at = kEscapes.find(c);
    text += at == std::string_view::npos ? c : kMeant[at];
  }
  return text;
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(unescaped(line.substr(0, tab)));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

}  // namespace

void for_each_row(std::string_view body, const std::function<void(std::string_view)>& take) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    take(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
}

std::vector<std::vector<std::string>> rows_of(std::string_view body) {
  std::vector<std::vector<std::string>> rows;
  for_each_row(body, [&](std::string_view row) { rows.push_back(fields_of(row)); });
  return rows;
}

}  // namespace dagloop
