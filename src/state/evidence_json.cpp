#include "state/evidence_json.hpp"

#include "state/restore.hpp"

namespace dagloop {
namespace {

Json arm_to_json(const ArmCounts& arm) { return Json(Json::Array{arm.trials, arm.events}); }

std::uint64_t read_natural(const JsonReader& reader) {
  const std::int64_t count = reader.integer();
  if (count < 0) reader.fail("a count is negative", kRestore);
  return static_cast<std::uint64_t>(count);
}

ArmCounts read_arm(const JsonReader& reader) {
  const auto places = reader.elements();
  if (places.size() != 2) reader.fail("is no pair of counts", kRestore);
  const ArmCounts arm{read_natural(places[0]), read_natural(places[1])};
  if (arm.events > arm.trials) reader.fail("has more events than trials", kRestore);
  return arm;
}

Json block_to_json(const Block& block) {
  return Json::object(
      {{"subject", arm_to_json(block.subject)}, {"reference", arm_to_json(block.reference)}});
}

Block read_block(const JsonReader& reader) {
  return {read_arm(reader.at("subject")), read_arm(reader.at("reference"))};
}

Json test_to_json(const RateEvidence& test) {
  Json::Array wealth(test.log_wealth.begin(), test.log_wealth.end());
  return Json::object({{"open", block_to_json(test.open)},
                       {"total", block_to_json(test.total)},
                       {"expectation", arm_to_json(test.expectation)},
                       {"log_wealth", std::move(wealth)},
                       {"greatest_log_e", test.greatest_log_e}});
}

RateEvidence read_test(const JsonReader& reader) {
  RateEvidence test;
  test.open = read_block(reader.at("open"));
  test.total = read_block(reader.at("total"));
  test.expectation = read_arm(reader.at("expectation"));
  for (const JsonReader& each : reader.at("log_wealth").elements()) {
    test.log_wealth.push_back(each.number());
  }
  test.greatest_log_e = reader.at("greatest_log_e").number();
  return test;
}

// The runs first, then those above each edge.
Json latency_counts_to_json(const LatencyCounts& counts) {
  Json::Array all;
  if (counts.runs > 0) all.emplace_back(counts.runs);
  for (const std::uint64_t each : counts.above) all.emplace_back(each);
  return Json(std::move(all));
}

LatencyCounts read_latency_counts(const JsonReader& reader) {
  LatencyCounts counts;
  const auto places = reader.elements();
  if (places.empty()) return counts;
  counts.runs = read_natural(places.front());
  for (std::size_t i = 1; i < places.size(); ++i) counts.above.push_back(read_natural(places[i]));
  if (!are_counts_above_edges(counts.above, counts.runs)) {
    reader.fail("is no list of counts above each latency", kRestore);
  }
  return counts;
}

Json latency_to_json(const LatencyEvidence& latency) {
  Json::Array slower;
  for (const RateEvidence& test : latency.slower) slower.push_back(test_to_json(test));
  return Json::object({{"subject", latency_counts_to_json(latency.subject)},
                       {"reference", latency_counts_to_json(latency.reference)},
                       {"slower", std::move(slower)},
                       {"greatest_log_e", latency.greatest_log_e}});
}

LatencyEvidence read_latency(const JsonReader& reader) {
  LatencyEvidence latency;
  latency.subject = read_latency_counts(reader.at("subject"));
  latency.reference = read_latency_counts(reader.at("reference"));
  for (const JsonReader& each : reader.at("slower").elements()) {
    latency.slower.push_back(read_test(each));
  }
  latency.greatest_log_e = reader.at("greatest_log_e").number();
  return latency;
}

}  // namespace

Json evidence_to_json(const Evidence& evidence) {
  if (evidence.subject.empty()) return Json();
  Json tests = Json::object();
  for (const auto& [name, test] : evidence.tests) tests[name] = test_to_json(test);
  return Json::object({{"subject", evidence.subject},
                       {"percent", evidence.percent},
                       {"since", format_time(evidence.since)},
                       {"until", format_time(evidence.until)},
                       {"slow_ms", or_null(evidence.limits.usual)},
                       {"threshold_ms", or_null(evidence.limits.absolute)},
                       {"tests", std::move(tests)},
                       {"latency", latency_to_json(evidence.latency)}});
}

Evidence read_evidence(const JsonReader& reader) {
  Evidence evidence;
  evidence.subject = reader.at("subject").string();
  evidence.percent = static_cast<int>(read_natural(reader.at("percent")));
  evidence.since = reader.at("since").time();
  evidence.until = reader.at("until").time();
  evidence.limits.usual = reader.find_number("slow_ms");
  evidence.limits.absolute = reader.find_number("threshold_ms");
  for (const auto& [name, test] : reader.at("tests").members()) {
    evidence.tests[name] = read_test(test);
  }
  if (const auto latency = reader.find("latency")) evidence.latency = read_latency(*latency);
  return evidence;
}

}  // namespace dagloop
