// A log in memory that simulated runs arrive in; sums over its spans cost little. For one thread.
#pragma once

#include <map>
#include <string>

#include "dagloop/source/log_source.hpp"
#include "world.hpp"

namespace dagloop::bench {

/// Answers as a log of run records would, at the time at which they have arrived.
class SimulatedLog final : public LogSource {
 public:
  /// Adds a run that has arrived.
  void add(const Run& run);

  PartialSet read(const LogQuery& query) override;
  std::string describe() const override { return "the simulated log"; }

 private:
  using Partials = std::map<PartialKey, KpiPartial>;
  using Users = std::map<std::uint64_t, UserRuns>;
  // Each run three times: by slot, hour and day, so that a span is the sum of a few.
  void add_to(Partials& partials, TimePoint unit, const Run& run);
  void sum_span(const Window& span, PartialSet& answer) const;
  void add_users(const Window& span, PartialSet& answer) const;

  Partials slots_;
  Partials hours_;
  Partials days_;
  std::map<PartialKey, Users> users_;  // by slot
  std::optional<TimePoint> newest_;
};

}  // namespace dagloop::bench
