#include "report/attribution_json.hpp"

#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr std::array kFindings{MixFinding::none, MixFinding::mix_explains_difference,
                               MixFinding::mix_hides_difference};

Json estimate_to_json(const Estimate& estimate) {
  return Json::object({{"value", estimate.value}, {"ci95", interval_to_json(estimate.ci95)}});
}

Estimate read_estimate(const JsonReader& reader) {
  return {reader.at("value").number(), read_interval(reader, "ci95")};
}

Json share_to_json(const Estimate& effect, const Estimate& difference) {
  return difference.value == 0 ? Json() : Json(effect.value / difference.value);
}

Json runs_to_json(const RunCounts& counts) {
  return Json::object({{"runs", counts.runs}, {"failed", counts.failed}});
}

RunCounts read_runs(const JsonReader& reader) {
  const RunCounts counts{read_count(reader.at("runs")), read_count(reader.at("failed"))};
  if (counts.failed > counts.runs) {
    reader.fail("more failed runs than runs", "evaluate the log again");
  }
  return counts;
}

Json part_to_json(const CountedPart& part, const Estimate& difference) {
  return Json::object({{"name", part.name},
                       {"subject_count", part.subject_count},
                       {"reference_count", part.reference_count},
                       {"effect", estimate_to_json(part.effect)},
                       {"share", share_to_json(part.effect, difference)}});
}

CountedPart read_part(const JsonReader& reader) {
  return {reader.at("name").string(), reader.at("subject_count").integer(),
          reader.at("reference_count").integer(), read_estimate(reader.at("effect"))};
}

Json breakdown_to_json(const CountedBreakdown& breakdown, const Estimate& difference) {
  Json::Array parts;
  for (const CountedPart& part : breakdown.parts) parts.push_back(part_to_json(part, difference));
  return Json::object({{"parts", std::move(parts)},
                       {"others", part_to_json(breakdown.others, difference)},
                       {"rest", part_to_json(breakdown.rest, difference)}});
}

CountedBreakdown read_breakdown(const JsonReader& reader) {
  CountedBreakdown breakdown;
  for (const JsonReader& part : reader.at("parts").elements()) {
    breakdown.parts.push_back(read_part(part));
  }
  breakdown.others = read_part(reader.at("others"));
  breakdown.rest = read_part(reader.at("rest"));
  return breakdown;
}

Json source_to_json(const SourcePart& part, const Estimate& difference) {
  return Json::object({{"name", part.name},
                       {"subject", runs_to_json(part.subject)},
                       {"reference", runs_to_json(part.reference)},
                       {"rate_effect", estimate_to_json(part.rate_effect)},
                       {"mix_effect", estimate_to_json(part.mix_effect)},
                       {"effect", estimate_to_json(part.effect)},
                       {"share", share_to_json(part.effect, difference)}});
}

SourcePart read_source(const JsonReader& reader) {
  return {reader.at("name").string(),
          read_runs(reader.at("subject")),
          read_runs(reader.at("reference")),
          read_estimate(reader.at("rate_effect")),
          read_estimate(reader.at("mix_effect")),
          read_estimate(reader.at("effect"))};
}

Json sources_to_json(const SourceBreakdown& breakdown, const Estimate& difference) {
  Json::Array parts;
  for (const SourcePart& part : breakdown.parts) parts.push_back(source_to_json(part, difference));
  return Json::object(
      {{"parts", std::move(parts)}, {"others", source_to_json(breakdown.others, difference)}});
}

SourceBreakdown read_sources(const JsonReader& reader) {
  SourceBreakdown breakdown;
  for (const JsonReader& part : reader.at("parts").elements()) {
    breakdown.parts.push_back(read_source(part));
  }
  breakdown.others = read_source(reader.at("others"));
  return breakdown;
}

Json stratified_to_json(const StratifiedDifference& stratified) {
  const auto& difference = stratified.difference;
  return Json::object({{"by", stratified.by},
                       {"strata", stratified.strata},
                       {"subject_share", stratified.subject_share},
                       {"reference_share", stratified.reference_share},
                       {"difference", difference ? estimate_to_json(*difference) : Json()},
                       {"finding", to_string(stratified.finding)}});
}

StratifiedDifference read_stratified(const JsonReader& reader) {
  StratifiedDifference stratified;
  stratified.by = reader.at("by").string();
  stratified.strata = read_count(reader.at("strata"));
  stratified.subject_share = reader.at("subject_share").number();
  stratified.reference_share = reader.at("reference_share").number();
  if (const auto found = reader.find("difference")) stratified.difference = read_estimate(*found);
  stratified.finding = read_word(reader.at("finding"), kFindings);
  return stratified;
}

}  // namespace

Json attribution_to_json(const std::optional<Attribution>& attribution) {
  if (!attribution) return {};
  const Estimate& difference = attribution->difference;
  Json::Array stratified;
  for (const StratifiedDifference& each : attribution->stratified) {
    stratified.push_back(stratified_to_json(each));
  }
  return Json::object({{"subject_name", attribution->subject_name},
                       {"reference_name", attribution->reference_name},
                       {"subject", runs_to_json(attribution->subject)},
                       {"reference", runs_to_json(attribution->reference)},
                       {"difference", estimate_to_json(difference)},
                       {"error_codes", breakdown_to_json(attribution->error_codes, difference)},
                       {"nodes", breakdown_to_json(attribution->nodes, difference)},
                       {"plan_sources", sources_to_json(attribution->plan_sources, difference)},
                       {"stratified", std::move(stratified)}});
}

Attribution read_attribution(const JsonReader& reader) {
  Attribution attribution;
  attribution.subject_name = reader.at("subject_name").string();
  attribution.reference_name = reader.at("reference_name").string();
  attribution.subject = read_runs(reader.at("subject"));
  attribution.reference = read_runs(reader.at("reference"));
  attribution.difference = read_estimate(reader.at("difference"));
  attribution.error_codes = read_breakdown(reader.at("error_codes"));
  attribution.nodes = read_breakdown(reader.at("nodes"));
  attribution.plan_sources = read_sources(reader.at("plan_sources"));
  for (const JsonReader& each : reader.at("stratified").elements()) {
    attribution.stratified.push_back(read_stratified(each));
  }
  return attribution;
}

}  // namespace dagloop
