#include "dagloop/base/assert.hpp"
#include "dagloop/report/page.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

// The policy forbids scripts and everything from elsewhere, should a fault in escaping let one in.
constexpr const char* kBeforeTitle = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>)html";

constexpr const char* kAfterTitle = R"html(</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ccc; }
td { font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #16181c; } th, td { border-color: #444; }
}
</style>
</head>
<body>
)html";

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char c : seen_text(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string title_of(const Page& page) {
  for (const auto& part : page) {
    if (const auto* heading = std::get_if<Heading>(&part)) return heading->text;
  }
  return "DAG quality";
}

struct HtmlRenderer {
  std::string out;

  void operator()(const Heading& heading) {
    const std::string tag = "h" + std::to_string(heading.level);
    out += "<" + tag + ">" + html_escaped(heading.text) + "</" + tag + ">\n";
  }
  void operator()(const Paragraph& paragraph) {
    out += "<p>" + html_escaped(paragraph.text) + "</p>\n";
  }
  void operator()(const BulletList& list) {
    out += "<ul>\n";
    for (const std::string& item : list.items) out += "<li>" + html_escaped(item) + "</li>\n";
    out += "</ul>\n";
  }
  void operator()(const Table& table) {
    out += "<table>\n<thead><tr>";
    for (const std::string& cell : table.header) out += "<th>" + html_escaped(cell) + "</th>";
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
      DAGLOOP_ASSERT(row.size() == table.header.size());
      out += "<tr>";
      for (const std::string& cell : row) out += "<td>" + html_escaped(cell) + "</td>";
      out += "</tr>\n";
    }
    out += "</tbody>\n</table>\n";
  }
};

}  // namespace

std::string render_html(const Page& page) {
  HtmlRenderer renderer{kBeforeTitle + html_escaped(title_of(page)) + kAfterTitle};
  for (const auto& part : page) std::visit(renderer, part);
  return renderer.out + "</body>\n</html>\n";
}

}  // namespace dagloop
