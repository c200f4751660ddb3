#include "other_loops.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "dagloop/base/assert.hpp"
#include "dagloop/decide/ladder.hpp"
#include "rank_test.hpp"
#include "user_rate.hpp"

namespace dagloop::bench {
namespace {

constexpr double kOnePercentZ = 2.3263;  // of a one-sided test at 1 %
constexpr double kLevel = 0.01;
constexpr double kLeastSample = 20;  // runs of a side, before a rule says anything
constexpr std::chrono::hours kSoak{6};
constexpr std::chrono::hours kWindow{24};

/// Runs of one side over some time.
struct Side {
  double runs = 0;
  double failed = 0;
  double auth = 0;
  double server = 0;

  void add(const Run& run) {
    runs += 1;
    if (run.outcome != Run::Outcome::failed) return;
    failed += 1;
    auth += run.failure == Run::Failure::auth ? 1 : 0;
    server += run.failure == Run::Failure::server ? 1 : 0;
  }
  void move(const Side& other, double sign) {
    runs += sign * other.runs;
    failed += sign * other.failed;
    auth += sign * other.auth;
    server += sign * other.server;
  }
};

struct Sides {
  Side canary;
  Side control;
  TimePoint at{};
};

/// Promotes where the canary of the last day fails in at most 2 points more; the rules differ in
/// what they go back on.
class OtherLoop : public Loop {
 public:
  OtherLoop(const Story& story, TimePoint start) : percent_(story.first_percent), since_(start) {}

  void take(const Run& run) override {
    if (run.cohort == Cohort::none || run.outcome == Run::Outcome::running) return;
    (run.is_canary ? news_.canary : news_.control).add(run);
    see(run);
  }

  Finding tick(TimePoint now, int approved_up_to) override {
    news_.at = now;
    window_.push_back(news_);
    sum_.canary.move(news_.canary, 1);
    sum_.control.move(news_.control, 1);
    while (window_.front().at <= now - kWindow) {
      sum_.canary.move(window_.front().canary, -1);
      sum_.control.move(window_.front().control, -1);
      window_.pop_front();
    }
    const bool alarms = has_begun() && alarm(now);
    news_ = {};
    if (alarms) {
      go_to(0, now);
      return Finding::rollback;
    }
    consider_step(now, approved_up_to);
    return Finding::nothing;
  }

  int percent() override { return percent_; }

 protected:
  virtual void see(const Run&) {}
  virtual bool alarm(TimePoint now) = 0;
  virtual void begin_anew() {}
  const Sides& window() const { return sum_; }
  const Sides& news() const { return news_; }

 private:
  bool has_begun() const { return percent_ > 0 && percent_ < 100; }

  bool may_go_up(TimePoint now) const {
    if (percent_ == 0) return true;
    const Side& canary = sum_.canary;
    const Side& control = sum_.control;
    return now - since_ >= kSoak && canary.runs >= kLeastSample && control.runs >= kLeastSample &&
           canary.failed / canary.runs <= control.failed / control.runs + 0.02;
  }

  void consider_step(TimePoint now, int approved_up_to) {
    const auto next = step_above({0, 10, 30, 60, 100}, percent_);
    if (!next) return;
    if (!proposed_at_) {
      if (may_go_up(now)) proposed_at_ = now;
    } else if (now - *proposed_at_ >= kApprovalTakes && *next <= approved_up_to) {
      go_to(*next, now);
    }
  }

  void go_to(int percent, TimePoint now) {
    percent_ = percent;
    since_ = now;
    proposed_at_.reset();
    window_.clear();
    sum_ = {};
    begin_anew();
  }

  int percent_;
  TimePoint since_;
  std::optional<TimePoint> proposed_at_;
  Sides news_;
  Sides sum_;
  std::deque<Sides> window_;
};

class Threshold final : public OtherLoop {
 public:
  Threshold(const Story& story, TimePoint start, int in_a_row)
      : OtherLoop(story, start), needed_(in_a_row) {}

