#include "dagloop/decide/data_state.hpp"

#include "dagloop/base/assert.hpp"

namespace dagloop {

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
  const double share = malformed_share(input);
  if (share > limits.max_malformed_share) {
    faults.push_back({"malformed_share_above_limit",
                      {{"share", share},
                       {"malformed", input.malformed},
                       {"records", input.records},
                       {"max_share", limits.max_malformed_share}}});
  }
  return faults;
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
