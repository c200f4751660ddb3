// A replay of the past as a document and as a page. Pure.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/decide/replay_record.hpp"
#include "dagloop/report/page.hpp"

namespace dagloop {

/// What was replayed, and what each configuration came to.
struct ReplayReport {
  TimePoint generated_at;
  Window period;
  Microseconds every;
  std::vector<ReplayRecord> records;
};

/// Renders a replay ("dagloop.policy_replay/1").
Json replay_to_json(const ReplayReport& report);

/// Returns {"decision": {"triggers": {...}}} with the thresholds that are suggested, as it stands
/// in a configuration.
Json suggested_config(const ThresholdReport& thresholds);

/// Composes the page: the comparison first, then each configuration's alarms and timeline.
Page compose_replay_page(const ReplayReport& report);

}  // namespace dagloop