 private:
  bool alarm(TimePoint) override {
    in_a_row_ = crosses() ? in_a_row_ + 1 : 0;
    return in_a_row_ >= needed_;
  }
  void begin_anew() override { in_a_row_ = 0; }
  bool crosses() const {
    const Side& canary = window().canary;
    const Side& control = window().control;
    if (canary.runs < kLeastSample || control.runs < kLeastSample) return false;
    const auto doubles = [&](double more, double usual) {
      return more >= 3 && more / canary.runs >= 2 * std::max(usual, 0.5) / control.runs;
    };
    return canary.failed / canary.runs - control.failed / control.runs >= 0.1 ||
           doubles(canary.auth, control.auth) || doubles(canary.server, control.server);
  }
  int needed_;
  int in_a_row_ = 0;
};

class RankTest final : public OtherLoop {
 public:
  using OtherLoop::OtherLoop;

 private:
  bool alarm(TimePoint) override {
    const Sides& last = news();
    if (last.canary.runs > 0 && last.control.runs > 0) {
      series_.add(last.canary.failed / last.canary.runs, last.control.failed / last.control.runs);
    }
    return series_.first_is_greater(kOnePercentZ);
  }
  void begin_anew() override { series_ = {}; }
  PairedSeries series_;
};

class HourlyZTest final : public OtherLoop {
 public:
  using OtherLoop::OtherLoop;

 private:
  bool alarm(TimePoint now) override {
    canary_.move(news().canary, 1);
    control_.move(news().control, 1);
    if (now - looked_at_ < std::chrono::hours(1)) return false;
    looked_at_ = now;
    if (canary_.runs < kLeastSample || control_.runs < kLeastSample) return false;
    return differs(canary_.failed, control_.failed) || differs(canary_.auth, control_.auth);
  }
  void begin_anew() override { canary_ = control_ = {}; }
  bool differs(double more, double usual) const {
    const double pooled = (more + usual) / (canary_.runs + control_.runs);
    const double sd = std::sqrt(pooled * (1 - pooled) * (1 / canary_.runs + 1 / control_.runs));
    return sd > 0 && more / canary_.runs - usual / control_.runs > kOnePercentZ * sd;
  }
  Side canary_;
  Side control_;
  TimePoint looked_at_;
};

class ConfidenceSequence final : public OtherLoop {
 public:
  using OtherLoop::OtherLoop;

 private:
  void see(const Run& run) override {
    (run.is_canary ? canary_ : control_).add(run.user, run.outcome == Run::Outcome::failed);
  }
  bool alarm(TimePoint) override {
    // Asymptotic: it promises nothing of a handful of users.
    constexpr std::uint64_t kLeastUsers = 10;
    if (canary_.users() < kLeastUsers || control_.users() < kLeastUsers) return false;
    return canary_.runs() >= 20 && least_difference(canary_, control_, kLevel) > 0;
  }
  void begin_anew() override { canary_ = control_ = {}; }
  UserRate canary_;
  UserRate control_;
};

}  // namespace

const std::vector<std::string>& other_names() {
  static const std::vector<std::string> names{"threshold", "threshold 3x", "Mann-Whitney",
                                              "z test, hourly", "confidence sequence"};
  return names;
}

std::unique_ptr<Loop> make_other_loop(const std::string& name, const Story& story,
                                      TimePoint start) {
  if (name == "threshold") return std::make_unique<Threshold>(story, start, 1);
  if (name == "threshold 3x") return std::make_unique<Threshold>(story, start, 3);
  if (name == "Mann-Whitney") return std::make_unique<RankTest>(story, start);
  if (name == "z test, hourly") return std::make_unique<HourlyZTest>(story, start);
  DAGLOOP_ASSERT(name == "confidence sequence");
  return std::make_unique<ConfidenceSequence>(story, start);
}

}  // namespace dagloop::bench
