#include "report/block_json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dagloop {
namespace {

constexpr const char* kEvaluateOnceMore = "evaluate the log again";

// Hundreds of sides are written: their counts stand by place, not by name.
constexpr std::array kPlaces{
    &ArmFigures::runs,           &ArmFigures::failed,   &ArmFigures::auth_errors,
    &ArmFigures::server_errors,  &ArmFigures::timed,    &ArmFigures::slow,
    &ArmFigures::over_threshold, &ArmFigures::attempts, &ArmFigures::failed_attempts,
    &ArmFigures::aided};

constexpr std::array<std::pair<const char*, ArmFigures NewsStep::*>, 4> kSides{
    {{"canary", &NewsStep::canary},
     {"control", &NewsStep::control},
     {"all", &NewsStep::all},
     {"before", &NewsStep::before}}};

bool has_runs(const NewsStep& step) {
  return std::ranges::any_of(kSides,
                             [&](const auto& side) { return (step.*side.second).runs > 0; });
}

Json block_to_json(const NewsStep& step) {
  Json::Object block{{"start", format_time(step.window.start)},
                     {"end", format_time(step.window.end)}};
  for (const auto& [name, side] : kSides) {
    const ArmFigures& arm = step.*side;
    if (arm.runs == 0) continue;
    Json::Array counts;
    for (const auto place : kPlaces) counts.emplace_back(arm.*place);
    block.emplace_back(name, Json(std::move(counts)));
  }
  return Json(std::move(block));
}

ArmFigures read_counts(const JsonReader& reader) {
  const auto counts = reader.elements();
  if (counts.size() != kPlaces.size()) reader.fail("is no list of ten counts", kEvaluateOnceMore);
  ArmFigures arm;
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    const std::int64_t count = counts[i].integer();
    if (count < 0) counts[i].fail("is less than nothing", kEvaluateOnceMore);
    arm.*kPlaces[i] = static_cast<std::uint64_t>(count);
  }
  const bool are_parts = arm.failed <= arm.runs && arm.auth_errors <= arm.runs &&
                         arm.server_errors <= arm.runs && arm.timed <= arm.runs &&
                         arm.slow <= arm.timed && arm.over_threshold <= arm.timed &&
                         arm.failed_attempts <= arm.attempts && arm.aided <= arm.runs;
  if (!are_parts) reader.fail("a part is more than the whole", kEvaluateOnceMore);
  return arm;
}

}  // namespace

Json blocks_to_json(const std::vector<NewsStep>& steps) {
  Json::Array blocks;
  for (const NewsStep& step : steps) {
    if (has_runs(step)) blocks.push_back(block_to_json(step));
  }
  // Steps of a tick may be more. Who decides from its report has the whole.
  if (blocks.size() > kMostBlocks) blocks.clear();
  return Json(std::move(blocks));
}

std::vector<NewsStep> read_blocks(const JsonReader& reader) {
  std::vector<NewsStep> steps;
  for (const JsonReader& place : reader.elements()) {
    place.allow_only({"start", "end", "canary", "control", "all", "before"});
    NewsStep step;
    step.window = {place.at("start").time(), place.at("end").time()};
    const bool follows = steps.empty() || steps.back().window.end <= step.window.start;
    if (!follows || step.window.end <= step.window.start) {
      place.fail("does not lie behind the block before", kEvaluateOnceMore);
    }
    for (const auto& [name, side] : kSides) {
      if (const auto counts = place.find(name)) step.*side = read_counts(*counts);
    }
    steps.push_back(std::move(step));
  }
  if (steps.size() > kMostBlocks) reader.fail("has too many blocks", kEvaluateOnceMore);
  return steps;
}

}  // namespace dagloop
