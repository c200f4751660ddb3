#include "dagloop/kpi/stratum.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "dagloop/base/label.hpp"
#include "dagloop/kpi/partial.hpp"

namespace dagloop {
namespace {

std::map<Stratum, StratumPartial> runs_of(std::map<Stratum, std::uint64_t> sizes) {
  std::map<Stratum, StratumPartial> runs;
  for (const auto& [stratum, size] : sizes) runs[stratum].total_runs = size;
  return runs;
}

}  // namespace

TEST_CASE("the sixteen largest strata are told apart, by name where they are of one size") {
  std::map<Stratum, std::uint64_t> sizes{{{"etl", "llm"}, 7}, {{"etl", ""}, 900}, {{}, 7}};
  CHECK(largest_strata(runs_of(sizes)) == StrataList{{"etl", ""}, {"", ""}, {"etl", "llm"}});
  for (int i = 10; i < 40; ++i) sizes[{"many" + std::to_string(i), ""}] = 8;
  const StrataList largest = largest_strata(runs_of(sizes));
  REQUIRE(largest.size() == kMostStrata);
  CHECK(largest.front() == Stratum{"etl", ""});
  CHECK(largest.back() == Stratum{"many24", ""});
}

TEST_CASE("strata without a run that is over are none") {
  CHECK(largest_strata(runs_of({{{"open", ""}, 0}})).empty());
  CHECK(largest_strata({}).empty());
}

TEST_CASE("of very many strata those of the smallest hashes keep their names, in any order") {
  KpiPartial all;
  KpiPartial even;
  KpiPartial odd;
  for (int i = 0; i < 2500; ++i) {
    const Stratum stratum{"p" + std::to_string(i % 50), "s" + std::to_string(i / 50)};
    all.strata[stratum].total_runs = 1;
    (i % 2 == 0 ? even : odd).strata[stratum].total_runs = 1;
  }
  all.bound_labels();
  even.bound_labels();
  odd.bound_labels();
  const Stratum other{std::string(kOtherLabel), std::string(kOtherLabel)};
  REQUIRE(all.strata.size() == kMostLabels + 1);
  CHECK(all.strata.at(other).total_runs == 2500 - kMostLabels);
  KpiPartial sum = odd;
  sum.merge(even);
  CHECK(sum.strata == all.strata);
  const StrataList largest = largest_strata(all.strata);
  CHECK(std::ranges::find(largest, other) == largest.end());
  CHECK(by_place(all.strata, largest).at(largest.size()).total_runs == 2500 - kMostStrata);
}

TEST_CASE("what is not among the strata that are told apart is one more") {
  const auto placed =
      by_place(runs_of({{{"a", ""}, 3}, {{"b", ""}, 4}, {{"c", "x"}, 5}}), StrataList{{"b", ""}});
  REQUIRE(placed.size() == 2);
  CHECK(placed.at(0).total_runs == 4);
  CHECK(placed.at(1).total_runs == 8);
}

TEST_CASE("labels that are masked in one source are the same as in one that holds them plain") {
  const std::string secret = "postgresql://u:hunter2@db/x";
  const StrataList strata = largest_strata(runs_of({{{secret, ""}, 3}}));
  REQUIRE(strata.size() == 1);
  CHECK(strata.front().pipeline.find("hunter2") == std::string::npos);
  CHECK(largest_strata(runs_of({{strata.front(), 3}})) == strata);
  CHECK(by_place(runs_of({{{secret, ""}, 3}, {strata.front(), 2}}), strata).at(0).total_runs == 5);
}

TEST_CASE("strata of one pipeline are those of its first one, and the rest stands alone") {
  const StrataList strata{{"a", "llm"}, {"b", "llm"}, {"a", "rule"}};
  CHECK(first_of_pipeline(strata, 2) == 0);
  CHECK(first_of_pipeline(strata, 1) == 1);
  CHECK(first_of_pipeline(strata, 3) == 3);
}

}  // namespace dagloop
