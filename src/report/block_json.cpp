#include "report/block_json.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace dagloop {
namespace {

constexpr const char* kEvaluateOnceMore = "evaluate the log again";

// A side of a stratum takes some 50 bytes: a report stays below 256 KiB.
constexpr std::size_t kMostSidesOfStrata = 2000;

// Hundreds of sides are written: their counts stand by place, not by name.
constexpr std::array kPlaces{
    &ArmFigures::runs,           &ArmFigures::failed,   &ArmFigures::auth_errors,
    &ArmFigures::server_errors,  &ArmFigures::timed,    &ArmFigures::slow,
    &ArmFigures::over_threshold, &ArmFigures::attempts, &ArmFigures::failed_attempts,
    &ArmFigures::aided};

// Of a step, and of one stratum of it.
template <typename Sides>
constexpr std::array<std::pair<const char*, ArmFigures Sides::*>, 4> kSides{
    {{"canary", &Sides::canary},
     {"control", &Sides::control},
     {"all", &Sides::all},
     {"before", &Sides::before}}};

template <typename Sides>
std::size_t count_sides(const Sides& of) {
  return static_cast<std::size_t>(std::ranges::count_if(
      kSides<Sides>, [&](const auto& side) { return (of.*side.second).runs > 0; }));
}

template <typename Sides>
void add_sides(const Sides& of, Json::Object& block) {
  for (const auto& [name, side] : kSides<Sides>) {
    const ArmFigures& arm = of.*side;
    if (arm.runs == 0) continue;
    Json::Array counts;
    for (const auto place : kPlaces) counts.emplace_back(arm.*place);
    block.emplace_back(name, Json(std::move(counts)));
  }
}

template <typename Sides>
void merge_sides(const Sides& from, Sides& into) {
  for (const auto& [name, side] : kSides<Sides>) {
    for (const auto place : kPlaces) into.*side.*place += from.*side.*place;
  }
}

void merge_step(const NewsStep& later, NewsStep& into) {
  into.window.end = later.window.end;
  merge_sides(later, into);
  for (const StratumNews& each : later.by_stratum) {
    StratumNews fresh;
    fresh.stratum = each.stratum;
    merge_sides(each, at_stratum(into.by_stratum, fresh));
  }
}

std::vector<NewsStep> in_pairs(const std::vector<NewsStep>& steps) {
  std::vector<NewsStep> pairs;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    i % 2 == 0 ? pairs.push_back(steps[i]) : merge_step(steps[i], pairs.back());
  }
  return pairs;
}

enum class StrataOf { told_apart, one };

Json block_to_json(const NewsStep& step, StrataOf strata) {
  Json::Object block{{"start", format_time(step.window.start)},
                     {"end", format_time(step.window.end)}};
  add_sides(step, block);
  if (strata == StrataOf::one) return Json(std::move(block));
  Json::Array by_stratum;
  for (const StratumNews& each : step.by_stratum) {
    if (count_sides(each) == 0) continue;
    Json::Object of{{"stratum", Json(std::uint64_t{each.stratum})}};
    add_sides(each, of);
    by_stratum.emplace_back(std::move(of));
  }
  block.emplace_back("by_stratum", Json(std::move(by_stratum)));
  return Json(std::move(block));
}

