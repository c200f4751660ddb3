#include <catch2/catch.hpp>
#include <sstream>

#include "dagloop/report/page.hpp"
#include "rollout_generator.hpp"

namespace dagloop {
namespace {

std::string cell(const std::string& text) {
  const std::string page = render_markdown({Table{{"h"}, {{text}}}});
  const std::string before = "| h |\n| --- |\n| ";
  REQUIRE(page.starts_with(before));
  REQUIRE(page.ends_with(" |\n"));
  return page.substr(before.size(), page.size() - before.size() - 3);
}

std::string item(const std::string& text) { return render_markdown({BulletList{{text}}}); }

// What a reader of Markdown takes `text` for: escapes undone.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// Text of the characters that mean something in Markdown or HTML, and a few that do not.
std::string random_nasty(test::Random& random) {
  constexpr std::string_view kAlphabet = "\\|`*_[]()<>!&#;:/~-+=.\"'\n\r\t ax1w\x7f";
  std::string text;
  for (std::uint64_t i = random.below(24); i > 0; --i) {
    text += kAlphabet[random.below(kAlphabet.size())];
  }
  return text;
}

}  // namespace

TEST_CASE("every part of a page is rendered in Markdown and in HTML") {
  const Page page{Heading{1, "t"}, Paragraph{"p"}, BulletList{{"i", "j"}}, Heading{2, "u"},
                  Table{{"h", "k"}, {{"c", "d"}}}};
  CHECK(render_markdown(page) ==
        "# t\n\np\n\n- i\n- j\n\n## u\n\n| h | k |\n| --- | --- |\n| c | d |\n");
  const std::string html = render_html(page);
  for (const char* part : {"<title>t</title>", "<h1>t</h1>", "<p>p</p>", "<li>i</li>", "<li>j</li>",
                           "<h2>u</h2>", "<th>h</th>", "<td>c</td>", "<td>d</td>"}) {
    CHECK_THAT(html, Catch::Contains(part));
  }
  CHECK(html.starts_with("<!DOCTYPE html>"));
  CHECK(html.ends_with("</html>\n"));
}

TEST_CASE("an HTML page has no script, and its policy allows none and nothing from elsewhere") {
  const std::string html = render_html({Heading{1, "</title><script>alert(1)</script>"}});
  CHECK_THAT(html, !Catch::Contains("<script"));
  CHECK_THAT(html, !Catch::Contains("src=") && !Catch::Contains("href="));
  CHECK_THAT(html, Catch::Contains("Content-Security-Policy\" content=\"default-src 'none'"));
  CHECK(count_of(html, "</title>") == 1);
}

TEST_CASE("a cell cannot become two, end its line or open a block of its own") {
  CHECK(cell("a|b") == "a\\|b");
  CHECK(cell("a\\|b") == "a\\\\\\|b");
  CHECK(cell("a\nb\r\nc\td") == "a b  c d");
  CHECK(cell(std::string("a\0b\x7f", 4)) == "a b ");
}

TEST_CASE("markup in a cell stays text") {
  CHECK(cell("`code` *b* ~s~") == "\\`code\\` \\*b\\* \\~s\\~");
  CHECK(cell("[a](b) ![c](d)") == "\\[a\\](b) !\\[c\\](d)");
  CHECK(cell("<script>x</script>") == "\\<script>x\\</script>");
  CHECK(cell("<!-- <?php <![CDATA[") == "\\<!-- \\<?php \\<!\\[CDATA\\[");
  CHECK(cell("&lt; &#60;") == "\\&lt; \\&#60;");
  CHECK(cell("_a_ __b__") == "\\_a\\_ \\_\\_b\\_\\_");
  CHECK(cell("https://a.b www.a.b") == "https\\://a.b www\\.a.b");
}

TEST_CASE("what no reader takes for markup stays readable in the raw file") {
  for (const char* text : {"p95_latency_ms", "<= 5 %", "a < b", "<0.01 %", "a & b", "12:30", "n/1",
                           "3.5", ">= 90 %", "x#1", "a-b", "(n = 4)"}) {
    CHECK(cell(text) == text);
  }
}

TEST_CASE("a line cannot become a quotation, heading, list or rule") {
  CHECK(item("> q") == "- \\> q\n");
  CHECK(item("# h") == "- \\# h\n");
  CHECK(item("- l") == "- \\- l\n");
  CHECK(item("+ l") == "- \\+ l\n");
  CHECK(item("* l") == "- \\* l\n");
  CHECK(item("___") == "- \\_\\_\\_\n");
  CHECK(render_markdown({Paragraph{"=== x"}}) == "\\=== x\n");
  CHECK(render_markdown({Paragraph{""}, Paragraph{"x"}}) == "\n\nx\n");
}

TEST_CASE("any text in a cell reads back as that text, on one line and in one cell") {
  test::Random random(51);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_nasty(random);
    const std::string shown = cell(text);
    std::string expected = text;
    for (char& c : expected) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    CAPTURE(text, shown);
    REQUIRE(unescaped(shown) == expected);
    REQUIRE(shown.find('\n') == std::string::npos);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (shown[i] == '\\') {
        ++i;
      } else {
        REQUIRE(std::string_view("|`*[]~").find(shown[i]) == std::string_view::npos);
        const char after = i + 1 < shown.size() ? shown[i + 1] : ' ';
        if (shown[i] == '<') REQUIRE((after == ' ' || after == '=' || after == '1'));
      }
    }
  }
}

TEST_CASE("any text in an HTML page stays text in its element") {
  test::Random random(52);
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_nasty(random);
    const std::string html = render_html(
        {Heading{1, text}, Paragraph{text}, BulletList{{text}}, Table{{text}, {{text}}}});
    const std::string empty =
        render_html({Heading{1, ""}, Paragraph{""}, BulletList{{""}}, Table{{""}, {{""}}}});
    CAPTURE(text);
    REQUIRE(count_of(html, "<") == count_of(empty, "<"));
    REQUIRE(count_of(html, ">") == count_of(empty, ">"));
    REQUIRE(count_of(html, "\"") == count_of(empty, "\""));
  }
}

TEST_CASE("HTML escapes the characters that could leave an element or an attribute") {
  CHECK_THAT(render_html({Paragraph{"<b>&amp;\"'"}}),
             Catch::Contains("<p>&lt;b&gt;&amp;amp;&quot;&#39;</p>"));
}

}  // namespace dagloop
