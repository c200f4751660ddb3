#include <array>
#include <limits>

#include "dagloop/base/redaction.hpp"
#include "dagloop/record/contract_words.hpp"
#include "dagloop/report/documents.hpp"
#include "report/attribution_json.hpp"
#include "report/earlier_quality.hpp"
#include "report/kpi_json.hpp"
#include "report/news_json.hpp"
#include "report/strata_json.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kQualitySchema = "dagloop.quality_report/1";
constexpr std::string_view kWithThisVersion = "evaluate the log again with this version";

using Counts = std::map<std::string, std::uint64_t>;

Json class_counts_to_json(const Counts& counts) { return write_json(kCount, counts); }

// A class that did not occur is there, too.
Counts read_class_counts(const JsonReader& reader) {
  for (const ErrorClass each : kErrorClasses) static_cast<void>(reader.at(to_string(each)));
  return read_json<Counts>(kCount, reader);
}

// The kinds of all KPIs, from a computation on nothing.
const KpiSet& known_kpis() {
  static const KpiSet kpis = compute_kpis({});
  return kpis;
}

Json kpis_to_json(const KpiSet& kpis) {
  Json::Object all;
  for (const auto& [name, kpi] : kpis.all()) all.emplace_back(name, kpi_to_json(kpi));
  return Json(std::move(all));
}

KpiSet read_kpis(const JsonReader& reader) {
  KpiSet kpis;
  for (const auto& [name, kpi] : reader.members()) {
    // A KPI's kind is not in the document: its name tells it.
    const Kpi* known = known_kpis().find(name);
    if (known == nullptr) kpi.fail("unknown KPI", kWithThisVersion);
    kpis.add(name, read_kpi(kpi, known->kind));
  }
  for (const std::string& name : kpi_names()) {
    // at() says that it is missing; a gate would judge a missing KPI as one without data.
    if (kpis.find(name) == nullptr) static_cast<void>(reader.at(name));
  }
  return kpis;
}

constexpr KpiOf kRate{KpiKind::rate};

constexpr auto kNode = fields_of<NodeKpis>(
    field("attempts", &NodeKpis::attempts, kCount),
    field("failure_rate", &NodeKpis::failure_rate, kRate),
    field("retry_success_rate", &NodeKpis::retry_success_rate, kRate),
    field("p95_latency_ms", &NodeKpis::p95_latency_ms, KpiOf{KpiKind::quantile}));

constexpr auto kPlanSource =
    fields_of<PlanSourceKpis>(field("runs", &PlanSourceKpis::runs, kCount),
                              field("success_rate", &PlanSourceKpis::success_rate, kRate));

constexpr ByHand<KpiSet> kKpiSet{&kpis_to_json, &read_kpis};

constexpr auto kFigures = fields_of<PopulationKpis>(
    field("total_runs", &PopulationKpis::total_runs, kCount),
    field("succeeded_runs", &PopulationKpis::succeeded_runs, kCount),
    field("derived_runs", &PopulationKpis::derived_runs, kCount),
    field("in_flight", &PopulationKpis::in_flight, kCount),
    field("overdue", &PopulationKpis::overdue, kCount),
    field("skipped_runs", &PopulationKpis::skipped_runs, kCount),
    field("cancelled_runs", &PopulationKpis::cancelled_runs, kCount),
    field("unread_runs", &PopulationKpis::unread_runs, kCount),
    field_or_default("unread_attempts", &PopulationKpis::unread_attempts, kCount),
    field_or_default("unread_values", &PopulationKpis::unread_values, kCount),
    field("kpis", &PopulationKpis::kpis, kKpiSet),
    field_or_default("overdue_failed", &PopulationKpis::overdue_failed, kKpiSet),
    field_or_default("worst_case", &PopulationKpis::worst, kKpiSet),
    field_or_default("best_case", &PopulationKpis::best, kKpiSet),
    field("error_codes", &PopulationKpis::error_codes, kCount),
    field("error_classes", &PopulationKpis::error_classes,
          ByHand<Counts>{&class_counts_to_json, &read_class_counts}),
    field("nodes", &PopulationKpis::nodes, kNode),
    field("plan_sources", &PopulationKpis::plan_sources, kPlanSource),
    field("pipelines", &PopulationKpis::pipelines, kPlanSource));

