#include <cctype>
#include <string_view>

#include "dagloop/base/assert.hpp"
#include "dagloop/report/page.hpp"

namespace dagloop {
namespace {

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Text from logs must stay text: no markup, no cell or line of its own. What cannot be taken for
// markup ("<= 5 %", "a & b") stays as it is, so that the raw file reads well too.
std::string escaped(const std::string& text) {
  constexpr std::string_view kAlways = "\\|`*[]~";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const auto byte = static_cast<unsigned char>(c);
    const bool opens_tag = c == '<' && (is_name_char(next) || next == '/' || next == '?');
    const bool opens_entity = c == '&' && (is_name_char(next) || next == '#');
    const bool opens_block =
        i == 0 && (c == '>' || c == '#' || c == '+' || c == '-' || c == '=');
    if (byte < 0x20 || byte == 0x7f) {
      out += ' ';
      continue;
    }
    if (opens_tag || opens_entity || opens_block || kAlways.find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

void append_row(std::string& out, const std::vector<std::string>& cells) {
  out += "|";
  for (const std::string& cell : cells) out += " " + escaped(cell) + " |";
  out += "\n";
}

struct Renderer {
  std::string out;

  void operator()(const Heading& heading) {
    out += std::string(static_cast<std::size_t>(heading.level), '#') + " " +
           escaped(heading.text) + "\n\n";
  }
  void operator()(const Paragraph& paragraph) { out += escaped(paragraph.text) + "\n\n"; }
  void operator()(const BulletList& list) {
    for (const std::string& item : list.items) out += "- " + escaped(item) + "\n";
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
  Renderer renderer;
  for (const auto& part : page) std::visit(renderer, part);
  while (renderer.out.ends_with("\n\n")) renderer.out.pop_back();
  return std::move(renderer.out);
}

}  // namespace dagloop
