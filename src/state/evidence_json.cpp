#include "state/evidence_json.hpp"

#include "dagloop/base/struct_codec.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

constexpr Count kNatural{"a count is negative", kRestore};

Json arm_to_json(const ArmCounts& arm) { return Json(Json::Array{arm.trials, arm.events}); }

ArmCounts read_arm(const JsonReader& reader) {
  if (reader.elements().size() != 2) reader.fail("is no pair of counts", kRestore);
  const auto pair = read_json<std::vector<std::uint64_t>>(kNatural, reader);
  // A rate above 1 would make the logarithms of the sequential tests NaN, and NaN fires no trigger.
  if (pair[1] > pair[0]) reader.fail("has more events than trials", kRestore);
  return {pair[0], pair[1]};
}

// The runs first, then those above each edge.
Json latency_counts_to_json(const LatencyCounts& counts) {
  std::vector<std::uint64_t> all = counts.above;
  if (counts.runs > 0) all.insert(all.begin(), counts.runs);
  return write_json(kNatural, all);
}

LatencyCounts read_latency_counts(const JsonReader& reader) {
  const auto all = read_json<std::vector<std::uint64_t>>(kNatural, reader);
  if (all.empty()) return {};
  LatencyCounts counts{all.front(), {all.begin() + 1, all.end()}};
  if (!are_counts_above_edges(counts.above, counts.runs)) {
    reader.fail("is no list of counts above each latency", kRestore);
  }
  return counts;
}

constexpr ByHand<ArmCounts> kArm{&arm_to_json, &read_arm};
constexpr ByHand<LatencyCounts> kLatencyCounts{&latency_counts_to_json, &read_latency_counts};

constexpr auto kBlock = fields_of<Block>(field("subject", &Block::subject, kArm),
                                         field("reference", &Block::reference, kArm));

constexpr auto kTest = fields_of<RateEvidence>(
    field("open", &RateEvidence::open, kBlock), field("total", &RateEvidence::total, kBlock),
    field("expectation", &RateEvidence::expectation, kArm),
    field("log_wealth", &RateEvidence::log_wealth),
    field("greatest_log_e", &RateEvidence::greatest_log_e));

constexpr auto kLatency =
    fields_of<LatencyEvidence>(field("subject", &LatencyEvidence::subject, kLatencyCounts),
                               field("reference", &LatencyEvidence::reference, kLatencyCounts),
                               field("slower", &LatencyEvidence::slower, kTest),
                               field("greatest_log_e", &LatencyEvidence::greatest_log_e));

constexpr auto kCollected = fields_of<Evidence>(
    field("subject", &Evidence::subject), field("percent", &Evidence::percent, kNatural),
    field("since", &Evidence::since), field("until", &Evidence::until),
    inlined(&Evidence::limits,
            fields_of<SlowLimits>(field_or_default("slow_ms", &SlowLimits::usual),
                                  field_or_default("threshold_ms", &SlowLimits::absolute))),
    field("tests", &Evidence::tests, kTest),
    field_or_default("latency", &Evidence::latency, kLatency));

}  // namespace

Json evidence_to_json(const Evidence& evidence) {
  return evidence.subject.empty() ? Json() : write_json(kCollected, evidence);
}

Evidence read_evidence(const JsonReader& reader) { return read_json<Evidence>(kCollected, reader); }

}  // namespace dagloop
