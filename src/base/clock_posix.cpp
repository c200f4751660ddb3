#include "dagloop/base/clock.hpp"

namespace dagloop {

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Microseconds>(std::chrono::system_clock::now());
}

}  // namespace dagloop
