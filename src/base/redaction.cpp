#include "dagloop/base/redaction.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace dagloop {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kMinTokenLength = 24;
constexpr std::size_t kMinRandomLength = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool names_a_secret(std::string_view name) {
  constexpr std::array kParts{"password", "passwd",  "pwd",     "secret",    "token",
                              "apikey",   "api_key", "api-key", "signature", "credential"};
  const std::string folded = lower(name);
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](const char* part) { return folded.find(part) != std::string::npos; });
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' ||
         c == '=';
}

bool is_hex(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || (c >= 'a' && c <= 'f');
  });
}

// "20260225T060000Z", as in the names of reports.
bool is_compact_time(std::string_view piece) {
  return piece.size() == 16 && piece[8] == 'T' && piece[15] == 'Z' &&
         piece.find_first_not_of("0123456789TZ") == std::string_view::npos;
}

// Letters and digits mixed; digests, UUIDs and times are shown on purpose.
bool looks_random(std::string_view piece) {
  if (piece.size() < kMinRandomLength || is_hex(piece) || is_compact_time(piece)) return false;
  const bool digit =
      std::any_of(piece.begin(), piece.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const bool letter =
      std::any_of(piece.begin(), piece.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
  return digit && letter;
}

// Long, with a piece that looks random: names of words joined by _ and - are no tokens.
bool looks_like_token(std::string_view word) {
  if (word.size() < kMinTokenLength) return false;
  while (!word.empty()) {
    const std::size_t end = std::min(word.find_first_of("_-+="), word.size());
    if (looks_random(word.substr(0, end))) return true;
    word.remove_prefix(std::min(end + 1, word.size()));
  }
  return false;
}

std::string mask_parameters(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && names_a_secret(pair.substr(0, equals))) {
      out.append(pair.substr(0, equals + 1)).append(kMask);
    } else {
      out.append(pair);
    }
    if (end < query.size()) out += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return out;
}

bool is_email(std::string_view word) {
  const std::size_t at = word.find('@');
  return at != std::string_view::npos && at > 0 && word.find('.', at) != std::string_view::npos &&
         word.find("://") == std::string_view::npos;
}

// Masks long token-like runs inside a word, leaving its punctuation.
std::string mask_tokens(std::string_view word) {
  std::string out;
  std::size_t i = 0;
  while (i < word.size()) {
    std::size_t end = i;
    while (end < word.size() && is_token_char(word[end])) ++end;
    const std::string_view run = word.substr(i, end - i);
    out.append(looks_like_token(run) ? kMask : run);
    if (end < word.size()) out += word[end++];
    i = end;
  }
  return out;
}

// Masks the value of "name=value" or "name:value" where the name is that of a secret.
std::string mask_pair(std::string_view pair) {
  const std::size_t equals = pair.find_first_of("=:");
  if (equals != std::string_view::npos && equals + 1 < pair.size() &&
      names_a_secret(pair.substr(0, equals))) {
    return std::string(pair.substr(0, equals + 1)).append(kMask);
  }
  return mask_tokens(pair);
}

std::string mask_word(std::string_view word) {
  if (is_email(word)) return std::string(kMask);
  const std::string plain = redact_uri(word);
  std::string_view rest = plain;
  std::string out;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(",;&"), rest.size());
    out.append(mask_pair(rest.substr(0, end)));
    if (end < rest.size()) out += rest[end];
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

// Whether the word behind `folded` is a secret: `bearer x`, `"token": "x"`, `password: x`. A bare
// `token:` announces none, for so do our own messages begin.
bool announces_a_secret(std::string_view folded) {
  if (folded.ends_with("bearer") || folded.ends_with("basic")) return true;
  if (folded.ends_with("password:") || folded.ends_with("passwd:")) return true;
  const bool opens = folded.ends_with("=") || folded.ends_with("\":") || folded.ends_with("':");
  return opens && names_a_secret(folded);
}

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
  std::size_t at = uri.substr(0, query).rfind('@');
  if (at != std::string_view::npos && at < host) at = std::string_view::npos;
  std::string out(uri.substr(0, host));
  if (at == std::string_view::npos) {
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
  bool announced = false;
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_space(text[i])) {
      append_escaped(out, text[i++]);
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    const std::string masked = announced ? std::string(kMask) : mask_word(word);
    announced = announces_a_secret(lower(word));
    for (const char c : masked) append_escaped(out, c);
    i = end;
  }
  cut(out, max_length);
  return out;
}

}  // namespace dagloop
