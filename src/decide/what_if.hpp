// What each model computes: draws of the change that a value would make. Private to the decide
// layer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/decide/model_question.hpp"
#include "dagloop/decide/reason.hpp"

namespace dagloop {

/// How often a model is drawn.
inline constexpr std::size_t kDraws = 400;

/// Beyond this multiple of the timeout in force a tail is a guess.
inline constexpr double kSureTimes = 1.5;

/// One model, fitted to the figures.
class WhatIf {
 public:
  virtual ~WhatIf() = default;
  /// Returns draws of the change of the success rate. Units: a fraction.
  virtual std::vector<double> gains(const std::string& value) const = 0;
  /// Returns draws of the change of the p95 latency. Units: milliseconds.
  virtual std::vector<double> p95_changes(const std::string& value) const = 0;
  virtual Reach reach(const std::string&) const { return Reach::inside; }
  virtual std::uint64_t n() const = 0;
};

/// A fitted model, or why there is none.
struct Fit {
  std::unique_ptr<WhatIf> model;
  Reason fault = {};
};

Fit fit_run_model(const ModelQuestion& question);  // one_more_attempt, node_timeout
Fit fit_pipeline_timeout(const ModelQuestion& question);
Fit fit_fan_out(const ModelQuestion& question);
Fit fit_fallback(const ModelQuestion& question);

/// Returns a seed that depends on the figures alone.
std::uint64_t seed_of(const ModelQuestion& question);

}  // namespace dagloop
