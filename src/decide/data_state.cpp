#include "dagloop/decide/data_state.hpp"

#include <fmt/format.h>

#include "dagloop/base/assert.hpp"
#include "decide/figures.hpp"

namespace dagloop {

std::vector<Reason> data_faults(const Quality& quality, const DataLimits& limits) {
  std::vector<Reason> faults;
  const InputCounts& input = quality.input;
  const std::string as_of = format_time(quality.as_of);
  if (!input.newest_record) {
    faults.push_back({"no_data", fmt::format("no valid record before {}", as_of)});
  } else if (quality.as_of - *input.newest_record > limits.max_age) {
    faults.push_back(
        {"data_stale",
         fmt::format("the newest record is of {}, more than {} before {}",
                     format_time(*input.newest_record), format_duration(limits.max_age), as_of)});
  }
  const double share = malformed_share(input);
  if (share > limits.max_malformed_share) {
    faults.push_back({"malformed_share_above_limit",
                      fmt::format("{:.6g} % of the lines are malformed ({} of {}); the limit is "
                                  "{:.6g} %",
                                  share * 100, input.malformed, input.records,
                                  limits.max_malformed_share * 100)});
  }
  return faults;
}

std::string sample_forecast(std::uint64_t have, std::uint64_t need, const Window& window) {
  DAGLOOP_ASSERT(have < need);
  const std::uint64_t missing = need - have;
  const std::string length = format_duration(window.length());
  if (have == 0) {
    return fmt::format("{} more needed; none in {}, so there is no telling when", missing, length);
  }
  const double window_s = std::chrono::duration<double>(window.length()).count();
  const double wait_s = window_s * static_cast<double>(missing) / static_cast<double>(have);
  return fmt::format("{} more needed; at the present rate ({} in {}) in about {}", missing, have,
                     length, waiting_text(wait_s));
}

}  // namespace dagloop
