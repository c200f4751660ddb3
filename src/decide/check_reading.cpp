#include "decide/check_reading.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/kpi/kpi_set.hpp"
#include "decide/figures.hpp"

namespace dagloop {

namespace {

Population read_population(const JsonReader& reader) {
  const std::string word = reader.string();
  for (const Population population : {Population::dag, Population::non_dag}) {
    if (word == to_string(population)) return population;
  }
  reader.fail(fmt::format("unknown population \"{}\"", word), "use dag or non_dag");
}

Severity read_severity(const JsonReader& reader) {
  const std::string word = reader.string();
  for (const Severity severity : {Severity::fail, Severity::warn}) {
    if (word == to_string(severity)) return severity;
  }
  reader.fail(fmt::format("unknown severity \"{}\"", word), "use fail or warn");
}

GateCheck read_check(const JsonReader& reader) {
  reader.allow_only({"kpi", "population", "comparator", "threshold", "min_sample", "severity"});
  GateCheck check;
  check.kpi = read_kpi_name(reader.at("kpi"));
  check.comparator = read_comparator(reader.at("comparator"));
  check.threshold = read_threshold(reader.at("threshold"), check.kpi);
  if (const auto place = reader.find("population")) check.population = read_population(*place);
  if (const auto place = reader.find("min_sample")) check.min_sample = read_sample(*place);
  if (const auto place = reader.find("severity")) check.severity = read_severity(*place);
  return check;
}

}  // namespace

std::string read_kpi_name(const JsonReader& reader) {
  std::string name = reader.string();
  const std::vector<std::string>& known = kpi_names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    reader.fail(fmt::format("unknown KPI \"{}\"", name),
                fmt::format("use one of {}", fmt::join(known, ", ")));
  }
  return name;
}

Comparator read_comparator(const JsonReader& reader) {
  const std::string sign = reader.string();
  const auto comparator = parse_comparator(sign);
  if (!comparator) {
    reader.fail(fmt::format("unknown comparator \"{}\"", sign), "use >=, >, <= or <");
  }
  return *comparator;
}

double read_threshold(const JsonReader& reader, const std::string& kpi) {
  const double threshold = reader.number();
  if (threshold < 0) reader.fail("a threshold below 0 is never reached", "give a number from 0 on");
  // The usual mistake is 90 for 90 %: no rate would ever reach it.
  if (is_rate_name(kpi) && threshold > 1) {
    reader.fail(fmt::format("{} is a rate, and {} is above 1", kpi, threshold),
                "give a fraction, e.g. 0.9 for 90 %");
  }
  return threshold;
}

std::uint64_t read_sample(const JsonReader& reader) {
  const std::int64_t count = reader.integer();
  if (count < 1) reader.fail("a sample has at least one observation", "give an integer from 1 on");
  return static_cast<std::uint64_t>(count);
}

std::vector<GateCheck> default_gate() {
  // Of fewer than 20 runs one failure is more than 5 %, the strictest of these limits.
  constexpr std::uint64_t kRuns = 20;
  constexpr std::uint64_t kAttempts = 50;
  return {
      {"pipeline_success_rate", Population::dag, Comparator::at_least, 0.9, kRuns, Severity::fail},
      {"verification_failed_rate", Population::dag, Comparator::at_most, 0.05, kRuns,
       Severity::fail},
      {"attempt_failure_rate", Population::dag, Comparator::at_most, 0.1, kAttempts,
       Severity::warn}};
}

std::vector<GateCheck> parse_gate(const JsonReader& reader) {
  reader.allow_only({"checks"});
  std::vector<GateCheck> checks;
  for (const JsonReader& place : reader.at("checks").elements())
    checks.push_back(read_check(place));
  return checks;
}

}  // namespace dagloop
