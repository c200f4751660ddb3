// What is new since evidence was last added to: in which steps of time it is counted, and of whose
// runs. Private to the cycle layer.
#pragma once

#include <optional>
#include <vector>

#include "dagloop/cycle/news_request.hpp"
#include "dagloop/kpi/quality.hpp"
#include "dagloop/record/error_class.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// A range of new runs, and what it is held against.
struct NewsRange {
  Window news;
  std::vector<Window> before;  // as mirrored()
};

/// Where what is new lies.
struct NewsWindows {
  NewsRange whole;
  std::vector<NewsRange> steps;  // of the whole, ascending
  // `compared`: those that are held against each other; `all`: whichever that will be.
  enum class Sides { compared, all };
  Sides sides = Sides::compared;
};

/// Returns where the news of `asked` lie that end at `end` (a slot boundary).
///
/// Shape: a step is a slot; where cuts cost something, an hour of what is older than two hours.
///        The sealed part ends between two steps: nothing of it is counted again.
NewsWindows news_windows(const NewsRequest& asked, TimePoint end, CutCost cost);

/// Returns those of one look at `news`, held against `baseline` from its beginning on: at most
/// kMostBlocks steps, of as many slots each, told by time alone.
///
/// Shape: the same in every source.
NewsWindows one_look_windows(const Window& news, const std::optional<Window>& baseline);

/// What the news are counted of.
struct NewsSource {
  const RunSum& sum;
  OverdueRule overdue;
  TimePoint first;  // before all that may have become overdue
  SlowLimits limits;
  WarmUp warmup;
  std::optional<StrataList> strata = {};  // none: not told apart
};

/// Counts them. The whole has warm runs alone, as the steps have.
News count_news(const NewsSource& source, const NewsWindows& windows);

}  // namespace dagloop
