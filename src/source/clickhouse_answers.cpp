#include "source/clickhouse_answers.hpp"

#include <algorithm>
#include <charconv>

#include "dagloop/base/error.hpp"

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

}  // namespace

std::vector<std::string> clickhouse_fields(std::string_view line) {
  std::vector<std::string> fields;
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(unescaped(line.substr(0, tab)));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

void for_each_clickhouse_row(std::string_view body,
                             const std::function<void(std::string_view)>& take) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    take(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
  }
}

std::vector<std::vector<std::string>> clickhouse_rows(std::string_view body) {
  std::vector<std::vector<std::string>> rows;
  for_each_clickhouse_row(body,
                          [&](std::string_view row) { rows.push_back(clickhouse_fields(row)); });
  return rows;
}

std::int64_t clickhouse_integer(const std::string& digits) {
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error != std::errc{}) {
    throw Error(ErrorKind::source, "ClickHouse's answer", "\"" + digits + "\" is no whole number",
                "report it with the version of the server");
  }
  return value;
}

std::string clickhouse_remedy(const std::string& message) {
  const auto is = [&message](const char* code) {
    return message.find(std::string("Code: ") + code + ",") != std::string::npos ||
           message.find(std::string("Code: ") + code + ".") != std::string::npos;
  };
  if (is("192") || is("193") || is("194") || is("516")) {
    return "check user and password (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)";
  }
  if (is("497") || is("291")) return "grant this user SELECT on the tables";
  if (is("81")) return "check the database's name";
  if (is("159") || is("160")) return "raise input.statement_timeout, or take a shorter window";
  if (is("241")) return "raise max_memory_usage of this user, or take a shorter window";
  if (is("279") || is("210") || is("209") || is("32")) {
    return "a shard does not answer, so nothing is decided: start the shard, or repair the "
           "cluster's configuration";
  }
  return "see the server's log";
}

}  // namespace dagloop
