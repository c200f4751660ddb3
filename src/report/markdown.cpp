#include <cctype>
#include <string_view>

#include "dagloop/base/assert.hpp"
#include "dagloop/report/page.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Whether the character at `at` would be taken for markup where it stands. What cannot be ("<= 5
// %", "a & b", "p95_latency_ms") is left alone, so that the raw file reads well too.
bool is_markup(std::string_view text, std::size_t at) {
  const char before = at > 0 ? text[at - 1] : ' ';
  const char after = at + 1 < text.size() ? text[at + 1] : ' ';
  switch (text[at]) {
    case '<':  // a tag or a comment; none begins so
      return std::string_view(" =0123456789").find(after) == std::string_view::npos;
    case '&':  // an entity
      return is_word(after) || after == '#';
    case '_':  // emphasis, but never within a word
      return !is_word(before) || !is_word(after);
    case ':':  // a link
      return after == '/';
    case '.':  // a link
      return text.substr(0, at).ends_with("www");
    default:
      return std::string_view("\\|`*[]~").find(text[at]) != std::string_view::npos;
  }
}

// Text from logs must stay text: no markup, no cell or line of its own.
std::string markdown_escaped(std::string_view text) {
  std::string out;
  const std::string seen = seen_text(text);
  text = seen;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_markup(text, at)) out += '\\';
    out += text[at];
  }
  return out;
}

// A line of its own: neither must its first character open a block.
std::string escaped_line(std::string_view text) {
  const bool opens_block =
      !text.empty() && std::string_view(">#+-=").find(text[0]) != std::string_view::npos;
  return (opens_block ? "\\" : "") + markdown_escaped(text);
}

void append_row(std::string& out, const std::vector<std::string>& cells) {
  out += "|";
  for (const std::string& cell : cells) out += " " + markdown_escaped(cell) + " |";
  out += "\n";
}

struct MarkdownRenderer {
  std::string out;

  void operator()(const Heading& heading) {
    out += std::string(static_cast<std::size_t>(heading.level), '#') + " " +
           markdown_escaped(heading.text) + "\n\n";
  }
  void operator()(const Paragraph& paragraph) { out += escaped_line(paragraph.text) + "\n\n"; }
  void operator()(const BulletList& list) {
    for (const std::string& item : list.items) out += "- " + escaped_line(item) + "\n";
    out += "\n";
  }
  void operator()(const Table& table) {
    append_row(out, table.header);
    out += "|";
    for (std::size_t i = 0; i < table.header.size(); ++i) out += " --- |";
    out += "\n";
    for (const auto& row : table.rows) {
      DAGLOOP_ASSERT(row.size() == table.header.size());
      append_row(out, row);
    }
    out += "\n";
  }
};

}  // namespace

std::string render_markdown(const Page& page) {
  MarkdownRenderer renderer;
  for (const auto& part : page) std::visit(renderer, part);
  while (renderer.out.ends_with("\n\n")) renderer.out.pop_back();
  return std::move(renderer.out);
}

}  // namespace dagloop
