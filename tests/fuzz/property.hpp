// What every fuzz target shares: a property that stops the process, and what an Error may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dagloop::fuzz {

/// Stops the process, naming the property, where it does not hold.
void require(bool holds, const char* property);

/// Checks that an error is one of the input's, and that its message is fit for a terminal.
void require_plain(const Error& error);

/// Checks that `text` has no control character but line ends and tabs.
void require_plain(std::string_view text);

/// Returns whether `call` was refused with an Error; any other exception goes on to stop the
/// process.
template <typename Call>
bool refused(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    require_plain(error);
    return true;
  }
  return false;
}

/// Checks that a document prints and parses to the same value, in each of its forms.
void require_same_when_printed(const Json& document);

/// Returns the input as text.
inline std::string text_of(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace dagloop::fuzz