using Populations = std::map<Population, PopulationKpis>;

Json populations_to_json(const Populations& populations) {
  Json document = Json::object();
  for (const auto& [population, figures] : populations) {
    Json& place = document[to_string(population)];
    place = write_json(kFigures, figures);
    if (population != Population::dag) continue;
    Json cohorts = Json::object();
    for (const auto& [cohort, part] : figures.cohorts) {
      cohorts[to_string(cohort)] = write_json(kFigures, part);
    }
    place["cohorts"] = std::move(cohorts);
  }
  return document;
}

Populations read_populations(const JsonReader& reader) {
  Populations populations;
  for (const Population population : {Population::dag, Population::non_dag}) {
    const JsonReader place = reader.at(to_string(population));
    PopulationKpis& figures = populations[population];
    read_json(kFigures, place, figures);
    const auto cohorts = place.find("cohorts");
    if (!cohorts) continue;
    for (const Cohort cohort : {Cohort::canary, Cohort::control}) {
      const auto part = cohorts->find(to_string(cohort));
      if (part) read_json(kFigures, *part, figures.cohorts[cohort]);
    }
  }
  return populations;
}

constexpr auto kOfWindow = fields_of<WindowKpis>(field("window", &WindowKpis::window, kWindow));
constexpr auto kOfPopulations =
    fields_of<WindowKpis>(field("populations", &WindowKpis::populations,
                                ByHand<Populations>{&populations_to_json, &read_populations}));

std::optional<RejectReason> parse_reject_reason(std::string_view word) {
  return value_of(kRejectWords, word);
}

constexpr WordOf<RejectReason> kRejectReason{&parse_reject_reason, "unknown reason",
                                             kWithThisVersion};

using ReasonCounts = std::map<RejectReason, std::uint64_t>;

Json reason_counts_to_json(const ReasonCounts& counts) {
  Json by_reason = Json::object();
  for (const auto& [reason, count] : counts) by_reason[to_string(reason)] = count;
  return by_reason;
}

ReasonCounts read_reason_counts(const JsonReader& reader) {
  ReasonCounts counts;
  for (const auto& [word, count] : reader.members()) {
    const auto reason = parse_reject_reason(word);
    if (!reason) count.fail(kRejectReason.fault, kRejectReason.remedy);
    counts[*reason] = read_count(count);
  }
  return counts;
}

// Names of files may hold a secret or bytes that are no text; neither may reach a document.
Json label_to_json(const std::string& label) { return valid_utf8(redact_label(label)); }
std::string read_label(const JsonReader& reader) { return reader.string(); }

constexpr ByHand<std::string> kLabel{&label_to_json, &read_label};

std::optional<Field> parse_field(std::string_view word) { return field_named(word); }

constexpr WordOf<Field> kField{&parse_field, "unknown field", kWithThisVersion};

constexpr auto kExample = fields_of<MalformedExample>(
    field("file", &MalformedExample::file, kLabel), field("line", &MalformedExample::line, kCount),
    field("reason", &MalformedExample::reason, kRejectReason),
    field_or_default("field", &MalformedExample::field, kField),
    field("found", &MalformedExample::found, kLabel),
    field("wanted", &MalformedExample::wanted, kLabel),
    field("mapping", &MalformedExample::mapping, kLabel));

constexpr auto kMendedExample = fields_of<MendedExample>(
    field("file", &MendedExample::file, kLabel), field("line", &MendedExample::line, kCount),
    field("field", &MendedExample::field, kField), field("found", &MendedExample::found, kLabel),
    field("wanted", &MendedExample::wanted, kLabel));

using FieldCounts = std::map<Field, std::uint64_t>;

Json field_counts_to_json(const FieldCounts& counts) {
  Json by_field = Json::object();
  for (const auto& [field, count] : counts) by_field[to_string(field)] = count;
  return by_field;
}

FieldCounts read_field_counts(const JsonReader& reader) {
  FieldCounts counts;
  for (const auto& [word, count] : reader.members()) {
    const auto field = field_named(word);
    if (!field) count.fail(kField.fault, kField.remedy);
    counts[*field] = read_count(count);
  }
  return counts;
}

