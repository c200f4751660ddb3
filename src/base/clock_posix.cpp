#include "dagloop/base/clock.hpp"

namespace dagloop {

TimePoint SystemClock::now() const {
  // Whole milliseconds: what documents print.
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace dagloop
