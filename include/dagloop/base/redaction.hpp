// Keeps secrets and people out of terminals, logs and reports. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dagloop {

/// Returns `uri` with the password, and any query parameter named like a secret, masked as "***".
std::string redact_uri(std::string_view uri);

/// Returns `text` for a message: passwords in URIs, e-mail addresses, bearer headers and long
/// token-like words masked; control characters escaped; cut to `max_length` characters.
std::string redact_text(std::string_view text, std::size_t max_length = 200);

}  // namespace dagloop
