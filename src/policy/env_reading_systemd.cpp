// Source: parse_env_file_internal() and load_env_file() of systemd 252 (src/basic/env-file.c).
#include "base/utf8.hpp"
#include "policy/env_readers.hpp"

namespace dagloop {
namespace {

bool is_systemd_line_end(char c) { return c == '\n' || c == '\r'; }
bool is_systemd_space(char c) { return c == ' ' || c == '\t' || is_systemd_line_end(c); }

bool is_whole_utf8(std::string_view text) { return !line_of_no_utf8(text); }

class SystemdReader {
 public:
  explicit SystemdReader(std::string_view text) : text_(text) {}

  EnvReading read() {
    for (const char c : text_) {
      take(c);
      if (c == '\n') ++line_;
      if (reading_.stop) return std::move(reading_);
    }
    // At its end any value counts, whatever is still open.
    if (state_ != State::pre_key && state_ != State::key && state_ != State::comment &&
        state_ != State::comment_escape) {
      push();
    }
    return std::move(reading_);
  }

 private:
  enum class State {
    pre_key,
    key,
    pre_value,
    value,
    value_escape,
    single_quoted,
    double_quoted,
    double_quoted_escape,
    comment,
    comment_escape
  };

  void take(char c) {
    switch (state_) {
      case State::pre_key:
        begin_key(c);
        return;
      case State::key:
        take_key(c);
        return;
      case State::pre_value:
        begin_value(c);
        return;
      case State::value:
        take_value(c);
        return;
      case State::value_escape:
        state_ = State::value;
        if (!is_systemd_line_end(c)) value_ += c;
        return;
      case State::single_quoted:
        if (c == '\'') {
          state_ = State::pre_value;
        } else {
          value_ += c;
        }
        return;
      case State::double_quoted:
        take_double_quoted(c);
        return;
      case State::double_quoted_escape:
        state_ = State::double_quoted;
        if (std::string_view("\"\\`$").find(c) == std::string_view::npos && c != '\n') {
          value_ += '\\';
        }
        if (c != '\n') value_ += c;
        return;
      case State::comment:
        if (c == '\\') state_ = State::comment_escape;
        if (is_systemd_line_end(c)) state_ = State::pre_key;
        return;
      case State::comment_escape:
        // Up to 253 the comment goes on in the next line, from 254 on it does not.
        state_ = is_systemd_line_end(c) ? State::pre_key : State::comment;
        hangs_on_version_ = is_systemd_line_end(c);
        return;
    }
  }

  void begin_key(char c) {
    if (is_systemd_space(c)) {
      if (c == '\n') hangs_on_version_ = false;
      return;
    }
    if (c == '#' || c == ';') {
      state_ = State::comment;
      return;
    }
    state_ = State::key;
    key_ = c;
    key_line_ = line_;
  }

  void take_key(char c) {
    if (is_systemd_line_end(c)) {
      state_ = State::pre_key;
      hangs_on_version_ = false;
    } else if (c == '=') {
      state_ = State::pre_value;
      value_.clear();
      spaces_from_ = kNone;
    } else {
      key_ += c;
    }
  }

  void begin_value(char c) {
    if (is_systemd_line_end(c)) {
      push();
    } else if (c == '\'') {
      state_ = State::single_quoted;
    } else if (c == '"') {
      state_ = State::double_quoted;
    } else if (c == '\\') {
      state_ = State::value_escape;
    } else if (!is_systemd_space(c)) {
      state_ = State::value;
      value_ += c;
    }
    // What opens here would be closed elsewhere in the other version.
    if (hangs_on_version_ && (c == '\'' || c == '"' || c == '\\')) is_unsure_from_here_ = true;
  }

  void take_value(char c) {
    if (is_systemd_line_end(c)) {
      push();
    } else if (c == '\\') {
      state_ = State::value_escape;
      spaces_from_ = kNone;
      if (hangs_on_version_) is_unsure_from_here_ = true;
    } else {
      if (!is_systemd_space(c)) {
        spaces_from_ = kNone;
      } else if (spaces_from_ == kNone) {
        spaces_from_ = value_.size();
      }
      value_ += c;
    }
  }

  void take_double_quoted(char c) {
    if (c == '"') {
      state_ = State::pre_value;
    } else if (c == '\\') {
      state_ = State::double_quoted_escape;
    } else {
      value_ += c;
    }
  }

  void push() {
    if (state_ == State::value && spaces_from_ != kNone) value_.resize(spaces_from_);
    state_ = State::pre_key;
    while (!key_.empty() && is_systemd_space(key_.back())) key_.pop_back();
    if (!is_whole_utf8(key_) || !is_whole_utf8(value_)) {
      reading_.stop = EnvStop{key_line_, "it holds bytes that are no UTF-8"};
      return;
    }
    if (is_variable_name(key_)) {
      const bool is_unsure = hangs_on_version_ || is_unsure_from_here_;
      const EnvCertainty certainty = is_unsure ? EnvCertainty::unsure : EnvCertainty::known;
      reading_.seen.push_back({key_, key_line_, value_, certainty});
    }
    hangs_on_version_ = false;
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::string_view text_;
  EnvReading reading_{EnvReader::systemd};
  State state_ = State::pre_key;
  std::string key_;
  std::string value_;
  std::size_t line_ = 1;
  std::size_t key_line_ = 1;
  std::size_t spaces_from_ = kNone;
  bool hangs_on_version_ = false;     // behind a comment that ends in a backslash
  bool is_unsure_from_here_ = false;  // where the versions have parted
};

}  // namespace

EnvReading read_as_systemd(std::string_view text) { return SystemdReader(text).read(); }

}  // namespace dagloop
