#include "dagloop/base/assert.hpp"

#include <string>

#include "dagloop/base/error.hpp"

namespace dagloop {

void assertion_failed(const char* expression, const char* file, int line) {
  throw Error(ErrorKind::internal, std::string(file) + ":" + std::to_string(line),
              std::string("assertion failed: ") + expression,
              "this is a bug: please report it with this line");
}

}  // namespace dagloop
