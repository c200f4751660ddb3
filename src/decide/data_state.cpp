#include "dagloop/decide/data_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/record/decisive_fields.hpp"

namespace dagloop {
namespace {

constexpr const char* kShareFault = "malformed_share_above_limit";
constexpr const char* kEarlierFault = "report_of_earlier_version";

// Of fewer lines of a cohort a share says nothing.
constexpr std::uint64_t kMinCohortLines = 100;

void add_share_fault(const char* of, const LineShare& lines, const DataLimits& limits,
                     const std::string& places, std::vector<Reason>& faults) {
  if (lines.lines == 0) return;
  const double share = static_cast<double>(lines.unread) / static_cast<double>(lines.lines);
  if (share <= limits.max_malformed_share) return;
  faults.push_back({kShareFault,
                    {{"of", of},
                     {"share", share},
                     {"malformed", lines.unread},
                     {"records", lines.lines},
                     {"max_share", limits.max_malformed_share}}});
  if (!places.empty()) faults.back().args.emplace_back("places", places);
}

// Of what is there but decides nothing, because it cannot be read.
std::string first_mended_places(const InputCounts& input) {
  constexpr std::size_t kMost = 3;
  std::string places;
  std::size_t shown = 0;
  for (const MendedExample& example : input.mended_examples) {
    if (unread_bit(example.field) == 0 || shown++ == kMost) continue;
    places +=
        fmt::format("{}{}:{} ({}: {})", places.empty() ? "" : ", ", redact_label(example.file),
                    example.line, to_string(example.field), example.found);
  }
  return places;
}

}  // namespace

std::string first_malformed(const InputCounts& input) {
  constexpr std::size_t kMost = 3;
  std::string places;
  for (std::size_t i = 0; i < std::min(kMost, input.examples.size()); ++i) {
    const MalformedExample& example = input.examples[i];
    if (i > 0) places += ", ";
    places += redact_label(example.file);
    if (example.line > 0) places += fmt::format(":{}", example.line);  // 0: a row, which is named
    places += fmt::format(" ({}", to_string(example.reason));
    if (example.field) places += fmt::format(": {}", to_string(*example.field));
    places += ')';
  }
  return input.examples.empty() ? first_mended_places(input) : places;
}

std::vector<Reason> data_faults(const Quality& quality, const DataLimits& limits) {
  std::vector<Reason> faults;
  const InputCounts& input = quality.input;
  if (!input.newest_record) {
    faults.push_back({"no_data", {{"as_of", quality.as_of}}});
  } else if (quality.as_of - *input.newest_record > limits.max_age) {
    faults.push_back({"data_stale",
                      {{"newest", *input.newest_record},
                       seconds_arg("max_age_s", limits.max_age),
                       {"as_of", quality.as_of}}});
  }
  if (!quality.tells_unread) faults.emplace_back(kEarlierFault);
  const RangeLines& lines = input.window;
  const std::string places = first_malformed(input);
  add_share_fault("window", lines.all, limits, places, faults);
  for (const auto& [name, of] : {std::pair("canary", &lines.canary), {"control", &lines.control}}) {
    if (of->lines >= kMinCohortLines) add_share_fault(name, *of, limits, places, faults);
  }
  return faults;
}

bool let_go_back(const std::vector<Reason>& faults) {
  return std::all_of(faults.begin(), faults.end(), [](const Reason& fault) {
    return fault.code == kShareFault || fault.code == kEarlierFault;
  });
}

void add_forecast(std::vector<ReasonArg>& args, std::uint64_t have, std::uint64_t need,
                  const Window& window) {
  DAGLOOP_ASSERT(have < need);
  const std::uint64_t missing = need - have;
  args.emplace_back("missing", missing);
  args.push_back(seconds_arg("window_s", window.length()));
  // None so far: any forecast would be made up.
  if (have == 0) return;
  const double window_s = std::chrono::duration<double>(window.length()).count();
  args.emplace_back("wait_s", window_s * static_cast<double>(missing) / static_cast<double>(have));
}

}  // namespace dagloop
