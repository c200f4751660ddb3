#include "base/sqlite_schema.hpp"

#include <algorithm>

namespace dagloop {
namespace {

constexpr std::size_t kNamed = 3;

std::string with_single_blanks(std::string_view sql) {
  std::string text;
  for (const char c : sql) {
    const bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_blank) text += c;
    if (is_blank && !text.empty() && text.back() != ' ') text += ' ';
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// "CREATE TABLE name (" and "CREATE UNIQUE INDEX name ON": the word before the third blank or so.
std::string name_in(const std::string& sql) {
  for (const std::string_view word : {"TABLE ", "INDEX "}) {
    const std::size_t at = sql.find(word);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + word.size();
    return sql.substr(begin, sql.find(' ', begin) - begin);
  }
  return sql;
}

}  // namespace

SchemaDifference compare_schema(const SqliteDatabase& database,
                                const std::vector<std::string_view>& expected) {
  std::vector<std::string> wanted;
  wanted.reserve(expected.size());
  for (const std::string_view sql : expected) wanted.push_back(with_single_blanks(sql));
  SchemaDifference difference;
  SqliteStatement row(database, "SELECT type, name, tbl_name, sql FROM sqlite_schema");
  while (row.step()) {
    const std::string sql = with_single_blanks(row.text(3));
    // It has no text of its own, and stands and falls with its table's.
    if (sql.empty() && row.text(0) == "index" && row.text(1).starts_with("sqlite_autoindex_")) {
      continue;
    }
    const auto found = std::find(wanted.begin(), wanted.end(), sql);
    if (found != wanted.end()) {
      wanted.erase(found);
    } else {
      const bool is_of_other = row.text(1) != row.text(2);
      difference.foreign.push_back(row.text(0) + " " + row.text(1) +
                                   (is_of_other ? " on " + row.text(2) : ""));
    }
  }
  for (const std::string& sql : wanted) difference.missing.push_back(name_in(sql));
  return difference;
}

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

}  // namespace dagloop
