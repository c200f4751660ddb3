#include "report/attribution_json.hpp"

#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr OneOf kFinding{std::array{MixFinding::none, MixFinding::mix_explains_difference,
                                    MixFinding::mix_hides_difference}};

constexpr auto kEstimate = fields_of<Estimate>(
    field("value", &Estimate::value), field_or_default("ci95", &Estimate::ci95, kInterval));

constexpr auto kSideRuns = fields_of<RunCounts>(
    field("runs", &RunCounts::runs, kCount), field("failed", &RunCounts::failed, kCount),
    must_hold<RunCounts>([](const RunCounts& counts) { return counts.failed <= counts.runs; }, "",
                         "more failed runs than runs", "evaluate the log again"));

// For readers: what part of the whole difference is an effect.
constexpr auto share_of(double difference) {
  return shown("share", [=](const auto& part) {
    // Computed at writing: shares that are stored could contradict the effects.
    return difference == 0 ? Json() : Json(part.effect.value / difference);
  });
}

constexpr auto breakdown_fields(double difference) {
  const auto part = fields_of<CountedPart>(
      field("name", &CountedPart::name), field("subject_count", &CountedPart::subject_count),
      field("reference_count", &CountedPart::reference_count),
      field("effect", &CountedPart::effect, kEstimate), share_of(difference));
  return fields_of<CountedBreakdown>(field("parts", &CountedBreakdown::parts, part),
                                     field("others", &CountedBreakdown::others, part),
                                     field("rest", &CountedBreakdown::rest, part));
}

constexpr auto source_fields(double difference) {
  const auto part = fields_of<SourcePart>(
      field("name", &SourcePart::name), field("subject", &SourcePart::subject, kSideRuns),
      field("reference", &SourcePart::reference, kSideRuns),
      field("rate_effect", &SourcePart::rate_effect, kEstimate),
      field("mix_effect", &SourcePart::mix_effect, kEstimate),
      field("effect", &SourcePart::effect, kEstimate), share_of(difference));
  return fields_of<SourceBreakdown>(field("parts", &SourceBreakdown::parts, part),
                                    field("others", &SourceBreakdown::others, part));
}

constexpr auto kStratified = fields_of<StratifiedDifference>(
    field("by", &StratifiedDifference::by), field("strata", &StratifiedDifference::strata, kCount),
    field("subject_share", &StratifiedDifference::subject_share),
    field("reference_share", &StratifiedDifference::reference_share),
    field_or_default("difference", &StratifiedDifference::difference, kEstimate),
    field("finding", &StratifiedDifference::finding, kFinding));

constexpr auto attribution_fields(double difference) {
  return fields_of<Attribution>(
      field("subject_name", &Attribution::subject_name),
      field("reference_name", &Attribution::reference_name),
      field("subject", &Attribution::subject, kSideRuns),
      field("reference", &Attribution::reference, kSideRuns),
      field("difference", &Attribution::difference, kEstimate),
      field("error_codes", &Attribution::error_codes, breakdown_fields(difference)),
      field("nodes", &Attribution::nodes, breakdown_fields(difference)),
      field("plan_sources", &Attribution::plan_sources, source_fields(difference)),
      field("stratified", &Attribution::stratified, kStratified));
}

}  // namespace

Json attribution_to_json(const Attribution& attribution) {
  return write_json(attribution_fields(attribution.difference.value), attribution);
}

Attribution read_attribution(const JsonReader& reader) {
  return read_json<Attribution>(attribution_fields(0), reader);
}

}  // namespace dagloop
