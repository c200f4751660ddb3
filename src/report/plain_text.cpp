#include <algorithm>
#include <string_view>

#include "dagloop/report/page.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

// The width in columns, as far as a terminal's are those of characters.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1U : 0U;
  return width;
}

struct TextRenderer {
  std::string out;

  void operator()(const Heading& heading) {
    out += (out.empty() ? "" : "\n") + seen_text(heading.text) + "\n\n";
  }
  void operator()(const Paragraph& paragraph) { out += seen_text(paragraph.text) + "\n\n"; }
  void operator()(const BulletList& list) {
    for (const std::string& item : list.items) out += "- " + seen_text(item) + "\n";
    out += "\n";
  }
  void operator()(const Table& table) {
    std::vector<std::vector<std::string>> rows{table.header};
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    std::vector<std::size_t> widths(table.header.size());
    for (auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] = seen_text(row[i]);
        widths[i] = std::max(widths[i], width_of(row[i]));
      }
    }
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
      }
      // No blanks at line ends: they would show in diffs of what is kept.
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    out += "\n";
  }
};

}  // namespace

std::string render_text(const Page& page) {
  TextRenderer renderer;
  for (const auto& part : page) std::visit(renderer, part);
  while (renderer.out.ends_with("\n\n")) renderer.out.pop_back();
  return std::move(renderer.out);
}

}  // namespace dagloop
