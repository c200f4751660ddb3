// Private: what secrets and people look like in a text. Heuristics: what has neither a known shape
// nor a name beside it (a password of plain words, a key in hex) is not recognized. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dagloop {

/// Digits of a hash behind the `#` that tells masked labels apart.
inline constexpr std::size_t kMarkDigits = 8;

/// What stands where a secret was.
inline constexpr std::string_view kMask = "***";

/// Returns `text` with ASCII letters in lower case.
std::string lower_ascii(std::string_view text);

/// Returns whether `name` (of a field, flag or parameter) is one of a secret: "db_password".
bool names_a_secret(std::string_view name);

/// Returns whether `name` ends in the word "pass", which is everyday language, too: "db_pass".
bool names_a_pass(std::string_view name);

/// Returns `word` with what looks like @, : and = as these: U+FF20, U+FE6B and %40, U+FF1A and %3A,
/// U+FF1D and %3D.
std::string with_plain_signs(std::string_view word);

/// Returns whether `name` is one of a secret in the query of a URI, where names are shorter: "sig".
bool names_a_query_secret(std::string_view name);

/// Returns whether `word` can be shown though a secret might stand in its place: "expected", "12,".
bool is_plain_word(std::string_view word);

/// Returns whether an e-mail address stands in `word`.
bool holds_email(std::string_view word);

/// Returns the place of the password in "user:password@host", npos where there is none that looks
/// like one.
std::size_t password_before_host(std::string_view word);

/// Returns `text` with everything that looks like a secret masked.
std::string mask_secrets(std::string_view text);

/// Returns `word` with everything that looks like a token masked.
std::string mask_tokens(std::string_view word);

}  // namespace dagloop
