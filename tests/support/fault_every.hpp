// How much of an exhaustive test is run: all of it, but where everything takes many times as long.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>

namespace dagloop::test {

/// Returns 1: strike at every place, try every seed; n: at every n-th, in builds with sanitizers.
inline std::size_t fault_every() {
  const char* text = std::getenv("DAGLOOP_FAULT_EVERY");
  return text == nullptr ? 1 : static_cast<std::size_t>(std::stoul(text));
}

}  // namespace dagloop::test
