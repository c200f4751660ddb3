#include <algorithm>
#include <array>

#include "base/secret_commands.hpp"
#include "base/secret_shapes.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// Private keys in PEM, whole or cut.
std::string mask_keys(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kEnd = "-----END ";
  constexpr std::size_t kMaxTitle = 40;
  std::string out;
  while (true) {
    const std::size_t begin = text.find(kBegin);
    if (begin == std::string_view::npos) return out.append(text);
    const std::size_t behind = begin + kBegin.size();
    // Certificates and public keys begin in the same way and may be shown.
    if (text.substr(behind, kMaxTitle).find("PRIVATE KEY") == std::string_view::npos) {
      out.append(text.substr(0, behind));
      text.remove_prefix(behind);
      continue;
    }
    out.append(text.substr(0, begin)).append(kMask);
    const std::size_t end = text.find(kEnd, behind);
    // A key that was cut: all that follows may belong to it.
    if (end == std::string_view::npos) return out;
    text.remove_prefix(std::min(text.find("-----", end + kEnd.size()), text.size()));
    text.remove_prefix(std::min<std::size_t>(5, text.size()));
  }
}

// The length of the white space that `text` begins with, of one character; 0 where it has none.
std::size_t space_length(std::string_view text) {
  if (text.empty()) return 0;
  const char first = text.front();
  if (first == ' ' || (first >= '\t' && first <= '\r')) return 1;
  if ((static_cast<unsigned char>(first) & 0x80U) == 0) return 0;
  for (const std::string_view space :
       {"\xc2\xa0", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe3\x80\x80"}) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

// Masks a text word by word. A word may announce that the next one is a secret.
class Masker {
 public:
  explicit Masker(std::string_view text) : text_(text) {}

  std::string run() {
    while (!text_.empty()) {
      // Also the spaces of Unicode: joined by one of them, a name and its secret would be one word.
      if (const std::size_t space = space_length(text_); space > 0) {
        if (text_.front() == '\n') commands_.end_line();
        take(space);
        continue;
      }
      std::size_t end = 0;
      while (end < text_.size() && space_length(text_.substr(end)) == 0) ++end;
      word(text_.substr(0, end));
      text_.remove_prefix(std::min(end, text_.size()));
      if (open_quote_ != 0) skip_quoted();
    }
    return std::move(out_);
  }

 private:
  // Whether the next word is a secret: `always` as in `password: x`, or if it looks like one as in
  // `token: x`, for so do our own messages begin.
  enum class Announced { no, perhaps, always, by_header };

  void take(std::size_t length) {
    out_.append(text_.substr(0, length));
    text_.remove_prefix(length);
  }

  // A sign that only looks like @, : or =, or is written %40, hides no secret either. A word
  // without one is shown as it stands.
  void word(std::string_view given) {
    const std::string plain = with_plain_signs(given);
    const std::size_t before = out_.size();
    plain_word(plain);
    if (plain != given && out_.compare(before, std::string::npos, plain) == 0) {
      out_.replace(before, std::string::npos, given);
    }
  }

  void plain_word(std::string_view word) {
    const std::size_t secret = commands_.secret_in(word);
    if (secret < word.size() && !word.substr(secret).starts_with(kMask)) {
      out_.append(word.substr(0, secret));
      mask_value(word.substr(secret));
      announced_ = Announced::no;
      return;
    }
    const std::string folded = lower_ascii(word);
    if (announced_ != Announced::no && joins(folded)) {
      out_.append(word);
      return;
    }
    const bool is_scheme = announced_ == Announced::by_header && is_plain_word(word);
    if (word.starts_with(kMask)) {
      out_.append(word);
      announced_ = Announced::no;
      return;
    }
    const bool is_secret =
        announced_ == Announced::always || (announced_ != Announced::no && !is_plain_word(word));
    if (is_secret) {
      mask_value(word);
      announced_ = Announced::no;
      return;
    }
    const std::size_t before = out_.size();
    mask_word(word);
    const bool is_shown = out_.compare(before, std::string::npos, word) == 0 &&
                          word.find(kMask) == std::string_view::npos;
    announced_ = !is_shown ? Announced::no : is_scheme ? Announced::always : announcement(folded);
  }

  static bool joins(std::string_view folded) {
    constexpr std::array<std::string_view, 8> kJoining{"=",  ":",  ":=",  "->",
                                                       "=>", "is", "was", "of"};
    return std::find(kJoining.begin(), kJoining.end(), folded) != kJoining.end();
  }

  // Of a path, or of a key's path, the name alone.
  static std::string_view last_part(std::string_view name) {
    while (name.ends_with(':')) name.remove_suffix(1);
    return name.substr(name.find_last_of("/.") + 1);  // npos + 1 is 0
  }

  static Announced announcement(std::string_view folded) {
    if (folded.ends_with("authorization:")) return Announced::by_header;
    if (folded.ends_with("bearer") || folded.starts_with("dagloop-ed25519-secret")) {
      return Announced::always;
    }
    // "basic" is also a word.
    if (folded.ends_with("basic")) return Announced::perhaps;
    if (!names_a_secret(folded)) return Announced::no;
    for (const std::string_view name : {"password:", "passwd:", "passphrase:", "cookie:"}) {
      if (folded.ends_with(name)) return Announced::always;
    }
    if (folded.ends_with("=") || folded.ends_with("\":") || folded.ends_with("':") ||
        (folded.starts_with("--") && folded.find_first_of("=:") == std::string_view::npos)) {
      return Announced::always;
    }
    return names_a_secret(last_part(folded)) ? Announced::perhaps : Announced::no;
  }

  // Masks a value; remembers the quote that it opens and does not close.
  void mask_value(std::string_view value) {
    out_ += kMask;
    const char first = value.empty() ? '\0' : value.front();
    if ((first == '"' || first == '\'') && value.find(first, 1) == std::string_view::npos) {
      open_quote_ = first;
    }
  }

  void skip_quoted() {
    const std::size_t end = text_.find(open_quote_);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    open_quote_ = 0;
  }

  void mask_word(std::string_view word) {
    if (holds_email(word)) {
      out_ += kMask;
      return;
    }
    std::string plain = redact_uri(word);
    if (plain.find("://") == std::string::npos) {
      const std::size_t password = password_before_host(plain);
      if (password != std::string::npos) {
        plain.replace(password, plain.rfind('@') - password, kMask);
      }
    }
    std::string_view rest = plain;
    // Pairs of one word are looked at each by itself, as in "user=a;password=b".
    while (!rest.empty() && open_quote_ == 0) {
      const std::size_t end = std::min(rest.find_first_of(",;&"), rest.size());
      mask_pair(rest.substr(0, end));
      if (end < rest.size() && open_quote_ == 0) out_ += rest[end];
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (open_quote_ == 0) continue;
      // The quote may be closed within this word.
      const std::size_t close = rest.find(open_quote_);
      if (close == std::string_view::npos) return;
      rest.remove_prefix(close + 1);
      open_quote_ = 0;
    }
  }

  // Masks the value of "name=value" or "name:value" where the name is that of a secret.
  void mask_pair(std::string_view pair) {
    std::size_t begin = 0;
    for (std::size_t at = pair.find_first_of("=:>"); at != std::string_view::npos;
         at = pair.find_first_of("=:>", at + 1)) {
      const std::string_view name = pair.substr(begin, at - begin);
      const std::string_view value = pair.substr(at + 1);
      begin = at + 1;
      if (value.empty() || value.starts_with("//") || value.starts_with(kMask)) continue;
      const bool is_pass = pair[at] == '=' && names_a_pass(name) && !is_plain_word(value);
      if (!is_pass && !names_a_secret(name)) continue;
      // "token:expired", "secrets/x.json:3:"
      const bool is_shown = is_plain_word(value) || !names_a_secret(last_part(name));
      if (pair[at] != '=' && is_shown) continue;
      out_.append(pair.substr(0, at + 1));
      mask_value(value);
      return;
    }
    out_ += mask_tokens(pair);
  }

  std::string_view text_;
  std::string out_;
  CommandSecrets commands_;
  Announced announced_ = Announced::no;
  char open_quote_ = 0;
};

}  // namespace

std::string mask_secrets(std::string_view text) { return Masker(mask_keys(text)).run(); }

}  // namespace dagloop
