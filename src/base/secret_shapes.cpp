#include "base/secret_shapes.hpp"

#include <algorithm>
#include <array>

#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

// Shorter ones would mask names of nodes and hosts, which operators need to see. What begins like a
// token of a known service is masked from 8 characters on.
constexpr std::size_t kMinTokenLength = 24;
constexpr std::size_t kMinRandomLength = 8;
constexpr std::size_t kMinBase64Length = 32;
constexpr std::size_t kMinBodyLength = 8;   // behind a known beginning
constexpr std::size_t kMaxBodyLength = 64;  // that is looked at
constexpr std::size_t kMinPasswordLength = 6;

// How tokens of well-known services begin.
constexpr std::array kBeginnings{
    "sk-",     "sk_",      "pk_live", "rk_",         "ghp_",    "gho_",
    "ghu_",    "ghs_",     "ghr_",    "github_pat_", "glpat-",  "xox",
    "xapp-",   "AKIA",     "ASIA",    "AIza",        "ya29",    "eyJ",
    "hf_",     "npm_",     "pypi-",   "dop_v1_",     "SG.",     "shpat_",
    "tok_",    "token_",   "whsec_",  "secret_",     "key-",    "pat_",
    "dp.pt.",  "lin_api_", "sbp_",    "pplx-",       "gsk_",    "AGE-SECRET-KEY-",
    "pk_test", "ABIA",     "ACCA",    "gldt-",       "glrt-",   "glcbt-",
    "glptt-",  "glft-",    "glsoat-", "gloas-",      "GOCSPX-", "dckr_pat_",
    "hvs.",    "hvb.",     "dapi",    "sntrys_",     "NRAK-",   "glsa_",
    "glc_",    "shpss_",   "shpca_",  "shppa_",      "sq0atp-", "sq0csp-",
    "EAAA",    "doo_v1_",  "dor_v1_", "ATATT3",      "ntn_",    "figd_",
    "PMAK-",   "xai-",     "fm2_",    "r8_",         "rpa_",    "sgp_",
    "ops_eyJ"};

bool is_beyond_ascii(char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; }

bool is_token_char(char c) {
  return is_ascii_alphanumeric(c) || c == '_' || c == '-' || c == '+' || c == '=';
}
bool is_base64_char(char c) { return is_token_char(c) || c == '/'; }
bool is_email_char(char c) {
  return is_ascii_alphanumeric(c) || is_beyond_ascii(c) ||
         std::string_view(".-_+%").find(c) != std::string_view::npos;
}

template <typename Is>
std::size_t end_of_run(std::string_view text, std::size_t at, Is is) {
  while (at < text.size() && is(text[at])) ++at;
  return at;
}

template <typename Is>
bool any(std::string_view text, Is is) {
  return std::any_of(text.begin(), text.end(), is);
}

bool is_hex(std::string_view word) {
  return !any(word, [](char c) { return !is_ascii_digit(c) && !(c >= 'a' && c <= 'f'); });
}

// "20260225T060000Z", as in the names of reports.
bool is_compact_time(std::string_view piece) {
  return piece.size() == 16 && piece[8] == 'T' && piece[15] == 'Z' &&
         piece.find_first_not_of("0123456789TZ") == std::string_view::npos;
}

// Letters and digits mixed, and not merely a name with a number behind it (ID0000027, blood2016).
// Digests, UUIDs and times are shown on purpose.
bool looks_random(std::string_view piece) {
  if (piece.size() < kMinRandomLength || is_hex(piece) || is_compact_time(piece)) return false;
  std::size_t changes = 0;
  for (std::size_t i = 1; i < piece.size(); ++i) {
    changes += is_ascii_digit(piece[i]) != is_ascii_digit(piece[i - 1]) ? 1U : 0U;
  }
  // One change is a word and its number.
  return changes >= 2;
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

// Whether a token of a known service begins here: its beginning, and behind it no mere word.
bool begins_known_token(std::string_view text) {
  for (const std::string_view beginning : kBeginnings) {
    if (!text.starts_with(beginning)) continue;
    const std::string_view rest = text.substr(beginning.size(), kMaxBodyLength);
    const std::string_view body = rest.substr(0, end_of_run(rest, 0, is_token_char));
    if (body.size() >= kMinBodyLength && any(body, is_ascii_digit) && any(body, is_ascii_letter))
      return true;
  }
  return false;
}

// Upper case, lower case and digits in a turmoil, as no path or name has them.
bool looks_like_base64(std::string_view run) {
  // The path of an archived report: its time has the only capitals.
  if (run.size() > 16 && is_compact_time(run.substr(run.size() - 16))) run.remove_suffix(16);
  if (run.size() < kMinBase64Length || run.find_first_of("/+") == std::string_view::npos ||
      !any(run, is_ascii_lower) || !any(run, is_ascii_upper)) {
    return false;
  }
  const auto kind = [](char c) {
    return is_ascii_lower(c) ? 0 : is_ascii_upper(c) ? 1 : is_ascii_digit(c) ? 2 : 3;
  };
  std::size_t changes = 0;
  for (std::size_t i = 1; i < run.size(); ++i)
    changes += kind(run[i]) != kind(run[i - 1]) ? 1U : 0U;
  // Random base64 changes its kind at about 6 of 10 places, words and paths at 1 or 2.
  return 10 * changes > 3 * run.size();
}

// The end of the token of a known service that begins at `at`; `at` itself where none does. Parts
// of one token are joined by dots, as in a JWT.
std::size_t end_of_known_token(std::string_view word, std::size_t at) {
  const bool begins_word =
      is_ascii_alphanumeric(word[at]) && (at == 0 || !is_ascii_alphanumeric(word[at - 1]));
  if (!begins_word || !begins_known_token(word.substr(at))) return at;
  return end_of_run(word, at, [](char c) { return is_base64_char(c) || c == '.' || c == '~'; });
}

}  // namespace

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (is_ascii_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

namespace {

// Whether the last word of a name is `word`, in any case: "db_pw", "\"pw\"".
bool ends_in_word(std::string_view name, std::string_view word) {
  while (!name.empty() && !is_ascii_alphanumeric(name.back())) name.remove_suffix(1);
  if (name.size() < word.size()) return false;
  const std::size_t begin = name.size() - word.size();
  return is_same_in_any_case(name.substr(begin), word) &&
         (begin == 0 || !is_ascii_alphanumeric(name[begin - 1]));
}

}  // namespace

bool names_a_pass(std::string_view name) { return ends_in_word(name, "pass"); }

std::string with_plain_signs(std::string_view word) {
  struct Sign {
    std::string_view form;
    char plain;
  };
  constexpr std::array kSigns{
      Sign{"\xEF\xBC\xA0", '@'}, Sign{"\xEF\xB9\xAB", '@'}, Sign{"\xEF\xBC\x9A", ':'},
      Sign{"\xEF\xBC\x9D", '='}, Sign{"%40", '@'},          Sign{"%3A", ':'},
      Sign{"%3a", ':'},          Sign{"%3D", '='},          Sign{"%3d", '='}};
  std::string plain;
  while (!word.empty()) {
    const auto sign = std::find_if(kSigns.begin(), kSigns.end(),
                                   [&](const Sign& each) { return word.starts_with(each.form); });
    plain += sign == kSigns.end() ? word.front() : sign->plain;
    word.remove_prefix(sign == kSigns.end() ? 1 : sign->form.size());
  }
  return plain;
}

bool names_a_secret(std::string_view name) {
  if (ends_in_word(name, "pw")) return true;
  // The shortest part in the list has three letters.
  if (name.size() < 3) return false;
  constexpr std::array kParts{
      "password",  "passwd",     "pwd",         "passphrase",  "secret",     "token",
      "apikey",    "api_key",    "api-key",     "signature",   "credential", "access_key",
      "accesskey", "access-key", "private_key", "private-key", "privatekey", "authorization",
      "bearer",    "cookie",     "account_key", "accountkey",  "session_id", "sessionid"};
  const std::string folded = lower_ascii(name);
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](const char* part) { return folded.find(part) != std::string::npos; });
}