constexpr auto kLineShare = fields_of<LineShare>(field("lines", &LineShare::lines, kCount),
                                                 field("unread", &LineShare::unread, kCount));

constexpr auto kCohortLines =
    fields_of<RangeLines>(field("canary", &RangeLines::canary, kLineShare),
                          field("control", &RangeLines::control, kLineShare));

Json window_lines_to_json(const RangeLines& lines) {
  Json document = write_json(kLineShare, lines.all);
  document["cohorts"] = write_json(kCohortLines, lines);
  return document;
}

RangeLines read_window_lines(const JsonReader& reader) {
  RangeLines lines;
  read_json(kLineShare, reader, lines.all);
  read_json(kCohortLines, reader.at("cohorts"), lines);
  return lines;
}

constexpr ByHand<RangeLines> kWindowLines{&window_lines_to_json, &read_window_lines};

constexpr std::array kCancelled{Cancelled::counted, Cancelled::excluded};

// Runs that are in the populations are shown beside what was read.
struct ShownRuns {
  std::uint64_t derived = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t overdue = 0;
  std::uint64_t skipped = 0;
  std::uint64_t cancelled = 0;
  const char* cancelled_are = "counted";
};

ShownRuns runs_shown(const Quality& quality) {
  ShownRuns runs{quality.derived_runs(),      quality.in_flight(), 0, 0, 0,
                 to_string(quality.cancelled)};
  for (const auto& [population, figures] : quality.current.populations) {
    runs.overdue += figures.overdue;
    runs.skipped += figures.skipped_runs;
    runs.cancelled += figures.cancelled_runs;
  }
  return runs;
}

// Of a database alone: a report of files does not say that there are none.
constexpr Entry kWithoutTime{
    [](const InputCounts& input, Json::Object& into) {
      if (input.without_time > 0) into.emplace_back("without_time", input.without_time);
    },
    field_or_default("without_time", &InputCounts::without_time, kCount).read};

constexpr auto input_fields(const ShownRuns& runs) {
  return fields_of<InputCounts>(
      field("records", &InputCounts::records, kCount),
      field("run_records", &InputCounts::run_records, kCount),
      field("node_records", &InputCounts::node_records, kCount),
      shown("derived_runs", [=](const InputCounts&) { return runs.derived; }),
      field("duplicates", &InputCounts::duplicates, kCount),
      shown("in_flight", [=](const InputCounts&) { return runs.in_flight; }),
      shown("overdue", [=](const InputCounts&) { return runs.overdue; }),
      shown("skipped_runs", [=](const InputCounts&) { return runs.skipped; }),
      shown("cancelled_runs", [=](const InputCounts&) { return runs.cancelled; }),
      shown("cancelled", [=](const InputCounts&) { return runs.cancelled_are; }),
      field("other_lines", &InputCounts::other_lines, kCount),
      field("malformed", &InputCounts::malformed, kCount), kWithoutTime,
      field("malformed_by_reason", &InputCounts::malformed_by_reason,
            ByHand<ReasonCounts>{&reason_counts_to_json, &read_reason_counts}),
      field("examples", &InputCounts::examples, kExample),
      field("mended_by_field", &InputCounts::mended_by_field,
            ByHand<FieldCounts>{&field_counts_to_json, &read_field_counts}),
      field("mended_examples", &InputCounts::mended_examples, kMendedExample),
      field("window", &InputCounts::window, kWindowLines),
      field("out_of_range", &InputCounts::out_of_range, kCount),
      field("set_aside", &InputCounts::set_aside, kCount),
      field_or_default("newest_record", &InputCounts::newest_record));
}

constexpr Entry kInput{[](const Quality& quality, Json::Object& into) {
                         const auto fields = input_fields(runs_shown(quality));
                         into.emplace_back("input", write_json(fields, quality.input));
                         if (quality.tells_unread) return;
                         std::erase_if(into.back().second.as_object(),
                                       [](const auto& each) { return each.first == "window"; });
                       },
                       [](const JsonReader& place, Quality& into) {
                         const JsonReader input = place.at("input");
                         read_json(input_fields(ShownRuns()), input, into.input);
                         into.cancelled = read_word(input.at("cancelled"), kCancelled);
                       }};

