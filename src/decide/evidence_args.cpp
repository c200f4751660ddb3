#include "decide/evidence_args.hpp"

#include <cmath>

#include "decide/figures.hpp"

namespace dagloop {

namespace {

double seconds_a_trial(const EvidenceView& view, const RecentTrials& recent) {
  const auto pace = [](Microseconds over, std::uint64_t trials) {
    return std::chrono::duration<double>(over).count() / as_double(trials);
  };
  // A rollout may have begun at a tenth of the present share. Without a run of late, as since then.
  if (recent.trials > 0) return pace(recent.window.length(), recent.trials);
  return pace(view.collected_over, view.subject.trials);
}

}  // namespace

void add_evidence(std::vector<ReasonArg>& args, const EvidenceView& view,
                  const RecentTrials& recent) {
  args.emplace_back("e_value", view.e_value);
  args.emplace_back("needed", view.needed);
  if (view.difference) {
    args.emplace_back("low_pp", 100 * view.difference->low);
    args.emplace_back("high_pp", 100 * view.difference->high);
  }
  if (view.design_effect > 1) {
    args.emplace_back("design_effect", view.design_effect);
    if (view.users) args.emplace_back("users", view.users->users);
  }
  if (view.decides()) return;
  const double wait_s = as_double(view.more_trials.value_or(0)) * seconds_a_trial(view, recent);
  if (!view.more_trials || !std::isfinite(wait_s)) {
    args.emplace_back("outlook", "never");
    return;
  }
  args.emplace_back("more_trials", *view.more_trials);
  args.emplace_back("wait_s", wait_s);
}

void add_stretch(std::vector<ReasonArg>& args, const StretchView& stretch) {
  args.emplace_back("stretch_since", stretch.since);
  const Block counts = stretch.figure ? as_one_block(*stretch.figure) : stretch.counts;
  args.emplace_back("stretch_trials", counts.subject.trials);
  args.emplace_back("stretch_events", counts.subject.events);
  if (counts.reference.trials == 0) return;
  args.emplace_back("stretch_reference_trials", counts.reference.trials);
  args.emplace_back("stretch_reference_events", counts.reference.events);
}

void add_one_user(std::vector<ReasonArg>& args, const ArmCounts& user) {
  args.emplace_back("one_user_trials", user.trials);
  args.emplace_back("one_user_events", user.events);
}

Reason latency_reason(const LatencyView& view, const std::string& subject,
                      const std::string& reference) {
  return {"latency_slower",
          {{"subject", subject},
           {"reference", reference},
           {"subject_share", view.subject_share},
           {"at_ms", view.at_ms},
           {"reference_share", view.reference_share},
           {"e_value", view.e_value},
           {"needed", view.needed}}};
}

}  // namespace dagloop
