#include "dagloop/base/redaction.hpp"

#include <algorithm>

#include "base/secret_shapes.hpp"
#include "base/utf8.hpp"
#include "dagloop/base/ascii.hpp"
#include "dagloop/base/digest.hpp"

namespace dagloop {
namespace {

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
  // Behind an IPv6 address in brackets.
  const std::size_t bracket = uri.substr(0, end).rfind(']');
  const bool has_address = bracket != uri.npos && bracket > host && uri.substr(host, 1) == "[";
  const std::size_t colon = uri.substr(0, end).find(':', has_address ? bracket : host);
  if (colon == uri.npos) return uri.npos;
  const std::string_view port = uri.substr(colon + 1, end - colon - 1);
  if (port.starts_with(kMask)) return uri.npos;
  // Digits and what ends a sentence are a port; anything else may be the start of a password.
  return port.find_first_not_of("0123456789,\"'.)];:") == port.npos ? uri.npos : colon + 1;
}

enum class LineEnds { escaped, kept };

// Whether a character, or the byte that is none, would write to a terminal what is no text.
bool is_unfit(std::string_view character, std::size_t length, LineEnds line_ends) {
  if (length == 1 && character[0] == '\n') return line_ends == LineEnds::escaped;
  return length == 0 || is_unseen(code_point(character));
}

// Escapes what is no character of UTF-8, too: whoever reads a message or a journal's sentence may
// refuse all of it for one byte.
std::string with_escapes(std::string_view text, LineEnds line_ends) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    if (!is_unfit(character, length, line_ends)) {
      out += character;
      continue;
    }
    for (const char c : character) {
      const auto byte = static_cast<unsigned char>(c);
      out.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xFU]);
    }
  }
  return out;
}

// Whether nothing can be masked in a text: one word without what joins a name to a secret, and
// without digits or too short for a token of any kind.
bool is_bare_name(std::string_view text) {
  constexpr std::size_t kShortestToken = 11;  // a beginning of 3 and a body of 8
  return std::ranges::all_of(text, [&](char c) {
    if (is_ascii_digit(c)) return text.size() < kShortestToken;
    return is_ascii_letter(c) || c == '_' || c == '-' || c == '.';
  });
}

// Cuts at a character, not inside one.
void cut(std::string& text, std::size_t max_length) {
  if (text.size() <= max_length) return;
  std::size_t end = max_length;
  while (end > 0 && is_continuation(text[end])) --end;
  text.resize(end);
  text += "...";
}

}  // namespace

std::string redact_uri(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) return std::string(uri);
  if (const std::string plain = with_plain_signs(uri); plain != uri) {
    std::string masked = redact_uri(plain);
    if (masked != plain) return masked;
  }
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
  std::string out = escape_controls(mask_secrets(text));
  cut(out, max_length);
  return out;
}

std::string redact_label(std::string_view label) {
  if (is_bare_name(label)) return std::string(label);  // nearly all are, and masking takes its time
  std::string out = mask_secrets(label);
  if (out == label) return out;
  // The mark keeps two masked labels apart, and the same one the same, without showing either.
  return out.append("#").append(sha256_hex(label).substr(0, kMarkDigits));
}

std::string escape_controls(std::string_view text) { return with_escapes(text, LineEnds::escaped); }

std::string escape_lines(std::string_view text) { return with_escapes(text, LineEnds::kept); }

}  // namespace dagloop
