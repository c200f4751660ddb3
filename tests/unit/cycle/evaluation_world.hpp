// A source with one run a slot, evaluated.
#pragma once

#include "../../support/make_quality.hpp"
#include "../../support/scripted_source.hpp"
#include "dagloop/base/clock.hpp"
#include "dagloop/cycle/evaluation.hpp"

namespace dagloop::test {

/// One run a slot over the four days before kAsOf.
struct EvaluationWorld {
  EvaluationWorld() {
    for (TimePoint slot = kAsOf - std::chrono::hours(96); slot < kAsOf; slot += kSlot) {
      source.add(slot, make_runs(1, 1));
    }
  }
  Quality run(const EvaluationRequest& request) { return evaluate(source, request, config, clock); }
  ScriptedSource source;
  FixedClock clock{kAsOf + std::chrono::minutes(2)};
  Config config;
};

}  // namespace dagloop::test
