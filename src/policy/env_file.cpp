#include "dagloop/policy/env_file.hpp"

#include <algorithm>
#include <cctype>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

// Far below what the kernel takes for one string of the environment (128 KiB), far above any key.
constexpr std::size_t kMaxValueLength = 4096;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_key_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Characters that no shell, systemd or Compose reader takes for anything but themselves. What is
// written must mean the same to all of them.
bool is_value_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_.,:/+-").find(c) != std::string_view::npos;
}

bool can_be_written(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), is_value_char);
}

bool has_any(std::string_view text, std::string_view chars) {
  return text.find_first_of(chars) != std::string_view::npos;
}

// Such a value would command the terminal that a diff of it is shown on. U+0080 to U+009F, in UTF-8
// behind a C2, do so too.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
    if ((byte & 0xE0U) == 0x80 && i > 0 && text[i - 1] == '\xC2') return true;
  }
  return false;
}

// Where a value stands, and whether its meaning is plain.
struct Value {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_ambiguous = false;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  std::size_t line() const { return line_; }

  // Reads a line up to its value; returns its key, empty for a line without an assignment.
  std::string read_key() {
    skip_blanks();
    if (at_line_end() || peek() == '#') {
      next_line();
      return "";
    }
    if (text_.substr(at_).starts_with("export") && at_ + 6 < text_.size() &&
        is_blank(text_[at_ + 6])) {
      at_ += 6;
      skip_blanks();
    }
    const std::size_t begin = at_;
    while (!at_end() && is_key_char(peek())) ++at_;
    std::string key(text_.substr(begin, at_ - begin));
    const std::size_t key_end = at_;
    skip_blanks();
    if (key.empty() || at_end() || peek() != '=') {
      next_line();
      return "";
    }
    spaced_ = at_ != key_end;
    ++at_;
    return key;
  }

  Value read_value() {
    Value value;
    if (!at_end() && is_blank(peek())) spaced_ = true;
    skip_blanks();
    value.is_ambiguous = spaced_ || continued_;
    if (!at_end() && (peek() == '"' || peek() == '\'')) {
      read_quoted(value);
    } else {
      read_plain(value);
    }
    next_line();
    return value;
  }

 private:
  char peek() const { return text_[at_]; }
  bool at_line_end() const { return at_end() || peek() == '\n' || (peek() == '\r' && ends_line()); }
  bool ends_line() const { return at_ + 1 >= text_.size() || text_[at_ + 1] == '\n'; }
  bool at_comment() const { return !at_end() && peek() == '#' && is_blank(text_[at_ - 1]); }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) ++at_;
  }

  void next_line() {
    while (!at_end() && peek() != '\n') ++at_;
    // Some readers join such a line with the next one, comments included.
    std::string_view read = text_.substr(0, at_);
    if (read.ends_with('\r')) read.remove_suffix(1);
    continued_ = read.ends_with('\\');
    if (!at_end()) ++at_;
    ++line_;
  }

  void read_quoted(Value& value) {
    const char quote = peek();
    const std::size_t open = at_;
    value.begin = ++at_;
    while (!at_end() && peek() != quote) {
      if (quote == '"' && peek() == '\\') ++at_;
      ++at_;
    }
    if (at_end()) {
      // Some readers take it for a character, others for a value up to the end of the file.
      at_ = open;
      read_plain(value);
      return;
    }
    value.end = at_++;
    const std::string_view content = text_.substr(value.begin, value.end - value.begin);
    const auto lines = std::count(content.begin(), content.end(), '\n');
    // Inside double quotes a shell expands these, and other readers do not.
    if (has_control(content) || (quote == '"' && has_any(content, "$`\\"))) {
      value.is_ambiguous = true;
    }
    line_ += static_cast<std::size_t>(lines);
    skip_blanks();
    if (at_line_end() || at_comment()) return;
    value.is_ambiguous = true;  // concatenated pieces
    static_cast<void>(read_rest());
  }

  void read_plain(Value& value) {
    value.begin = at_;
    if (!read_rest()) value.is_ambiguous = true;
    value.end = at_;
    while (value.end > value.begin && is_blank(text_[value.end - 1])) --value.end;
    const std::string_view content = text_.substr(value.begin, value.end - value.begin);
    if (has_control(content) || has_any(content, "$`\\\"' \t;&|<>()")) value.is_ambiguous = true;
  }

  // Reads on to the comment or the line's end; returns whether no quote is open there. A shell
  // takes an open one on to the next lines, other readers do not.
  bool read_rest() {
    char open = '\0';
    for (; !at_line_end() && (open != '\0' || !at_comment()); ++at_) {
      const char c = peek();
      if (c == '\\' && open != '\'') {
        ++at_;
        if (at_line_end()) break;
      } else if (c == open) {
        open = '\0';
      } else if (open == '\0' && (c == '"' || c == '\'')) {
        open = c;
      }
    }
    return open == '\0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool spaced_ = false;     // blanks around the '='
  bool continued_ = false;  // the line before ends in a backslash
};

}  // namespace

