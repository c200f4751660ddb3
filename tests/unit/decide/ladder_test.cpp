#include "dagloop/decide/ladder.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const std::vector<int> kLadder{0, 10, 30, 60, 100};

TEST_CASE("step above is the next step of the ladder, from a step or from between two") {
  const std::vector<std::pair<int, std::optional<int>>> cases{
      {0, 10},  {1, 10},   {9, 10},   {10, 30},           {30, 60},
      {59, 60}, {60, 100}, {99, 100}, {100, std::nullopt}};
  for (const auto& [percent, above] : cases) {
    CAPTURE(percent);
    CHECK(step_above(kLadder, percent) == above);
  }
}

TEST_CASE("step below is the step before, from a step or from between two") {
  const std::vector<std::pair<int, std::optional<int>>> cases{
      {0, std::nullopt}, {1, 0},   {10, 0},  {11, 10}, {30, 10},
      {31, 30},          {60, 30}, {61, 60}, {100, 60}};
  for (const auto& [percent, below] : cases) {
    CAPTURE(percent);
    CHECK(step_below(kLadder, percent) == below);
  }
}

TEST_CASE("a ladder that does not begin at 0 or end at 100 has no step beyond its ends") {
  const std::vector<int> ladder{5, 50};
  CHECK(step_below(ladder, 5) == std::nullopt);
  CHECK(step_below(ladder, 3) == std::nullopt);
  CHECK(step_above(ladder, 0) == 5);
  CHECK(step_above(ladder, 50) == std::nullopt);
  CHECK(step_above(ladder, 70) == std::nullopt);
  CHECK(step_below(ladder, 70) == 50);
}

TEST_CASE("an empty ladder has no steps") {
  CHECK(step_above({}, 0) == std::nullopt);
  CHECK(step_below({}, 100) == std::nullopt);
}

TEST_CASE("a ladder that does not rise, or leaves 0 to 100, is a bug of the caller") {
  for (const std::vector<int>& ladder :
       {std::vector<int>{0, 30, 10}, {0, 10, 10}, {-1, 10}, {0, 101}}) {
    CHECK_THROWS_AS(step_above(ladder, 0), Error);
    CHECK_THROWS_AS(step_below(ladder, 0), Error);
  }
}

TEST_CASE("up and down again comes back to the step, and steps agree with a slow search") {
  for (int percent = 0; percent <= 100; ++percent) {
    std::optional<int> above;
    std::optional<int> below;
    for (const int step : kLadder) {
      if (step > percent && !above) above = step;
      if (step < percent) below = step;
    }
    CAPTURE(percent);
    CHECK(step_above(kLadder, percent) == above);
    CHECK(step_below(kLadder, percent) == below);
  }
  for (std::size_t i = 0; i + 1 < kLadder.size(); ++i) {
    CHECK(step_below(kLadder, *step_above(kLadder, kLadder[i])) == kLadder[i]);
  }
}

}  // namespace
}  // namespace dagloop
