// What `.` of a POSIX shell and of bash make of a file alike. Whatever may do more than set a
// variable, or is read otherwise by one of them, stops the reading: nobody can tell from the text.
// Source: POSIX.1-2017, "Shell Command Language"; dash 0.5, bash 5.2.
#include <algorithm>
#include <array>

#include "dagloop/base/ascii.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

bool is_shell_blank(char c) { return c == ' ' || c == '\t'; }
bool is_operator(char c) { return std::string_view(";&|<>()").find(c) != std::string_view::npos; }

// Words that are more than the name of a program. `export` is looked at by itself.
bool does_more(std::string_view word) {
  constexpr std::array<std::string_view, 87> kWords{
      "!",       "{",       "}",        "[[",       "]]",      "if",        "then",     "else",
      "elif",    "fi",      "do",       "done",     "case",    "esac",      "while",    "until",
      "for",     "in",      "function", "select",   "time",    "coproc",    ".",        ":",
      "[",       "alias",   "bg",       "bind",     "break",   "builtin",   "caller",   "cd",
      "chdir",   "command", "compgen",  "complete", "compopt", "continue",  "declare",  "dirs",
      "disown",  "enable",  "eval",     "exec",     "exit",    "fc",        "fg",       "getopts",
      "hash",    "help",    "history",  "jobs",     "kill",    "let",       "local",    "logout",
      "mapfile", "popd",    "printf",   "pushd",    "read",    "readarray", "readonly", "return",
      "set",     "shift",   "shopt",    "source",   "suspend", "test",      "times",    "trap",
      "type",    "typeset", "ulimit",   "umask",    "unalias", "unset",     "wait",     "env",
      "echo",    "true",    "false",    "pwd",      "sh",      "bash",      "export"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

struct Word {
  std::string text;              // without quotes
  std::size_t plain_length = 0;  // of its beginning that is neither quoted nor expanded
  std::size_t line = 0;
  bool is_expanded = false;  // variables, commands, ~: it hangs on more than the text
  bool has_pattern = false;  // * ? [ { outside quotes: as a command it may be another one
};

class ShellReader {
 public:
  explicit ShellReader(std::string_view text) : text_(text) {}

  EnvReading read() {
    while (skip_to_command() && !reading_.stop) read_command();
    return std::move(reading_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void advance() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  void stop(std::string_view what) {
    if (!reading_.stop) reading_.stop = EnvStop{line_, std::string(what)};
    at_ = text_.size();
  }
  // A backslash before a line end joins the two lines.
  bool skip_joint() {
    if (peek() != '\\' || peek(1) != '\n') return false;
    advance();
    advance();
    return true;
  }
  void skip_blanks() {
    while (!at_end() && (is_shell_blank(peek()) || skip_joint())) {
      if (!at_end() && is_shell_blank(peek())) ++at_;
    }
  }

  bool skip_to_command() {
    while (true) {
      skip_blanks();
      if (at_end()) return false;
      if (peek() == '#') {
        while (!at_end() && peek() != '\n') ++at_;
      } else if (peek() == '\n') {
        advance();
      } else {
        return true;
      }
    }
  }

  void read_command() {
    std::vector<Word> words;
    while (!reading_.stop) {
      skip_blanks();
      if (at_end() || peek() == '\n' || is_operator(peek())) break;
      if (peek() == '#') {
        while (!at_end() && peek() != '\n') ++at_;
        break;
      }
      words.push_back(read_word());
    }
    const Effect effect = read_operator(words.empty());
    if (!reading_.stop) carry_out(words, effect);
  }

  // What becomes of a command's assignments: a pipe and the background have a process of their own,
  // and what stands behind && and || hangs on what was before.
  enum class Effect { here, nowhere, perhaps };

  Effect read_operator(bool is_empty) {
    const Effect begun = next_;
    next_ = Effect::here;
    if (at_end() || peek() == '\n') return begun;
    const char c = peek();
    const bool is_doubled = peek(1) == c;
    if (is_empty || c == '(' || c == ')' || c == '<' || c == '>' || (c == ';' && is_doubled)) {
      stop(std::string("it has a ") + c + " outside quotes, which is more than an assignment");
      return begun;
    }
    at_ += is_doubled ? 2 : 1;
    if (c == ';') return begun;
    if (is_doubled) {
      next_ = Effect::perhaps;
      return begun;
    }
    if (c == '|') next_ = Effect::nowhere;
    return Effect::nowhere;
  }

  Word read_word() {
    Word word;
    word.line = line_;
    bool is_plain = true;
    while (!at_end() && !reading_.stop) {
      if (skip_joint()) {
        is_plain = false;
        continue;
      }
      const char c = peek();
      if (is_shell_blank(c) || c == '\n' || is_operator(c)) break;
      if (c == '\'' || c == '"' || c == '\\' || c == '$' || c == '`') {
        is_plain = false;
        read_special(word);
        continue;
      }
      if (c == '~') word.is_expanded = true;
      if (c == '*' || c == '?' || c == '[' || c == '{') word.has_pattern = true;
      word.text += c;
      if (is_plain) word.plain_length = word.text.size();
      ++at_;
    }
    return word;
  }

  void read_special(Word& word) {
    switch (peek()) {
      case '\'':
        read_single_quoted(word);
        return;
      case '"':
        read_double_quoted(word);
        return;
      case '\\':
        ++at_;
        word.is_expanded = word.is_expanded || at_end();  // shells differ
        if (!at_end()) word.text += peek();
        if (!at_end()) advance();
        return;
      default:
        read_expansion(word);
    }
  }

  void read_single_quoted(Word& word) {
    const std::size_t close = text_.find('\'', at_ + 1);
    if (close == std::string_view::npos) {
      stop("a quote is never closed");
      return;
    }
    word.text += text_.substr(at_ + 1, close - at_ - 1);
    while (at_ <= close) advance();
  }

  void read_double_quoted(Word& word) {
    const std::size_t opened = line_;
    ++at_;
    while (!at_end() && peek() != '"' && !reading_.stop) {
      const char c = peek();
      if (skip_joint()) continue;
      if (c == '$' || c == '`') {
        read_expansion(word);
        continue;
      }
      const char next = peek(1);
      if (c == '\\' && (next == '$' || next == '`' || next == '"' || next == '\\')) ++at_;
      word.text += peek();
      advance();
    }
    if (reading_.stop) return;
    if (at_end()) {
      line_ = opened;
      stop("a quote is never closed");
      return;
    }
    ++at_;
  }

  // Of what is expanded only the end is wanted; where that is not plain, or a variable could be set
  // on the way, nothing is known from here on.
  void read_expansion(Word& word) {
    word.is_expanded = true;
    word.text += peek();
    if (peek() == '`') {
      skip_bracketed(1, '`', "\\\n'\"$#");
    } else if (peek(1) == '{') {
      skip_bracketed(2, '}', "\\\n'\"$`=?{");
    } else if (peek(1) == '(') {
      // $(( ... )) can set variables.
      skip_bracketed(2, ')', "\\\n'\"$`(#");
    } else if (peek(1) == '\'') {
      // Of $'...' only bash takes backslashes for something else.
      const std::size_t close = text_.find_first_of("\\'", at_ + 2);
      if (close != std::string_view::npos && text_[close] == '\\') {
        stop("$'...' with a backslash is read otherwise by every shell");
        return;
      }
      ++at_;
    } else {
      ++at_;
    }
  }

  void skip_bracketed(std::size_t open, char close, std::string_view none_of) {
    const std::size_t end = text_.find(close, at_ + open);
    const bool is_plain =
        end != std::string_view::npos &&
        text_.substr(at_ + open, end - at_ - open).find_first_of(none_of) == std::string_view::npos;
    if (!is_plain) {
      stop("it has a command or an expansion of several lines or with quotes");
      return;
    }
    at_ = end + 1;
  }

  // NAME=..., NAME+=..., NAME[...]=...: the name; empty for any other word.
  static std::string_view name_of(const Word& word) {
    const std::string_view plain = std::string_view(word.text).substr(0, word.plain_length);
    std::size_t end = 0;
    while (end < plain.size() && (is_ascii_alphanumeric(plain[end]) || plain[end] == '_')) ++end;
    const std::string_view name = plain.substr(0, end);
    const bool is_assignment = end < plain.size() && plain.find('=', end) != std::string_view::npos;
    const bool is_known_form = end < plain.size() && (plain[end] == '=' || plain[end] == '[' ||
                                                      plain.substr(end).starts_with("+="));
    return is_variable_name(name) && is_assignment && is_known_form ? name : std::string_view();
  }

  EnvSight sight_of(const Word& word, Effect effect) const {
    const std::string_view name = name_of(word);
    EnvSight sight{std::string(name), word.line};
    const bool is_plain_form = word.text[name.size()] == '=';
    if (is_plain_form) sight.value = word.text.substr(name.size() + 1);
    if (!is_plain_form || word.is_expanded || effect == Effect::perhaps) {
      sight.certainty = EnvCertainty::unsure;
    }
    return sight;
  }

  void carry_out(const std::vector<Word>& words, Effect effect) {
    for (const Word& word : words) {
      const std::string_view name = name_of(word);
      if (name.empty() || word.text[name.size()] != '[') continue;
      line_ = word.line;
      stop("it sets an element of an array, which bash takes out of the environment");
      return;
    }
    const auto program = std::find_if(words.begin(), words.end(),
                                      [](const Word& word) { return name_of(word).empty(); });
    if (program == words.end()) {
      if (effect == Effect::nowhere) return;
      for (const Word& word : words) reading_.seen.push_back(sight_of(word, effect));
      return;
    }
    if (program->text == "export" && program == words.begin()) {
      carry_out_export(words, effect);
      return;
    }
    // A program of its own cannot set our variables, and there is none for most words.
    const bool is_unknown = program->is_expanded || program->has_pattern;
    if (is_unknown || does_more(program->text)) {
      line_ = program->line;
      stop("it runs a command that may set or remove variables");
    }
  }

  void carry_out_export(const std::vector<Word>& words, Effect effect) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const Word& word = words[i];
      const bool is_bare =
          is_variable_name(word.text) && word.plain_length == word.text.size() && !word.is_expanded;
      const std::string_view name = name_of(word);
      if (!is_bare && (name.empty() || word.text[name.size()] != '=')) {
        line_ = word.line;
        stop("what it exports is no plain variable: some shells read no further");
        return;
      }
      if (is_bare || effect == Effect::nowhere) continue;
      reading_.seen.push_back(sight_of(word, effect));
      // Here bash takes {1,2} for two words.
      if (word.has_pattern) reading_.seen.back().certainty = EnvCertainty::unsure;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  Effect next_ = Effect::here;
  EnvReading reading_{EnvReader::shell};
};

}  // namespace

EnvReading read_as_shell(std::string_view text) { return ShellReader(text).read(); }

}  // namespace dagloop
