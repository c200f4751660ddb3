// A clock that stands where it was put.
#pragma once

#include "dagloop/base/clock.hpp"

namespace dagloop::test {

/// Tells the time that a test sets.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimePoint now) : now_(now) {}
  TimePoint now() const override { return now_; }
  void set(TimePoint now) { now_ = now; }
  void advance(Microseconds by) { now_ += by; }

 private:
  TimePoint now_;
};

}  // namespace dagloop::test