EnvFile EnvFile::parse(std::string text, std::string_view where) {
  EnvFile file;
  file.text_ = std::move(text);
  file.where_ = std::string(where);
  Parser parser(file.text_);
  if (const std::size_t nul = file.text_.find('\0'); nul != std::string::npos) {
    const auto line = 1 + std::count(file.text_.begin(),
                                     file.text_.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    throw Error(ErrorKind::config, file.where_ + ":" + std::to_string(line), "holds a NUL byte",
                "this is no env file: restore it");
  }
  while (!parser.at_end()) {
    const std::size_t line = parser.line();
    std::string key = parser.read_key();
    if (key.empty()) continue;
    const Value value = parser.read_value();
    file.assignments_.push_back({std::move(key), line, value.begin, value.end, value.is_ambiguous});
  }
  return file;
}

std::optional<EnvFault> EnvFile::fault(std::string_view key) const {
  const EnvAssignment* found = nullptr;
  for (const EnvAssignment& each : assignments_) {
    if (each.key != key) continue;
    if (found != nullptr) {
      return EnvFault{each.line,
                      each.key + " stands twice, first in line " + std::to_string(found->line),
                      "remove one of the two lines"};
    }
    found = &each;
  }
  if (found == nullptr || !found->is_ambiguous) return std::nullopt;
  return EnvFault{found->line,
                  found->key +
                      " has a value that is not plain (interpolation, escapes, spaces, "
                      "several lines or pieces, control characters, or a backslash before it)",
                  "write it as " + found->key + "=VALUE"};
}

std::size_t EnvFile::line_of(std::string_view key) const {
  const auto found = std::find_if(assignments_.begin(), assignments_.end(),
                                  [&](const EnvAssignment& each) { return each.key == key; });
  return found == assignments_.end() ? 0 : found->line;
}

const EnvAssignment* EnvFile::find(std::string_view key) const {
  if (const auto refused = fault(key)) {
    throw Error(ErrorKind::config, where_ + ":" + std::to_string(refused->line), refused->what,
                refused->remedy);
  }
  const auto found = std::find_if(assignments_.begin(), assignments_.end(),
                                  [&](const EnvAssignment& each) { return each.key == key; });
  return found == assignments_.end() ? nullptr : &*found;
}

std::optional<std::string> EnvFile::value(std::string_view key) const {
  const EnvAssignment* found = find(key);
  if (found == nullptr) return std::nullopt;
  return text_.substr(found->begin, found->end - found->begin);
}

std::string EnvFile::patched(const Patch& patch) const {
  std::vector<std::pair<const EnvAssignment*, const std::string*>> places;
  for (const auto& [key, change] : patch) {
    const EnvAssignment* found = find(key);
    if (found == nullptr) {
      throw Error(ErrorKind::config, where_, key + " is not in the env file",
                  "add the line " + key + "=VALUE");
    }
    if (text_.substr(found->begin, found->end - found->begin) != change.before) {
      throw Error(ErrorKind::conflict, where_ + ":" + std::to_string(found->line),
                  key + " has another value than the change was made for", "decide again");
    }
    if (!can_be_written(change.before) || change.before.size() > kMaxValueLength) {
      throw Error(
          ErrorKind::config, where_ + ":" + std::to_string(found->line),
          "the present value of " + key +
              " is empty, too long or has characters that are never written, so no change of it "
              "could be undone",
          "write a value of letters, digits and _ . , : / + - by hand first");
    }
    if (!can_be_written(change.after)) {
      throw Error(ErrorKind::config, where_ + ":" + std::to_string(found->line),
                  "the new value of " + key + " has characters that are never written",
                  "only letters, digits and _ . , : / + - are");
    }
    if (change.after.size() > kMaxValueLength) {
      throw Error(ErrorKind::config, where_ + ":" + std::to_string(found->line),
                  "the new value of " + key + " is longer than " + std::to_string(kMaxValueLength) +
                      " characters",
                  "no process could be started with it: give a shorter one");
    }
    places.emplace_back(found, &change.after);
  }
  // From the end of the file to its start, so that the places in front stay where they were parsed.
  std::sort(places.begin(), places.end(),
            [](const auto& a, const auto& b) { return a.first->begin > b.first->begin; });
  std::string text = text_;
  for (const auto& [place, after] : places) {
    text.replace(place->begin, place->end - place->begin, *after);
  }
  // Reads what would be written. If parser and writer ever disagree, it stops here, before the
  // file.
  const EnvFile written = parse(text, where_);
  for (const auto& [key, change] : patch) DAGLOOP_ASSERT(written.value(key) == change.after);
  return text;
}

}  // namespace dagloop
