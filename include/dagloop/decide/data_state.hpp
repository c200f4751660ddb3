// Whether the figures may be relied on at all. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// What the input must hold to be relied on (configuration, "input").
struct DataLimits {
  double max_malformed_share = 0.01;  // a fraction of the evaluated window's lines, and of those of
                                      // a cohort that has at least 100
  Microseconds max_age = std::chrono::hours(6);  // of the newest record, before as_of
};

/// Returns where the first lines of all that was read stand that are malformed, whatever their time
/// is, and what each lacks, free of language: "a.jsonl:7 (bad_time: created_at)"; where none is,
/// those whose decisive fields could not be read, if any.
std::string first_malformed(const InputCounts& input);

/// Returns why the data cannot be relied on; empty when it can.
///
/// Shape: codes `no_data`, `data_stale` (judged against the report's own as_of),
///        `report_of_earlier_version`, `malformed_share_above_limit`.
std::vector<Reason> data_faults(const Quality& quality, const DataLimits& limits);

/// Returns whether a way back may be taken for all these faults: what could not be read holds every
/// change up but that one. Stale data holds it up, too: with nothing new to judge, a trigger would
/// fire again for runs that a rollback has answered already.
bool let_go_back(const std::vector<Reason>& faults);

/// Adds to a reason how many more observations are needed (`missing`) and, where any were seen, in
/// about which time they will be there at the rate of the window (`wait_s`, `window_s`).
///
/// Shape: `have` < `need`; `window` is what `have` were seen in.
void add_forecast(std::vector<ReasonArg>& args, std::uint64_t have, std::uint64_t need,
                  const Window& window);

}  // namespace dagloop
