#include "dagloop/base/assert.hpp"
#include "dagloop/report/page.hpp"

namespace dagloop {
namespace {

// Text from logs must stay text: no markup, no cell or line of its own.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string("\\|`*[]~!").find(c) != std::string::npos) out += '\\';
      out += c;
    }
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
