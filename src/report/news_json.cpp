#include "report/news_json.hpp"

#include <algorithm>

#include "dagloop/base/struct_codec.hpp"
#include "report/block_json.hpp"
#include "report/kpi_json.hpp"
#include "report/strata_json.hpp"

namespace dagloop {
namespace {

bool is_above_fine(const ArmFigures& arm) {
  return arm.above.empty() || are_counts_above_edges(arm.above, arm.timed);
}

bool are_parts(const ArmFigures& arm) {
  return arm.failed <= arm.runs && arm.auth_errors <= arm.runs && arm.server_errors <= arm.runs &&
         arm.slow <= arm.timed && arm.over_threshold <= arm.timed &&
         arm.failed_attempts <= arm.attempts && arm.aided <= arm.runs && arm.overdue <= arm.failed;
}

// Without a usual latency, and in a report of before, nothing is above its edges.
constexpr auto kArm = fields_of<ArmFigures>(
    field("runs", &ArmFigures::runs, kCount), field("failed", &ArmFigures::failed, kCount),
    field("auth_errors", &ArmFigures::auth_errors, kCount),
    field("server_errors", &ArmFigures::server_errors, kCount),
    field("timed", &ArmFigures::timed, kCount), field("slow", &ArmFigures::slow, kCount),
    field("over_threshold", &ArmFigures::over_threshold, kCount),
    field_or_default("above", &ArmFigures::above, kCount),
    must_hold(&is_above_fine, "above", "is no list of counts above each latency", kEvaluateAgain),
    field("attempts", &ArmFigures::attempts, kCount),
    field("failed_attempts", &ArmFigures::failed_attempts, kCount),
    field_or_default("aided", &ArmFigures::aided, kCount),
    field_or_default("overdue", &ArmFigures::overdue, kCount),
    must_hold(&are_parts, "", "a part is more than the whole", kEvaluateAgain));

constexpr Count kPlaceOfStratum{"is no place of a stratum", kEvaluateAgain, kMostStrata};

constexpr auto kStratumNews = fields_of<StratumNews>(
    field("stratum", &StratumNews::stratum, kPlaceOfStratum),
    field("canary", &StratumNews::canary, kArm), field("control", &StratumNews::control, kArm),
    field("all", &StratumNews::all, kArm), field("before", &StratumNews::before, kArm));

// Only where there are several: of one it would say the same twice.
constexpr Entry kStrataOfNews{
    [](const News& news, Json::Object& into) {
      if (!news.strata || news.by_stratum.size() < 2) return;
      into.emplace_back("strata",
                        write_json(ByHand<Stratum>{&stratum_to_json, &read_stratum}, *news.strata));
      into.emplace_back("by_stratum", write_json(kStratumNews, news.by_stratum));
    },
    [](const JsonReader& place, News& into) {
      const auto strata = place.find("strata");
      if (!strata) return;
      const JsonReader by_stratum = place.at("by_stratum");
      into.strata =
          read_json<StrataList>(ByHand<Stratum>{&stratum_to_json, &read_stratum}, *strata);
      into.by_stratum = read_json<std::vector<StratumNews>>(kStratumNews, by_stratum);
      const auto is_behind = [](const StratumNews& a, const StratumNews& b) {
        return a.stratum >= b.stratum;
      };
      const bool are_fine =
          into.strata->size() <= kMostStrata && !into.by_stratum.empty() &&
          into.by_stratum.back().stratum <= into.strata->size() &&
          std::ranges::adjacent_find(into.by_stratum, is_behind) == into.by_stratum.end();
      if (!are_fine) by_stratum.fail("are not those of the strata", kEvaluateAgain);
    }};

bool are_blocks_of_strata(const News& news) {
  const std::size_t rest = news.strata ? news.strata->size() : 0;
  return std::ranges::all_of(news.steps, [&](const NewsStep& step) {
    return step.by_stratum.empty() || (news.strata && step.by_stratum.back().stratum <= rest);
  });
}

constexpr auto kNews = fields_of<News>(
    field("window", &News::window, kWindow),
    inlined(&News::limits,
            fields_of<SlowLimits>(field_or_default("slow_ms", &SlowLimits::usual),
                                  field_or_default("threshold_ms", &SlowLimits::absolute),
                                  field_or_default("tolerated_ms", &SlowLimits::tolerated))),
    field("canary", &News::canary, kArm), field("control", &News::control, kArm),
    field("all", &News::all, kArm), field("before", &News::before, kArm), kStrataOfNews,
    field_or_default("blocks", &News::steps, kBlocks),
    must_hold(&are_blocks_of_strata, "blocks", "are not of the strata", kEvaluateAgain),
    must_hold(&are_blocks_inside, "blocks", "lie outside the window", kEvaluateAgain),
    must_hold(&are_blocks_parts, "blocks", "count more than the whole", kEvaluateAgain));

}  // namespace

Json news_to_json(const News& news) { return write_json(kNews, news); }

News read_news(const JsonReader& reader) { return read_json<News>(kNews, reader); }

}  // namespace dagloop
