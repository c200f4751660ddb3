#include <algorithm>

#include "dagloop/base/ascii.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

constexpr char32_t kByteOrderMark = 0xFEFF;
constexpr char32_t kLineSeparator = 0x2028;
constexpr char32_t kParagraphSeparator = 0x2029;

// Matches by hand what the expressions match by backtracking:
//   ^\s*(export\s+)?KEY(\s*=\s*?|:\s+?)(\s*'...'|\s*"..."|[^#\n]+)?\s*(#.*)?$
class LineMatcher {
 public:
  LineMatcher(const PlainLines& lines, LineDialect dialect)
      : text_(lines.text), lines_(lines.text, lines.lone), dialect_(dialect) {}

  std::vector<MatchedLine> run() {
    std::vector<MatchedLine> found;
    std::size_t at = 0;
    while (at < text_.size()) {
      if (!begins_line(at)) {
        ++at;
        continue;
      }
      const std::size_t begin = skip_space(at);
      auto match = match_line(begin);
      if (match) {
        at = end_;
        found.push_back(std::move(*match));
      } else {
        // From any line in between the same would be tried.
        at = begin + 1;
      }
    }
    return found;
  }

 private:
  bool is_node() const { return dialect_ == LineDialect::node; }

  bool ends_line(char32_t c) const {
    return c == U'\n' || (is_node() && (c == kLineSeparator || c == kParagraphSeparator));
  }
  bool begins_line(std::size_t at) const { return at == 0 || ends_line(text_[at - 1]); }

  bool is_space(std::size_t at) const {
    if (at >= text_.size()) return false;
    const char32_t c = text_[at];
    if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || c == U' ';
    return is_node() && c != 0x85 && (is_unicode_space(c) || c == kByteOrderMark);
  }
  std::size_t skip_space(std::size_t at) const {
    while (is_space(at)) ++at;
    return at;
  }

  bool is_key_char(std::size_t at) const {
    if (at >= text_.size() || text_[at] >= 0x80) return false;
    const char c = static_cast<char>(text_[at]);
    return is_ascii_alphanumeric(c) || c == '_' || c == '.' || (c == '-' && is_node());
  }

  std::optional<MatchedLine> match_line(std::size_t begin) {
    constexpr std::u32string_view kExport = U"export";
    if (text_.substr(begin).starts_with(kExport) && is_space(begin + kExport.size())) {
      if (auto match = match_key(skip_space(begin + kExport.size()))) {
        match->is_exported = true;
        return match;
      }
    }
    return match_key(begin);
  }

  std::optional<MatchedLine> match_key(std::size_t begin) {
    std::size_t end = begin;
    while (is_key_char(end)) ++end;
    if (end == begin) return std::nullopt;
    MatchedLine match{utf8_of(text_.substr(begin, end - begin)), lines_.line_at(begin)};
    const std::size_t separator = skip_space(end);
    if (separator < text_.size() && text_[separator] == U'=') {
      match.value = match_value(separator + 1);
      return match;
    }
    if (end < text_.size() && text_[end] == U':' && is_space(end + 1)) {
      match.value = match_value(end + 2);
      return match;
    }
    if (!is_node() && match_rest(end)) return match;
    return std::nullopt;
  }

  // Always matches: at worst what stands up to a # or the line's end.
  std::optional<std::u32string> match_value(std::size_t begin) {
    const std::u32string_view quotes = is_node() ? U"'\"`" : U"'\"";
    const std::size_t open = skip_space(begin);
    if (open < text_.size() && quotes.find(text_[open]) != std::u32string_view::npos) {
      for (const std::size_t close : closing_quotes(text_, open)) {
        if (match_rest(close + 1)) return std::u32string(text_.substr(begin, close + 1 - begin));
      }
    }
    const std::size_t end = std::min(text_.find_first_of(U"#\n", begin), text_.size());
    match_rest(end);
    if (end == begin) return std::nullopt;
    return std::u32string(text_.substr(begin, end - begin));
  }

  // Matches \s*(#.*)?$ and sets the end of the match.
  bool match_rest(std::size_t begin) {
    std::size_t at = skip_space(begin);
    if (at < text_.size() && text_[at] == U'#') {
      while (at < text_.size() && !ends_line(text_[at])) ++at;
      end_ = at;
      return true;
    }
    if (at < text_.size()) {
      while (at > begin && !ends_line(text_[at - 1])) --at;
      if (at == begin) return false;
      --at;
    }
    end_ = at;
    return true;
  }

  std::u32string_view text_;
  LineCounter lines_;
  LineDialect dialect_;
  std::size_t end_ = 0;  // of the last match
};

}  // namespace

std::vector<MatchedLine> match_dotenv_lines(const PlainLines& lines, LineDialect dialect) {
  return LineMatcher(lines, dialect).run();
}

}  // namespace dagloop
