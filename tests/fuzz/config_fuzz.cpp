// Configuration documents: what is accepted is within its bounds, and means the same when printed.
#include <algorithm>

#include "dagloop/config/config.hpp"
#include "property.hpp"

namespace dagloop::fuzz {
namespace {

void require_sound(const Config& config) {
  require(config.window > Microseconds::zero() && config.window % kSlot == Microseconds::zero(),
          "the window is a multiple of the slot");
  const std::vector<int>& ladder = config.decision.ladder;
  require(!ladder.empty() && ladder.front() >= 0 && ladder.back() <= 100, "the ladder is percents");
  require(std::ranges::adjacent_find(ladder, std::greater_equal<>()) == ladder.end(),
          "the ladder ascends");
  require(
      config.input.limits.max_malformed_share >= 0 && config.input.limits.max_malformed_share < 1,
      "the share of malformed lines is a share");
  for (const Microseconds duration :
       {config.input.limits.max_age, config.input.future_skew, config.input.run_horizon,
        config.input.lateness, config.decision.soak, config.decision.cooldown,
        config.policy.approval_ttl, config.policy.reload_timeout, config.reports.retention}) {
    require(duration >= Microseconds::zero(), "no duration is negative");
  }
  require(
      config.baseline.kind != BaselineKind::period ||
          (config.baseline.period && config.baseline.period->start < config.baseline.period->end),
      "a baseline's period has a length");
}

bool same(const Config& a, const Config& b) {
  return a.window == b.window && a.baseline.kind == b.baseline.kind && a.state == b.state &&
         a.input.sources == b.input.sources && a.input.mapping == b.input.mapping &&
         a.gate.size() == b.gate.size() && a.decision.ladder == b.decision.ladder &&
         a.decision.rollout_key == b.decision.rollout_key &&
         a.decision.min_sample == b.decision.min_sample && a.policy.reload == b.policy.reload &&
         a.policy.people == b.policy.people && a.policy.env_file == b.policy.env_file &&
         a.reports.dir == b.reports.dir && a.reports.formats == b.reports.formats &&
         a.error_classes.patterns() == b.error_classes.patterns();
}

void check(const std::string& text) {
  const Json document = parse_json(text, "the configuration");
  require_same_when_printed(document);
  const Config config = parse_config(document, "the configuration");
  require_sound(config);
  const std::string canonical = to_canonical_json(document);
  require(same(config, parse_config(parse_json(canonical, "again"), "again")),
          "the canonical form is the same configuration");
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dagloop::fuzz::refused([&] { dagloop::fuzz::check(dagloop::fuzz::text_of(data, size)); });
  return 0;
}
