// Private to the report layer: text from logs, made fit for documents and pages. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dagloop {

/// Replaces every byte that is not part of valid UTF-8 (a file name may hold any) by U+FFFD, so
/// that a document which names it can be read back.
///
/// Source: RFC 3629.
std::string valid_utf8(std::string_view text);

/// Makes text from logs fit for a page: valid UTF-8, at most 80 characters, "…" the last of them
/// where something was cut.
std::string cut_text(std::string_view text);

/// Returns `text` for one line of a page: control characters of ASCII are spaces, others that
/// cannot be seen, or that turn the direction of a text, are escaped (escape_controls()).
std::string seen_text(std::string_view text);

}  // namespace dagloop
