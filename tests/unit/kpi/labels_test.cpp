// Labels are bounded, figures are not touched by it: against a twin that keeps every code.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "../../support/make_codes.hpp"
#include "awkward_log.hpp"
#include "dagloop/base/label.hpp"
#include "dagloop/kpi/quality.hpp"
#include "kpi/code_pool.hpp"

namespace dagloop {
namespace {

using test::OwnedRecord;
using test::Random;

std::string hex(Random& random, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[random.below(16)];
  return text;
}

std::string word(Random& random) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += static_cast<char>('g' + random.below(20));
  return text;
}

// What services write into the field of an error code.
std::string random_code(Random& random) {
  switch (random.below(14)) {
    case 0:
      return "timeout for req-" + hex(random, 16);
    case 1:
      return "HTTP " + std::to_string(400 + random.below(200)) + " for " + hex(random, 12);
    case 2:
      return "CODE_" + std::to_string(100'000 + random.below(900'000));
    case 3:
      return hex(random, 8) + "-" + hex(random, 4) + "-4" + hex(random, 3) + "-a" + hex(random, 3) +
             "-" + hex(random, 12);
    case 4:
      return "TOOL_AUTH_ERROR";
    case 5:
      return std::to_string(100 + random.below(500));
    case 6:
      return "password=" + hex(random, 9) + " for req-" + hex(random, 16);
    case 7:
      return "token:" + std::to_string(1000 + random.below(100'000'000));
    case 8:
      return "error 401" + hex(random, 8);
    case 9:
      return "key-" + hex(random, 8 + static_cast<int>(random.below(30)));
    case 10:
      return "ERR_401D" + hex(random, 4) + " " + std::to_string(random.below(2'000'000)) + " 503";
    case 11:
      return "error " + std::to_string(random.below(10'000'000)) + " 503 upstream";
    case 12:
      return "VERIFY_" + word(random);
    default:
      return word(random);
  }
}

// Failed runs, most of them with a code of their own.
std::vector<OwnedRecord> failed_runs(Random& random, int count) {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < count; ++i) {
    OwnedRecord record;
    record.run = "r" + std::to_string(i);
    record.status = Status::failed;
    record.error_code = random_code(random);
    record.at = test::at_minute(static_cast<int>(random.below(120)));
    record.cohort = random.chance(0.3) ? Cohort::canary : Cohort::control;
    record.plan_source = random.chance(0.5) ? "llm" : "plan_" + word(random);
    record.pipeline = "p_" + word(random);
    records.push_back(record);
    record.node = "n_" + word(random);
    record.error_code.clear();
    records.push_back(record);
  }
  return records;
}

template <typename Counts>
std::uint64_t total_of(const std::map<std::string, Counts>& by_label,
                       std::uint64_t Counts::*member) {
  std::uint64_t sum = 0;
  for (const auto& [label, counts] : by_label) sum += counts.*member;
  return sum;
}

}  // namespace

TEST_CASE("a pool of codes labels and classifies each as if it stood alone") {
  const ErrorClasses classes;
  CodePool pool(classes);
  Random random(5);
  for (int round = 0; round < 30'000; ++round) {
    const std::string code = random_code(random);
    const LabelledCode alone = classes.label(code);
    CAPTURE(code);
    REQUIRE(alone.error_class == classes.classify(code));
    const LabelledCode pooled = pool.code(pool.intern(code));
    REQUIRE(pooled.label == alone.label);
    REQUIRE(pooled.error_class == alone.error_class);
    REQUIRE(pooled.is_named == alone.is_named);
  }
}

