// Evidence that grows step by step, from counts alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "dagloop/evidence/evidence.hpp"

namespace dagloop::test {

inline ArmFigures runs(std::uint64_t count, std::uint64_t failed) {
  ArmFigures arm;
  arm.runs = count;
  arm.failed = failed;
  return arm;
}

/// Five minutes of news, the `number`-th.
inline NewsStep step_of(int number, const ArmFigures& canary, const ArmFigures& control) {
  NewsStep step;
  step.window.start = TimePoint() + number * std::chrono::minutes(5);
  step.window.end = step.window.start + std::chrono::minutes(5);
  step.canary = canary;
  step.control = control;
  return step;
}

/// A canary at 10 %, after these steps.
inline Evidence after_steps(const std::vector<NewsStep>& steps, const EvidenceConfig& config) {
  Evidence evidence;
  evidence.subject = "p";
  evidence.percent = 10;
  News all;
  all.steps = steps;
  all.window = {steps.front().window.start, steps.back().window.end};
  add_news(evidence, all, EvidenceSides::canary_and_control, config);
  return evidence;
}

inline EvidenceConfig sequential() {
  EvidenceConfig config;
  config.mode = EvidenceMode::sequential;
  return config;
}

}  // namespace dagloop::test