bool names_a_query_secret(std::string_view name) {
  // In a query these names are usual for secrets. Elsewhere "key" and "code" are everyday words.
  constexpr std::array kWhole{"key", "sig", "pass", "pw", "auth", "code"};
  const std::string folded = lower_ascii(name);
  return names_a_secret(name) || std::find(kWhole.begin(), kWhole.end(), folded) != kWhole.end();
}

bool is_plain_word(std::string_view word) {
  constexpr std::string_view kPunctuation = ".,;:!?()[]";
  while (!word.empty() && kPunctuation.find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  while (!word.empty() && kPunctuation.find(word.front()) != std::string_view::npos) {
    word.remove_prefix(1);
  }
  if (word.size() <= kMinPasswordLength && !any(word, [](char c) { return !is_ascii_digit(c); })) {
    return true;
  }
  const std::string_view tail = word.substr(std::min<std::size_t>(1, word.size()));
  const bool letters =
      !any(word, [](char c) { return !is_ascii_letter(c) && c != '_' && c != '-'; });
  return letters && (!any(tail, is_ascii_upper) || !any(word, is_ascii_lower));
}

bool holds_email(std::string_view word) {
  for (std::size_t at = word.find('@'); at != std::string_view::npos; at = word.find('@', at + 1)) {
    if (at == 0 || !is_email_char(word[at - 1])) continue;
    const std::size_t end = end_of_run(word, at + 1, is_email_char);
    std::string_view domain = word.substr(at + 1, end - at - 1);
    while (domain.ends_with('.')) domain.remove_suffix(1);
    const std::size_t dot = domain.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || domain.size() < dot + 3) continue;
    if (!any(domain.substr(dot + 1),
             [](char c) { return !is_ascii_letter(c) && !is_beyond_ascii(c); })) {
      return true;
    }
  }
  return false;
}

std::size_t password_before_host(std::string_view word) {
  const std::size_t at = word.rfind('@');
  const std::size_t colon = word.find(':');
  if (at == std::string_view::npos || colon >= at || colon == 0) return std::string_view::npos;
  const std::string_view password = word.substr(colon + 1, at - colon - 1);
  const bool is_one =
      password.size() >= kMinPasswordLength && any(password, is_ascii_letter) &&
      any(password, [](char c) { return !is_ascii_lower(c) && c != '_' && c != '-'; });
  return is_one ? colon + 1 : std::string_view::npos;
}

std::string mask_tokens(std::string_view word) {
  std::string out;
  std::size_t seen_base64 = 0;  // up to here runs have been looked at, as a whole
  std::size_t seen_token = 0;
  std::size_t at = 0;
  while (at < word.size()) {
    std::size_t end = end_of_known_token(word, at);
    if (end == at && at >= seen_base64) {
      seen_base64 = end_of_run(word, at, is_base64_char);
      if (looks_like_base64(word.substr(at, seen_base64 - at))) end = seen_base64;
    }
    if (end == at && at >= seen_token) {
      seen_token = end_of_run(word, at, is_token_char);
      if (looks_like_token(word.substr(at, seen_token - at))) end = seen_token;
    }
    if (end > at) {
      out += kMask;
    } else {
      end = std::max(at + 1, end_of_run(word, at, is_ascii_alphanumeric));
      out.append(word.substr(at, end - at));
    }
    at = end;
  }
  return out;
}

}  // namespace dagloop
