#include "dagloop/kpi/attribution.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "listed_runs.hpp"

namespace dagloop {
namespace {

using test::ListedRun;
using test::mean_of;
using test::Random;
using Runs = std::vector<ListedRun>;

constexpr double kExact = 1e-12;

Attribution attributed(const KpiPartial& subject, const KpiPartial& reference) {
  const auto found = attribute({"canary", subject, {}}, {"control", reference, {}});
  REQUIRE(found);
  return *found;
}

double sum_of(const CountedBreakdown& breakdown) {
  double sum = breakdown.others.effect.value + breakdown.rest.effect.value;
  for (const CountedPart& part : breakdown.parts) sum += part.effect.value;
  return sum;
}

double sum_of(const SourceBreakdown& breakdown) {
  double sum = breakdown.others.effect.value;
  for (const SourcePart& part : breakdown.parts) sum += part.effect.value;
  return sum;
}

template <typename Part>
const Part* find(const std::vector<Part>& parts, const std::string& name) {
  for (const Part& part : parts) {
    if (part.name == name) return &part;
  }
  return nullptr;
}

double difference_of(const Runs& subject, const Runs& reference, const auto& figure) {
  return mean_of(subject, figure) - mean_of(reference, figure);
}

void check_codes(const CountedBreakdown& found, const Runs& subject, const Runs& reference) {
  for (const char* code : {"LLM_TIMEOUT", "TOOL_TIMEOUT", "503"}) {
    const auto is_it = [&](const ListedRun& run) { return run.error_code == code; };
    const CountedPart* part = find(found.parts, code);
    const double expected = difference_of(subject, reference, is_it);
    REQUIRE((part == nullptr ? 0 : part->effect.value) == Approx(expected).margin(kExact));
  }
  const double rest = difference_of(subject, reference, [](const ListedRun& run) {
    return (run.failed && run.error_code.empty() ? 1 : 0) -
           (!run.failed && !run.error_code.empty() ? 1 : 0);
  });
  REQUIRE(found.rest.effect.value == Approx(rest).margin(kExact));
}

void check_nodes(const CountedBreakdown& found, const Runs& subject, const Runs& reference) {
  for (const char* node : {"plan", "rank", "send"}) {
    const auto failed_at = [&](const ListedRun& run) { return run.failed_at(node); };
    const CountedPart* part = find(found.parts, node);
    const double expected = difference_of(subject, reference, failed_at);
    REQUIRE((part == nullptr ? 0 : part->effect.value) == Approx(expected).margin(kExact));
  }
  const double rest = difference_of(subject, reference, [](const ListedRun& run) {
    int left = run.failed ? 1 : 0;
    for (const auto& [node, attempts] : run.nodes) left -= run.failed_at(node) ? 1 : 0;
    return left;
  });
  REQUIRE(found.rest.effect.value == Approx(rest).margin(kExact));
}

// Every run against the mean of all, and against the other side's runs of its source.
void check_sources(const SourceBreakdown& found, const Runs& subject, const Runs& reference) {
  const auto failed = [](const ListedRun& run) { return run.failed; };
  const double mean = (mean_of(subject, failed) + mean_of(reference, failed)) / 2;
  for (const char* source : {"", "llm", "rule", "dag_template"}) {
    const auto of = [&](const ListedRun& run) { return run.plan_source == source; };
    const double excess = difference_of(subject, reference, [&](const ListedRun& run) {
      return of(run) ? (run.failed ? 1 : 0) - mean : 0;
    });
    const SourcePart* part = find(found.parts, source);
    REQUIRE((part == nullptr ? 0 : part->effect.value) == Approx(excess).margin(kExact));
    if (part == nullptr) continue;
    const auto failed_of = [&](const ListedRun& run) { return of(run) && run.failed; };
    double rate = 0;
    if (mean_of(subject, of) > 0 && mean_of(reference, of) > 0) {
      const double other = mean_of(reference, failed_of) / mean_of(reference, of);
      const double own = mean_of(subject, failed_of) / mean_of(subject, of);
      const double with_subjects_mix = mean_of(subject, [&](const ListedRun& run) {
        return of(run) ? (run.failed ? 1 : 0) - other : 0;
      });
      const double with_references_mix = mean_of(reference, [&](const ListedRun& run) {
        return of(run) ? own - (run.failed ? 1 : 0) : 0;
      });
      rate = (with_subjects_mix + with_references_mix) / 2;
    }
    REQUIRE(part->rate_effect.value == Approx(rate).margin(kExact));
    REQUIRE(part->mix_effect.value == Approx(excess - rate).margin(kExact));
  }
}

// 200 runs against 1,000: 30 % and 10 % fail.
KpiPartial example_subject() {
  KpiPartial runs;
  runs.total_runs = 200;
  runs.succeeded = 140;
  runs.error_codes = {{"LLM_TIMEOUT", 40}};
  runs.plan_sources = {{"llm", {150, 96}}, {"rule", {50, 44}}};
  return runs;
}

KpiPartial example_reference() {
  KpiPartial runs;
  runs.total_runs = 1000;
  runs.succeeded = 900;
  runs.error_codes = {{"LLM_TIMEOUT", 50}};
  runs.plan_sources = {{"llm", {400, 340}}, {"rule", {600, 560}}};
  return runs;
}

bool is_near(const Estimate& found, double value, double low, double high) {
  return std::abs(found.value - value) < kExact && std::abs(found.ci95->low - low) < kExact &&
         std::abs(found.ci95->high - high) < kExact;
}

}  // namespace

TEST_CASE("a difference is attributed as by looking at run after run") {
  Random random(501);
  for (int round = 0; round < 150; ++round) {
    const Runs subject = test::random_runs(random, 1 + random.below(60), random.uniform());
    const Runs reference = test::random_runs(random, 1 + random.below(200), random.uniform());
    const Attribution found =
        attributed(test::partial_of(subject, random), test::partial_of(reference, random));
    const auto failed = [](const ListedRun& run) { return run.failed; };
    REQUIRE(found.subject.runs == subject.size());
    REQUIRE(found.difference.value ==
            Approx(difference_of(subject, reference, failed)).margin(kExact));
    check_codes(found.error_codes, subject, reference);
    check_nodes(found.nodes, subject, reference);
    check_sources(found.plan_sources, subject, reference);
    for (const double sum :
         {sum_of(found.error_codes), sum_of(found.nodes), sum_of(found.plan_sources)}) {
      REQUIRE(std::abs(sum - found.difference.value) < kExact);
    }
  }
}

TEST_CASE("neither the order of the log nor its division changes an attribution") {
  Random random(502);
  for (int round = 0; round < 30; ++round) {
    const Runs subject = test::random_runs(random, 40, 0.5);
    const Runs reference = test::random_runs(random, 90, 0.3);
    const KpiPartial whole = test::partial_of(reference, random);
    const auto middle = reference.begin() + static_cast<std::ptrdiff_t>(random.below(91));
    KpiPartial merged = test::partial_of({middle, reference.end()}, random);
    merged.merge(test::partial_of({reference.begin(), middle}, random));
    const KpiPartial other = test::partial_of(subject, random);
    REQUIRE(attributed(other, whole) == attributed(test::partial_of(subject, random), merged));
  }
}

TEST_CASE("with more labels than are shown the others are one row and the sum stays exact") {
  KpiPartial subject = test::settle({}).sum(test::kRange, Population::dag);
  subject.total_runs = 1000;
  KpiPartial reference = subject;
  reference.succeeded = 1000;
  for (std::uint64_t i = 1; i <= 9; ++i) {
    const std::string name = "label" + std::to_string(i);
    subject.error_codes[name] = 10 * i;
    subject.nodes[name] = {2 * i, 2 * i, 0, 0, i, {}};
    subject.plan_sources[name] = {100, 100 - 10 * i};
    reference.plan_sources[name] = {100, 100};
  }
  subject.succeeded = 1000 - 450;
  const Attribution found = attributed(subject, reference);
  REQUIRE(found.error_codes.parts.size() == Attribution::kShownParts);
  CHECK(found.error_codes.parts.front().name == "label9");
  CHECK(found.error_codes.parts.front().effect.value == Approx(0.09));
  CHECK(found.error_codes.others.subject_count == 10 + 20 + 30 + 40);
  CHECK(found.error_codes.others.effect.ci95);
  CHECK_FALSE(found.nodes.others.effect.ci95);
  CHECK(found.nodes.others.subject_count == 1 + 2 + 3 + 4);
  CHECK(found.plan_sources.parts.size() == Attribution::kShownParts);
  CHECK(found.plan_sources.others.subject == RunCounts{500, 100});  // "" and labels 1 to 4
  for (const double sum :
       {sum_of(found.error_codes), sum_of(found.nodes), sum_of(found.plan_sources)}) {
    CHECK(std::abs(sum - 0.45) < kExact);
  }
}

TEST_CASE("effects of the same size come by name, and great gains stand beside great losses") {
  KpiPartial subject;
  subject.total_runs = 100;
  subject.succeeded = 70;
  subject.error_codes = {{"b", 10}, {"a", 10}, {"little", 1}};
  KpiPartial reference = subject;
  reference.error_codes = {{"gone", 30}};
  const CountedBreakdown found = attributed(subject, reference).error_codes;
  REQUIRE(found.parts.size() == 4);
  CHECK(found.parts[0].name == "gone");
  CHECK(found.parts[0].effect.value == Approx(-0.3));
  CHECK(found.parts[1].name == "a");
  CHECK(found.parts[2].name == "b");
  CHECK_FALSE(found.others.effect.ci95);  // there are none
}

// From an implementation of the cited formulas in Python (math.sqrt on plain floats).
TEST_CASE("figures and intervals are those of an independent computation") {
  const Attribution found = attributed(example_subject(), example_reference());
  CHECK(is_near(found.difference, 0.2, 0.137414325292961, 0.268942603309155));
  const CountedPart& code = found.error_codes.parts.front();
  CHECK(code.name == "LLM_TIMEOUT");
  CHECK(is_near(code.effect, 0.15, 0.0981394516347241, 0.212001970958769));
  CHECK(found.error_codes.rest.subject_count == 20);
  const SourcePart* llm = find(found.plan_sources.parts, "llm");
  REQUIRE(llm != nullptr);
  CHECK(is_near(llm->rate_effect, 0.12075, 0.0736328236318702, 0.169913349828249));
  CHECK(is_near(llm->mix_effect, 0.01925, 1.48237781986624e-06, 0.0387733339816115));
  CHECK(is_near(llm->effect, 0.14, 0.0891027138291556, 0.19289797289209));
  const SourcePart* rule = find(found.plan_sources.parts, "rule");
  REQUIRE(rule != nullptr);
  CHECK(is_near(rule->rate_effect, 0.0226666666666667, -0.00614345487345438, 0.0733748257594699));
  CHECK(is_near(rule->mix_effect, 0.0373333333333333, 0.0120305308128331, 0.0560604538468701));
  CHECK(is_near(rule->effect, 0.06, 0.0216560967225821, 0.114055734583017));
}

TEST_CASE("a source that one side lacks is all mix") {
  KpiPartial subject;
  subject.total_runs = 100;
  subject.succeeded = 80;
  subject.plan_sources = {{"llm", {100, 80}}};
  KpiPartial reference = subject;
  reference.succeeded = 90;
  reference.plan_sources = {{"rule", {100, 90}}};
  const SourceBreakdown found = attributed(subject, reference).plan_sources;
  REQUIRE(found.parts.size() == 2);
  for (const SourcePart& part : found.parts) {
    CHECK(part.rate_effect == Estimate{});
    CHECK(part.effect == part.mix_effect);
    CHECK(part.mix_effect.value == Approx(0.05));  // 5 points above, 5 below the mean left
  }
}

TEST_CASE("where all runs are of one source there is no mix") {
  KpiPartial subject;
  subject.total_runs = 100;
  subject.succeeded = 80;
  KpiPartial reference = subject;
  reference.succeeded = 90;
  const Attribution found = attributed(subject, reference);
  REQUIRE(found.plan_sources.parts.size() == 1);
  const SourcePart& all = found.plan_sources.parts.front();
  CHECK(all.name.empty());
  CHECK(all.mix_effect == Estimate{});
  CHECK(all.effect == found.difference);
}

TEST_CASE("succeeded runs with a code leave a rest below zero, and no interval for it") {
  KpiPartial subject;
  subject.total_runs = 100;
  subject.succeeded = 100;
  subject.error_codes = {{"TOOL_TIMEOUT", 30}};
  KpiPartial reference;
  reference.total_runs = 100;
  reference.succeeded = 100;
  const CountedBreakdown found = attributed(subject, reference).error_codes;
  CHECK(found.parts.front().effect.value == Approx(0.3));
  CHECK(found.rest.subject_count == -30);
  CHECK(found.rest.effect.value == Approx(-0.3));
  CHECK_FALSE(found.rest.effect.ci95);
}

TEST_CASE("a node that a retry saved failed nowhere for good") {
  KpiPartial subject;
  subject.total_runs = 10;
  subject.succeeded = 8;
  subject.nodes["rank"] = {13, 5, 3, 1, 10, {}};  // 10 runs, 8 of them with one that succeeded
  KpiPartial reference;
  reference.total_runs = 10;
  reference.succeeded = 10;
  reference.nodes["rank"] = {12, 1, 2, 1, 10, {}};  // one run has succeeded twice
  const CountedBreakdown found = attributed(subject, reference).nodes;
  REQUIRE(found.parts.size() == 1);
  CHECK(found.parts.front().subject_count == 2);
  CHECK(found.parts.front().reference_count == 0);
}

TEST_CASE("labels that look like secrets are masked in an attribution") {
  KpiPartial subject = example_subject();
  subject.error_codes = {{"password=hunter2", 3}};
  subject.nodes["ghp_16C7e42F292c6912E7710c838347Ae178B4a"] = {3, 3, 0, 0, 3, {}};
  subject.plan_sources = {{"jane@example.org", {200, 140}}};
  const Attribution found = attributed(subject, subject);
  CHECK(found.error_codes.parts.front().name.starts_with("password=***#"));
  CHECK(found.nodes.parts.front().name.starts_with("***#"));
  CHECK(found.plan_sources.parts.front().name.starts_with("***#"));
}

TEST_CASE("a side without runs leaves nothing to attribute") {
  CHECK_FALSE(attribute({"canary", {}, {}}, {"control", example_reference(), {}}));
  CHECK_FALSE(attribute({"canary", example_subject(), {}}, {"control", {}, {}}));
}

TEST_CASE("hours of the day are compared where both sides have them") {
  const AttributedSide subject{"canary", example_subject(), Strata{{"05", {200, 60}}}};
  AttributedSide reference{"control", example_reference(), Strata{{"05", {1000, 100}}}};
  const auto both = attribute(subject, reference);
  REQUIRE(both->stratified.size() == 2);
  CHECK(both->stratified[0].by == "plan_source");
  CHECK(both->stratified[1].by == "hour_of_day");
  reference.hours.reset();
  CHECK(attribute(subject, reference)->stratified.size() == 1);
}

// 2,000 draws: a 95 % interval covers at least 93.5 % but once in a thousand such tests.
TEST_CASE("the intervals of a plan source's effects hold the truth") {
  Random random(503);
  const double share[2] = {0.4, 0.25};
  const double rate[2][2] = {{0.3, 0.1}, {0.15, 0.1}};  // side, source
  const double mean = (0.4 * 0.3 + 0.6 * 0.1 + 0.25 * 0.15 + 0.75 * 0.1) / 2;
  const double true_rate = (0.4 + 0.25) / 2 * 0.15;
  const double true_mix = (0.4 - 0.25) * ((0.3 + 0.15) / 2 - mean);
  int held[3] = {0, 0, 0};
  for (int draw = 0; draw < 2000; ++draw) {
    KpiPartial sides[2];
    for (int side = 0; side < 2; ++side) {
      sides[side].total_runs = side == 0 ? 120 : 400;
      for (std::uint64_t i = 0; i < sides[side].total_runs; ++i) {
        const int source = random.chance(share[side]) ? 0 : 1;
        const bool failed = random.chance(rate[side][source]);
        sides[side].plan_sources[source == 0 ? "llm" : "rule"].merge({1, failed ? 0U : 1U});
        sides[side].succeeded += failed ? 0 : 1;
      }
    }
    const Attribution found = attributed(sides[0], sides[1]);
    const SourcePart* llm = find(found.plan_sources.parts, "llm");
    const auto holds = [](const Estimate& estimate, double truth) {
      return estimate.ci95->low <= truth && truth <= estimate.ci95->high ? 1 : 0;
    };
    held[0] += holds(llm->rate_effect, true_rate);
    held[1] += holds(llm->mix_effect, true_mix);
    held[2] += holds(llm->effect, true_rate + true_mix);
  }
  CAPTURE(held[0], held[1], held[2]);
  for (const int count : held) CHECK((count >= 1870 && count <= 1990));
}

}  // namespace dagloop
