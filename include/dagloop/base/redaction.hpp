// Keeps secrets and people out of terminals, logs and reports. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dagloop {

/// Returns `uri` with the password, and any query parameter named like a secret, masked as "***".
std::string redact_uri(std::string_view uri);

/// Returns `text` for a message: passwords in URIs and behind their names, e-mail addresses,
/// authorization headers, private keys and words that look like tokens masked; control characters
/// and bytes that are no UTF-8 escaped; cut to `max_length` bytes, never inside a character.
///
/// Shape: heuristic; what it knows stands in tests/support/secrets.txt. A password of plain words
///        or a key in hex without a name beside it is not recognized.
/// Cost:  linear.
std::string redact_text(std::string_view text, std::size_t max_length = 200);

/// Returns `label` (an error code, a node's name) for figures: as it is, or where a secret seems to
/// stand in it, masked and marked with "#" and 8 digits of its SHA-256: two labels stay two.
///
/// Shape: the same for the same label; a masked label is returned as it is.
std::string redact_label(std::string_view label);

/// Returns `text` with its control characters, line ends too, what cannot be seen or turns the
/// direction of a text (U+0085, U+202E, U+200B), and bytes that are no UTF-8 escaped as in
/// redact_text(), and nothing masked: what a document says, for a terminal or a page.
std::string escape_controls(std::string_view text);
/// The same for a text of several lines, whose ends stay.
std::string escape_lines(std::string_view text);

}  // namespace dagloop
