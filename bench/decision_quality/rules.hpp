// What decides a simulated rollout: this engine, and the rules that others use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/config/config.hpp"
#include "dagloop/decide/decision.hpp"
#include "service.hpp"

namespace dagloop::bench {

/// What a rule sees at a tick.
struct Look {
  TimePoint as_of;
  TimePoint in_force_since;  // the ladder's present step
  TimePoint seen_until;      // at the look before
  int percent = 0;
  const Tick& window;  // the runs of the window, cut at `in_force_since`
  const Tick& news;    // those since the look before
  const Arm& before;   // a day before the rollout
};

/// Decides at every tick; keeps what it has to.
class Rule {
 public:
  virtual ~Rule() = default;
  virtual Action look(const Look& look) = 0;
  /// Is told that the next step of the ladder came into force.
  virtual void step() {}
};

/// The names of the rules, in the order of the table.
const std::vector<std::string>& rule_names();

/// Returns the rule with that name.
///
/// Source: "threshold 3x": Flagger's and Argo Rollouts' failure limit; "Mann-Whitney": Kayenta's
///         judge, at one-sided 1 %; "z test": two proportions, at one-sided 1 %.
std::unique_ptr<Rule> make_rule(const std::string& name, const Config& config);

}  // namespace dagloop::bench