TEST_CASE("a pool does not grow with the ids in its codes") {
  const ErrorClasses classes;
  CodePool pool(classes);
  Random random(6);
  for (int i = 0; i < 100'000; ++i) {
    pool.intern("timeout for req-" + hex(random, 16));
    pool.intern("CODE_" + std::to_string(100'000 + i));
  }
  CHECK(pool.size() < 20);
}

TEST_CASE("classes and rates of a log are those of all its codes, however many there are") {
  const ErrorClasses classes;
  Random random(7);
  const auto records = failed_runs(random, 6000);
  const KpiPartial runs = test::settle(records).sum(test::kRange, Population::dag);
  std::map<ErrorClass, std::uint64_t> twin;
  for (const ErrorClass each : kErrorClasses) twin[each] = 0;
  for (const OwnedRecord& record : records) {
    if (!record.error_code.empty()) ++twin[classes.classify(record.error_code)];
  }
  CHECK(count_error_classes(runs) == twin);
  CHECK(runs.error_codes.size() <= kMostLabels + runs.named_codes.size() + 1);
  CHECK(runs.error_codes.contains("TOOL_AUTH_ERROR"));
  CHECK(runs.error_codes.at(std::string(kOtherLabel)) > 100);
  std::uint64_t coded = 0;
  for (const auto& [label, count] : runs.error_codes) coded += count;
  CHECK(coded == 6000);
  CHECK(runs.nodes.size() == kMostLabels + 1);
  CHECK(total_of(runs.nodes, &NodePartial::attempts) == 6000);
  CHECK(total_of(runs.nodes, &NodePartial::run_node_pairs) == 6000);
  CHECK(runs.plan_sources.size() == kMostLabels + 1);
  CHECK(total_of(runs.plan_sources, &PlanSourcePartial::runs) == 6000);
  CHECK(runs.pipelines.size() == kMostLabels + 1);
  CHECK(total_of(runs.pipelines, &PlanSourcePartial::runs) == 6000);
}

TEST_CASE("labels do not depend on the order of the log, its parts, or who reads them") {
  Random random(8);
  for (int round = 0; round < 4; ++round) {
    auto records = failed_runs(random, 4000);
    const PartialSet whole = test::settle(records);
    const KpiPartial runs = whole.sum(test::kRange, Population::dag);
    test::shuffle(records, random);
    REQUIRE(test::settle(records) == whole);
    // By several tables, and by parts of the time, merged in any order.
    std::vector<RunTable> tables;
    for (int i = 0; i < 3; ++i)
      tables.emplace_back(RunTableOptions{test::kRange, "", Dedupe::runs});
    for (const OwnedRecord& record : records) test::add(record, tables[random.below(3)]);
    REQUIRE(RunTable::finish(std::move(tables), 2) == whole);
    std::vector<std::pair<PartialKey, KpiPartial>> parts(whole.partials.begin(),
                                                         whole.partials.end());
    for (std::size_t i = parts.size(); i > 1; --i) {
      std::swap(parts[i - 1], parts[random.below(i)]);
    }
    KpiPartial left;
    KpiPartial right;
    for (const auto& [key, part] : parts) {
      if (key.population == Population::dag) (random.chance(0.5) ? left : right).merge(part);
    }
    right.merge(left);
    REQUIRE(right == runs);
  }
}

TEST_CASE("nodes of one run that differ by their ids alone are nodes of their own") {
  OwnedRecord first;
  first.at = test::at_minute(5);
  first.node = "fetch-00aa11bb22cc";
  first.status = Status::failed;
  OwnedRecord second = first;
  second.node = "fetch-99ff88ee77dd";
  second.status = Status::succeeded;
  const KpiPartial runs = test::settle({first, second}).sum(test::kRange, Population::dag);
  CHECK(runs.succeeded == 0);
  REQUIRE(runs.nodes.size() == 1);
  CHECK(runs.nodes.at("fetch-<id>").run_node_pairs == 2);
  CHECK(runs.nodes.at("fetch-<id>").attempts == 2);
}

TEST_CASE("of many labels those of the smallest hashes have names, and those of the table always") {
  KpiPartial runs;
  for (int i = 0; i < 5000; ++i) test::fail_by(runs, "E" + std::to_string(10'000 + i));
  test::fail_by(runs, "401", 7);
  runs.bound_labels();
  CHECK(runs.error_codes.size() == kMostLabels + 2);
  CHECK(runs.error_codes.at("401") == 7);
  CHECK(runs.error_codes.at(std::string(kOtherLabel)) == 5000 - kMostLabels);
  KpiPartial again = runs;
  again.bound_labels();
  CHECK(again == runs);
}

}  // namespace dagloop
