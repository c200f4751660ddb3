#include "story_rollout.hpp"

#include <queue>

#include "loop.hpp"

namespace dagloop::bench {
namespace {

constexpr std::chrono::hours kBefore{48};  // of the log, when the loop begins

/// Runs on their way into the log.
class Shipper {
 public:
  void add(const std::vector<Run>& runs) {
    for (const Run& run : runs) {
      if (run.outcome != Run::Outcome::unwritten) waiting_.push(run);
    }
  }
  void deliver(TimePoint now, Loop& loop) {
    while (!waiting_.empty() && waiting_.top().arrives < now) {
      loop.take(waiting_.top());
      waiting_.pop();
    }
  }

 private:
  struct Later {
    bool operator()(const Run& a, const Run& b) const {
      return a.arrives != b.arrives ? a.arrives > b.arrives : a.id > b.id;
    }
  };
  std::priority_queue<Run, std::vector<Run>, Later> waiting_;
};

/// A story as it is told.
class Telling {
 public:
  Telling(const Story& story, const std::string& rule, std::uint64_t seed, const std::string& tools)
      : story_(story),
        world_(story, seed),
        // A rollout may begin at any hour.
        now_(*parse_time("2026-03-03T00:00:00Z") + kSlot * static_cast<int>(seed * 37 % 288)),
        start_(now_),
        loop_(make_loop(rule, story, now_, tools)) {
    present_.in_force_since = now_ - kBefore;
  }

  StoryOutcome run() {
    serve_until(now_, now_ - kBefore);
    present_.percent = story_.first_percent;
    present_.in_force_since = start_;
    note_step();
    while (now_ - start_ < story_.lasts && !is_over()) step();
    return outcome_;
  }

 private:
  void step() {
    const TimePoint from = now_;
    now_ += story_.tick_every;
    serve_until(now_, from);
    const bool is_held = story_.hold_at > 0 && (story_.after_onset == Story::AfterOnset::held ||
                                                !is_behind_onset(now_ - story_.approved_from));
    const Finding finding = loop_->tick(now_, is_held ? story_.hold_at : 100);
    // At 0 % there is nothing to take back, whatever the figures of one day against another.
    const bool goes_back = finding == Finding::rollback && present_.percent > 0;
    if (goes_back && !outcome_.found) note_verdict();
    const int percent = loop_->percent();
    if (percent == present_.percent) return;
    const bool is_up = percent > present_.percent;
    if (is_up && (is_behind_onset(now_) || outcome_.found)) outcome_.was_promoted = true;
    present_ = {percent, now_, present_.is_broken};
    if (is_up) note_step();
    if (percent == 100 && !outcome_.found) {
      outcome_.days_to_top =
          std::chrono::duration<double, std::ratio<86400>>(now_ - start_).count();
    }
  }

  bool is_over() const {
    if (outcome_.found) return story_.ends == Story::Ends::never;
    return outcome_.days_to_top && story_.truth == Story::Truth::unchanged;
  }

  void serve_until(TimePoint end, TimePoint from) {
    for (TimePoint slot = from; slot < end; slot += kSlot) {
      const bool is_on = is_behind_onset(slot);
      present_.is_broken = is_on && !(story_.ends == Story::Ends::at_verdict && outcome_.found);
      const std::vector<Run> runs = world_.serve(slot, present_);
      for (const Run& run : runs) canary_runs_ += run.is_canary && is_on ? 1 : 0;
      shipper_.add(runs);
      if (is_on && story_.retries > 0 && !has_retried_) {
        has_retried_ = true;
        shipper_.add(world_.retries(slot, story_.retries));
      }
      shipper_.deliver(slot + kSlot, *loop_);
    }
  }

  void note_step() {
    if (!onset_ && present_.percent >= std::max(1, story_.hold_at)) {
      onset_ = present_.in_force_since + story_.onset;
    }
  }

  bool is_behind_onset(TimePoint at) const { return onset_ && at >= *onset_; }

  // A rollback before the onset is a false one, found at no run of the fault.
  void note_verdict() {
    const double since =
        onset_ ? std::chrono::duration<double, std::ratio<3600>>(now_ - *onset_).count() : 0;
    outcome_.found = StoryOutcome::Found{canary_runs_, since};
  }

  const Story& story_;
  World world_;
  TimePoint now_;
  const TimePoint start_;
  std::unique_ptr<Loop> loop_;
  Shipper shipper_;
  Present present_;
  std::optional<TimePoint> onset_;
  std::uint64_t canary_runs_ = 0;
  bool has_retried_ = false;
  StoryOutcome outcome_;
};

}  // namespace

StoryOutcome tell(const Story& story, const std::string& rule, std::uint64_t seed,
                  const std::string& tools) {
  return Telling(story, rule, seed, tools).run();
}

}  // namespace dagloop::bench
