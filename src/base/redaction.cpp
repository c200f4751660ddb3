#include "dagloop/base/redaction.hpp"

#include <algorithm>
#include <array>

#include "base/secret_shapes.hpp"
#include "dagloop/base/digest.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kMarkDigits = 8;  // of a masked label

std::string mask_parameters(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && !pair.substr(equals + 1).starts_with(kMask) &&
        names_a_query_secret(pair.substr(0, equals))) {
      out.append(pair.substr(0, equals + 1)).append(kMask);
    } else {
      out.append(pair);
    }
    if (end < query.size()) out += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return out;
}

// Where a password may begin that is not closed by an '@': "://user:se" of "://user:se cret@host".
std::size_t open_password(std::string_view uri, std::size_t host) {
  const std::size_t end = std::min(uri.find_first_of("/?", host), uri.size());
  const std::size_t colon = uri.substr(0, end).rfind(':');
  if (colon == std::string_view::npos || colon < host || uri[colon - 1] == ']') return uri.npos;
  const std::string_view port = uri.substr(colon + 1, end - colon - 1);
  if (port.starts_with(kMask)) return uri.npos;
  return port.find_first_not_of("0123456789,\"'.)];") == port.npos ? uri.npos : colon + 1;
}

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
    if (text.substr(behind, kMaxTitle).find("PRIVATE KEY") == std::string_view::npos) {
      out.append(text.substr(0, behind));
      text.remove_prefix(behind);
      continue;
    }
    out.append(text.substr(0, begin)).append(kMask);
    const std::size_t end = text.find(kEnd, behind);
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
      if (const std::size_t space = space_length(text_); space > 0) {
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

  void word(std::string_view word) {
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

  static Announced announcement(std::string_view folded) {
    if (folded.ends_with("authorization:")) return Announced::by_header;
    if (folded.ends_with("bearer") || folded.starts_with("dagloop-ed25519-secret")) {
      return Announced::always;
    }
    if (folded.ends_with("basic")) return Announced::perhaps;
    if (!names_a_secret(folded)) return Announced::no;
    for (const std::string_view name : {"password:", "passwd:", "passphrase:", "cookie:"}) {
      if (folded.ends_with(name)) return Announced::always;
    }
    const bool is_path = folded.find_first_of("/.") != std::string_view::npos;
    if (folded.ends_with("=") || folded.ends_with("\":") || folded.ends_with("':") ||
        (folded.starts_with("--") && folded.find_first_of("=:") == std::string_view::npos)) {
      return Announced::always;
    }
    return is_path ? Announced::no : Announced::perhaps;
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
      if (!names_a_secret(name)) continue;
      // "token:expired", "secrets/x.json:3:"
      const bool is_path = name.find_first_of("/.") != std::string_view::npos;
      if (pair[at] != '=' && (is_path || is_plain_word(value))) continue;
      out_.append(pair.substr(0, at + 1));
      mask_value(value);
      return;
    }
    out_ += mask_tokens(pair);
  }

  std::string_view text_;
  std::string out_;
  Announced announced_ = Announced::no;
  char open_quote_ = 0;
};

std::string masked(std::string_view text) { return Masker(mask_keys(text)).run(); }

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  // U+0080 to U+009F, in UTF-8 behind a C2, control some terminals.
  const bool is_c1 = (byte & 0xE0U) == 0x80 && out.ends_with('\xC2');
  if (byte >= 0x20 && byte != 0x7f && !is_c1) {
    out += c;
    return;
  }
  if (is_c1) out.replace(out.size() - 1, 1, "\\xc2");
  out.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xFU]);
}

// Cuts at a character, not inside one (UTF-8 continuation bytes are 10xxxxxx).
void cut(std::string& text, std::size_t max_length) {
  if (text.size() <= max_length) return;
  std::size_t end = max_length;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  text += "...";
}

}  // namespace

std::string redact_uri(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) return std::string(uri);
  const std::size_t host = scheme + 3;
  // The last '@' counts: an unescaped one in a password must not show the rest of it.
  std::size_t query = std::min(uri.find('?', host), uri.size());
  const std::size_t in_authority = uri.substr(0, uri.find('/', host)).rfind('@');
  if (in_authority != std::string_view::npos && in_authority > query) {
    query = std::min(uri.find('?', in_authority), uri.size());
  }
  // One behind a '?' that begins no parameters.
  const std::size_t last = uri.rfind('@');
  if (last != std::string_view::npos && last > query &&
      uri.substr(query, last - query).find('=') == std::string_view::npos) {
    query = std::min(uri.find('?', last), uri.size());
  }
  std::size_t at = uri.substr(0, query).rfind('@');
  if (at != std::string_view::npos && at < host) at = std::string_view::npos;
  std::string out(uri.substr(0, host));
  if (at == std::string_view::npos) {
    const std::size_t password = open_password(uri, host);
    if (password != std::string_view::npos)
      return out.append(uri.substr(host, password - host)).append(kMask);
    out.append(uri.substr(host, query - host));
  } else {
    const std::size_t colon = uri.find(':', host);
    if (colon < at) {
      out.append(uri.substr(host, colon - host)).append(":").append(kMask);
    } else {
      out.append(uri.substr(host, at - host));
    }
    out.append(uri.substr(at, query - at));
  }
  if (query < uri.size()) out.append("?").append(mask_parameters(uri.substr(query + 1)));
  return out;
}

std::string redact_text(std::string_view text, std::size_t max_length) {
  std::string out;
  for (const char c : masked(text)) append_escaped(out, c);
  cut(out, max_length);
  return out;
}

std::string redact_label(std::string_view label) {
  std::string out = masked(label);
  if (out == label) return out;
  return out.append("#").append(sha256_hex(label).substr(0, kMarkDigits));
}

std::string escape_controls(std::string_view text) {
  std::string out;
  for (const char c : text) append_escaped(out, c);
  return out;
}

}  // namespace dagloop
