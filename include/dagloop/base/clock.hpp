// The clock seam. Everything that needs "now" takes a Clock by reference; tests pass a fake one.
#pragma once

#include "dagloop/base/time.hpp"

namespace dagloop {

/// Tells the time. Replaced in tests and rehearsals; implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Returns the present instant.
  virtual TimePoint now() const = 0;
};

/// The machine's real-time clock.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

/// A clock that stands still: for rehearsals on past logs.
class FixedClock final : public Clock {
 public:
  explicit FixedClock(TimePoint t) : now_(t) {}
  TimePoint now() const override { return now_; }

 private:
  TimePoint now_;
};

}  // namespace dagloop
