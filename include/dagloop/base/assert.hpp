// Pre- and postconditions that stay on in release builds. A failed one is a bug: it throws
// Error{internal}, which ends the tool with exit code 70 before anything more is written.
#pragma once

namespace dagloop {

/// Throws Error{ErrorKind::internal} naming the expression and its place. Called by DAGLOOP_ASSERT.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace dagloop

#define DAGLOOP_ASSERT(expression)     \
  ((expression) ? static_cast<void>(0) \
                : ::dagloop::assertion_failed(#expression, __FILE__, __LINE__))