// Of one stratum the counts of its runs would stand there twice.
StrataOf strata_of(const std::vector<NewsStep>& steps) {
  std::set<std::uint8_t> places;
  for (const NewsStep& step : steps) {
    for (const StratumNews& each : step.by_stratum) places.insert(each.stratum);
  }
  return places.size() < 2 ? StrataOf::one : StrataOf::told_apart;
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

template <typename Sides>
void read_sides(const JsonReader& place, Sides& into) {
  for (const auto& [name, side] : kSides<Sides>) {
    if (const auto counts = place.find(name)) into.*side = read_counts(*counts);
  }
}

std::vector<StratumNews> read_strata_of_block(const JsonReader& reader) {
  std::vector<StratumNews> strata;
  for (const JsonReader& place : reader.elements()) {
    place.allow_only({"stratum", "canary", "control", "all", "before"});
    const std::int64_t stratum = place.at("stratum").integer();
    const std::int64_t least = strata.empty() ? 0 : strata.back().stratum + 1;
    if (stratum < least || stratum > static_cast<std::int64_t>(kMostStrata)) {
      place.fail("is of no stratum behind the one before", kEvaluateOnceMore);
    }
    StratumNews& news = strata.emplace_back();
    news.stratum = static_cast<std::uint8_t>(stratum);
    read_sides(place, news);
  }
  return strata;
}

// Takes `part` from what is left; false where it is more than that.
bool take_from(ArmFigures& left, const ArmFigures& part) {
  return std::ranges::all_of(kPlaces, [&](const auto place) {
    if (part.*place > left.*place) return false;
    left.*place -= part.*place;
    return true;
  });
}

// Of each side.
template <typename Sides>
bool take_sides(NewsStep& left, const Sides& part) {
  bool are_parts = true;
  for (std::size_t i = 0; i < kSides<Sides>.size(); ++i) {
    are_parts = are_parts &&
                take_from(left.*kSides<NewsStep>.at(i).second, part.*kSides<Sides>.at(i).second);
  }
  return are_parts;
}

bool are_strata_parts(NewsStep left, const std::vector<StratumNews>& strata) {
  return std::ranges::all_of(strata,
                             [&](const StratumNews& each) { return take_sides(left, each); });
}

std::size_t sides_of_strata(const std::vector<NewsStep>& steps) {
  std::size_t sides = 0;
  for (const NewsStep& step : steps) {
    for (const StratumNews& each : step.by_stratum) sides += count_sides(each);
  }
  return sides;
}

}  // namespace

Json blocks_to_json(const std::vector<NewsStep>& steps) {
  std::vector<NewsStep> blocks;
  for (const NewsStep& step : steps) {
    if (count_sides(step) == 0) continue;
    blocks.emplace_back().window = step.window;
    merge_step(step, blocks.back());  // without users
  }
  // Steps of a tick may be more. Who decides from its report has the whole.
  if (blocks.size() > kMostBlocks) return Json(Json::Array());
  const StrataOf strata = strata_of(blocks);
  while (strata == StrataOf::told_apart && sides_of_strata(blocks) > kMostSidesOfStrata) {
    blocks = in_pairs(blocks);
  }
  Json::Array json;
  for (const NewsStep& block : blocks) json.push_back(block_to_json(block, strata));
  return Json(std::move(json));
}

std::vector<NewsStep> read_blocks(const JsonReader& reader) {
  std::vector<NewsStep> steps;
  for (const JsonReader& place : reader.elements()) {
    place.allow_only({"start", "end", "canary", "control", "all", "before", "by_stratum"});
    NewsStep step;
    step.window = {place.at("start").time(), place.at("end").time()};
    const bool follows = steps.empty() || steps.back().window.end <= step.window.start;
    if (!follows || step.window.end <= step.window.start) {
      place.fail("does not lie behind the block before", kEvaluateOnceMore);
    }
    read_sides(place, step);
    if (const auto strata = place.find("by_stratum")) {
      step.by_stratum = read_strata_of_block(*strata);
    }
    steps.push_back(std::move(step));
  }
  if (steps.size() > kMostBlocks) reader.fail("has too many blocks", kEvaluateOnceMore);
  return steps;
}

bool are_blocks_inside(const News& news) {
  // They follow one another.
  return news.steps.empty() || (news.window.start <= news.steps.front().window.start &&
                                news.steps.back().window.end <= news.window.end);
}

bool are_blocks_parts(const News& news) {
  NewsStep left;
  left.canary = news.canary;
  left.control = news.control;
  left.all = news.all;
  left.before = news.before;
  if (!are_strata_parts(left, news.by_stratum)) return false;
  return std::ranges::all_of(news.steps, [&](const NewsStep& step) {
    return take_sides(left, step) && are_strata_parts(step, step.by_stratum);
  });
}

}  // namespace dagloop
