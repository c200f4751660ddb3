#include "dagloop/decide/detection.hpp"

#include "dagloop/evidence/detection.hpp"

namespace dagloop {

std::vector<Detection> detection_of(const Evidence& evidence, const DecisionConfig& config,
                                    const Comparison& comparison) {
  std::vector<Detection> all;
  const std::optional<double>& limit_pp = config.triggers.success_drop_pp;
  if (config.evidence.mode == EvidenceMode::point || !limit_pp) return all;
  if (comparison.subject == nullptr) return all;
  const auto in_window = static_cast<double>(comparison.subject->total_runs);
  for (const double times : {1.0, 2.0, 5.0}) {
    const double drop_pp = times * *limit_pp;
    if (drop_pp > 100) continue;  // no rate drops so far
    const auto runs = runs_to_find(evidence, drop_pp, config.evidence);
    if (!runs) continue;
    Detection detection{drop_pp, *runs, std::nullopt};
    if (in_window > 0) {
      const double windows = static_cast<double>(*runs) / in_window;
      detection.duration =
          std::chrono::duration_cast<Microseconds>(comparison.subject_window.length() * windows);
    }
    all.push_back(detection);
  }
  return all;
}

}  // namespace dagloop
