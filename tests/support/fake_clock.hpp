#pragma once
#include "dagloop/base/clock.hpp"
namespace dagloop::test {
class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimePoint now) : now_(now) {}
  TimePoint now() const override { return now_; }
  void advance(Microseconds by) { now_ += by; }
 private:
  TimePoint now_;
};
}
