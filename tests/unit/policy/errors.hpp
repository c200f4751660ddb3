// What a call throws, as a value.
#pragma once

#include <optional>
#include <string>

#include "dagloop/base/error.hpp"

namespace dagloop::test {

/// Kind and message of an error.
struct Thrown {
  ErrorKind kind;
  std::string message;
};

/// Returns what `call` throws, nullopt when it returns.
template <typename Call>
std::optional<Thrown> thrown_by(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return Thrown{error.kind(), error.what()};
  }
  return std::nullopt;
}

/// Returns whether `text` has `part` in it.
inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace dagloop::test
