// SHA-256 and base64, by libsodium. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dagloop {

/// Returns the SHA-256 of `bytes` as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

/// Returns `bytes` in base64 (RFC 4648, section 4, padded).
std::string to_base64(std::string_view bytes);

/// Returns the bytes of padded base64 `text`, nullopt where it is not canonical.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace dagloop
