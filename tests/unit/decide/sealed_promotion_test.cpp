// A promotion stands on what is known for good, too: records of the last runs are still to come.
#include <catch2/catch.hpp>

#include "decide_case.hpp"

namespace dagloop {
namespace {

using test::codes;
using test::DecideCase;
using test::kCurrentWindow;
using test::make_runs;
using test::QualityBuilder;
using test::text_of;

Evidence counted(std::uint64_t canary, const DecisionConfig& config) {
  News news;
  news.window = kCurrentWindow;
  news.canary.runs = canary;
  news.control.runs = 10 * canary;
  Evidence evidence;
  evidence.tests[std::string(kPromotionTest)].expectation = {100, 0};
  add_news(evidence, news, EvidenceSides::canary_and_control, config.evidence);
  return evidence;
}

DecideCase sixty_good_runs() {
  DecideCase c;
  c.config.evidence.mode = EvidenceMode::sequential;
  c.config.triggers.error_ratio.reset();
  c.config.promotion_margin_pp = 5;
  c.quality = QualityBuilder()
                  .current(make_runs(60, 60), Cohort::canary)
                  .current(make_runs(600, 600), Cohort::control);
  c.evidence = counted(60, c.config);
  return c;
}

}  // namespace

TEST_CASE("a promotion needs the sealed part of the evidence alone to be enough, and says so") {
  DecideCase c = sixty_good_runs();
  CHECK(c.decide().action == Action::promote);  // one report by itself: nothing is sealed
  const Evidence all = counted(60, c.config);
  c.sealed = &all;
  CHECK(c.decide().action == Action::promote);
  const Evidence some = counted(10, c.config);
  c.sealed = &some;
  const Decision held = c.decide();
  CHECK(held.action == Action::hold);
  CHECK(codes(held.reasons) == std::vector<std::string>{"evidence_not_sealed"});
  CHECK_THAT(text_of(held.reasons, "evidence_not_sealed"),
             Catch::Contains("the runs up to 2026-02-25T06:00:00"));
  const Evidence none;
  c.sealed = &none;
  CHECK(codes(c.decide().reasons) == std::vector<std::string>{"evidence_not_sealed"});
}

TEST_CASE("unread runs count against the sealed part, too") {
  DecideCase c = sixty_good_runs();
  c.evidence = counted(400, c.config);  // enough, whatever two runs were
  const Evidence just_enough = counted(60, c.config);
  c.sealed = &just_enough;
  CHECK(c.decide().action == Action::promote);
  c.quality.unread(2);
  const Decision held = c.decide();
  CHECK(codes(held.reasons) == std::vector<std::string>{"unreadable_records_could_change_this"});
  CHECK_THAT(text_of(held.reasons, "unreadable_records_could_change_this"),
             Catch::Contains("do not exclude that drop yet"));
}

}  // namespace dagloop
