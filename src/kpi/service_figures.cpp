#include "dagloop/kpi/service_figures.hpp"

#include <bit>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr int kFinerBits = 2;     // a histogram has 128 buckets an octave
constexpr int kCoarseShift = 47;  // leaves sign, exponent and 5 bits of a double's mantissa

CoarseDurations sorted(const std::map<std::int32_t, std::uint64_t>& counts) {
  return {counts.begin(), counts.end()};
}

}  // namespace

std::int32_t coarse_bucket(double duration_ms) {
  return DurationHistogram::bucket_of(duration_ms) >> kFinerBits;
}

double coarse_begin(std::int32_t bucket) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(bucket) << kCoarseShift);
}

CoarseDurations coarse_durations(const DurationHistogram& durations) {
  std::map<std::int32_t, std::uint64_t> counts;
  for (const double each : durations.exact()) ++counts[coarse_bucket(each)];
  for (const auto& [bucket, count] : durations.buckets()) counts[bucket >> kFinerBits] += count;
  return sorted(counts);
}

ServiceFigures service_figures(const KpiPartial& partial) {
  std::map<std::string, NodePartial> nodes;  // masking may make two names one
  // A model of retries rests on all tries.
  if (partial.runs_without_tries == 0) {
    for (const auto& [name, node] : partial.nodes) nodes[redact_label(name)].merge(node);
  }
  ServiceFigures figures;
  figures.durations = coarse_durations(partial.latency);
  for (const auto& [name, node] : nodes) {
    figures.nodes[name] = {node.run_node_pairs,    node.attempts,
                           node.failed_attempts,   node.retries,
                           node.retries_succeeded, coarse_durations(node.latency)};
  }
  return figures;
}

}  // namespace dagloop