Json durations_to_json(const CoarseDurations& durations) {
  Json::Array buckets;
  for (const auto& [bucket, count] : durations) {
    buckets.emplace_back(Json::Array{std::int64_t{bucket}, count});
  }
  return Json(std::move(buckets));
}

CoarseDurations read_durations(const JsonReader& reader) {
  CoarseDurations durations;
  std::int64_t before = -1;
  for (const JsonReader& place : reader.elements()) {
    const auto pair = place.elements();
    const std::int64_t bucket = pair.size() == 2 ? pair[0].integer() : -1;
    // Ascending and each once, as they are written. A bucket beyond the last double would be
    // infinite.
    if (bucket <= before || bucket >= coarse_bucket(std::numeric_limits<double>::max())) {
      place.fail("is no bucket behind the one before", kEvaluateAgain);
    }
    before = bucket;
    durations.emplace_back(static_cast<std::int32_t>(bucket), read_count(pair[1]));
    if (durations.back().second == 0) place.fail("has no durations", kEvaluateAgain);
  }
  return durations;
}

constexpr ByHand<CoarseDurations> kDurations{&durations_to_json, &read_durations};

constexpr auto kNodeFigures = fields_of<NodeFigures>(
    field("pairs", &NodeFigures::pairs, kCount), field("attempts", &NodeFigures::attempts, kCount),
    field("failed_attempts", &NodeFigures::failed_attempts, kCount),
    field("retries", &NodeFigures::retries, kCount),
    field("retries_succeeded", &NodeFigures::retries_succeeded, kCount),
    field("durations", &NodeFigures::durations, kDurations));

constexpr auto kService =
    fields_of<ServiceFigures>(field("durations", &ServiceFigures::durations, kDurations),
                              field("nodes", &ServiceFigures::nodes, kNodeFigures));

// Only where it says more than `window` does.
constexpr Entry kWholeWindow{[](const Quality& quality, Json::Object& into) {
                               if (!quality.whole_window_s) return;
                               into.emplace_back("whole_window_s", *quality.whole_window_s);
                             },
                             [](const JsonReader& place, Quality& into) {
                               const auto found = place.find("whole_window_s");
                               if (found) into.whole_window_s = read_count(*found);
                             }};

// Only where plain figures do not say the same.
constexpr Entry kComparableRuns{[](const Quality& quality, Json::Object& into) {
                                  if (quality.comparable) {
                                    into.emplace_back("comparable",
                                                      comparable_to_json(*quality.comparable));
                                  }
                                },
                                [](const JsonReader& place, Quality& into) {
                                  if (const auto found = place.find("comparable"))
                                    into.comparable = read_comparable(*found);
                                }};

constexpr auto kQuality = fields_of<Quality>(
    shown("schema", [](const Quality&) { return kQualitySchema; }),
    field("generated_at", &Quality::generated_at), field("as_of", &Quality::as_of),
    inlined(&Quality::current, kOfWindow), kInput, inlined(&Quality::current, kOfPopulations),
    field_or_default("baseline", &Quality::baseline,
                     fields_of<WindowKpis>(kOfWindow, kOfPopulations)),
    kWholeWindow, field_or_default("news", &Quality::news, ByHand<News>{&news_to_json, &read_news}),
    field_or_default("attribution", &Quality::attribution,
                     ByHand<Attribution>{&attribution_to_json, &read_attribution}),
    kComparableRuns, field_or_default("service", &Quality::service, kService));

}  // namespace

Json quality_to_json(const Quality& quality) { return write_json(kQuality, quality); }

Quality quality_from_json(const Json& document, std::string_view where) {
  const JsonReader reader(document, std::string(where));
  expect_schema(reader, kQualitySchema);
  if (!is_of_earlier_version(document)) return read_json<Quality>(kQuality, reader);
  const Json completed = with_later_members(document);
  auto quality = read_json<Quality>(kQuality, JsonReader(completed, std::string(where)));
  quality.tells_unread = false;
  return quality;
}

}  // namespace dagloop
