#include "rules.hpp"

#include <cmath>

#include "dagloop/base/assert.hpp"
#include "dagloop/cycle/rollout_evidence.hpp"
#include "rank_test.hpp"

namespace dagloop::bench {
namespace {

constexpr double kOnePercent = 2.3263;  // z of a one-sided test at 1 %

PopulationKpis kpis_of(const Arm& arm) {
  PopulationKpis kpis;
  kpis.total_runs = arm.runs;
  kpis.succeeded_runs = arm.runs - arm.failed;
  kpis.kpis.add("pipeline_success_rate", make_rate(arm.runs - arm.failed, arm.runs));
  kpis.kpis.add("error_rate.auth", make_rate(arm.auth_errors, arm.runs));
  kpis.kpis.add("error_rate.server", make_rate(arm.server_errors, arm.runs));
  kpis.kpis.add("attempt_failure_rate", make_rate(arm.failed_attempts, arm.attempts));
  Kpi p95;
  p95.kind = KpiKind::quantile;
  p95.denominator = arm.runs;
  if (arm.runs > 0) p95.value = arm.p95_ms();
  kpis.kpis.add("p95_latency_ms", p95);
  return kpis;
}

ArmFigures figures_of(const Arm& arm, const std::optional<double>& slow_ms) {
  ArmFigures figures;
  figures.runs = arm.runs;
  figures.failed = arm.failed;
  figures.auth_errors = arm.auth_errors;
  figures.server_errors = arm.server_errors;
  figures.timed = arm.runs;
  if (slow_ms) figures.slow = arm.above(*slow_ms);
  figures.attempts = arm.attempts;
  figures.failed_attempts = arm.failed_attempts;
  return figures;
}

/// The product's own path from figures to a decision.
class Engine : public Rule {
 public:
  explicit Engine(const Config& config) : config_(config) {}

  Action look(const Look& look) override {
    const PolicyValues values{{config_.decision.rollout_key, std::to_string(look.percent)}};
    Quality quality = quality_of(look);
    if (config_.decision.evidence.mode == EvidenceMode::sequential) {
      evidence_ = evidence_to_go_on(evidence_, {values, look.in_force_since, look.as_of}, config_);
      quality.news = news_of(look);
      // Records are on time here: nothing is counted again.
      evidence_ =
          take_news(evidence_, quality, BaselineKind::automatic, quality.news.window.end, config_)
              .all;
    }
    GateResult gate;
    gate.verdict = Verdict::PASS;
    PolicyHistory history;
    history.in_force_since = look.in_force_since;
    const std::vector<KeySpec> keys{key()};
    const std::vector<PolicyRule> no_rules;
    return decide({quality, gate, BaselineKind::automatic, config_.decision, evidence_,
                   config_.input.limits, keys, no_rules, values, "", history, look.as_of,
                   config_.policy.approval_ttl, "simulation"})
        .action;
  }

 private:
  KeySpec key() const {
    KeySpec spec;
    spec.name = config_.decision.rollout_key;
    spec.type = KeyType::int_;
    spec.min = 0;
    spec.max = 100;
    return spec;
  }

  static Quality quality_of(const Look& look) {
    Quality quality;
    quality.as_of = look.as_of;
    quality.input.records = 1;
    quality.input.newest_record = look.as_of;
    quality.current.window = {look.in_force_since, look.as_of};
    Arm all = look.window.canary;
    all += look.window.control;
    PopulationKpis dag = kpis_of(all);
    if (look.window.canary.runs > 0) dag.cohorts[Cohort::canary] = kpis_of(look.window.canary);
    if (look.window.control.runs > 0) dag.cohorts[Cohort::control] = kpis_of(look.window.control);
    quality.current.populations[Population::dag] = std::move(dag);
    quality.baseline.emplace();
    quality.baseline->populations[Population::dag] = kpis_of(look.before);
    return quality;
  }

  News news_of(const Look& look) const {
    News news;
    news.window = {look.seen_until, look.as_of};
    news.limits = evidence_.limits;
    if (!news.limits.usual && look.before.runs >= config_.decision.min_sample) {
      news.limits.usual = look.before.p95_ms();
    }
    if (news.limits.usual) {
      const double tolerated = tolerated_ratio(config_.decision.triggers.p95_ratio);
      news.limits.tolerated = *news.limits.usual * tolerated;
    }
    news.canary = figures_of(look.news.canary, news.limits.tolerated);
    news.control = figures_of(look.news.control, news.limits.usual);
    return news;
  }

  const Config& config_;
  Evidence evidence_;
};

/// Promotes as the bare rule does; when it goes back is another matter.
class WithAlarm : public Rule {
 public:
  explicit WithAlarm(const Config& config) : bare_(config) {}

  Action look(const Look& look) override {
    const Action bare = bare_.look(look);
    if (alarms(look, bare)) return Action::rollback;
    return bare == Action::promote ? Action::promote : Action::hold;
  }

 protected:
  virtual bool alarms(const Look& look, Action bare) = 0;

 private:
  Engine bare_;
};

class InARow : public WithAlarm {
 public:
  using WithAlarm::WithAlarm;
  void step() override { in_a_row_ = 0; }

 private:
  bool alarms(const Look&, Action bare) override {
    in_a_row_ = bare == Action::rollback ? in_a_row_ + 1 : 0;
    return in_a_row_ >= 3;
  }
  int in_a_row_ = 0;
};

bool differs(const Arm& canary, const Arm& control, std::uint64_t more, std::uint64_t others) {
  const auto n = static_cast<double>(canary.runs);
  const auto m = static_cast<double>(control.runs);
  const double pooled = static_cast<double>(more + others) / (n + m);
  const double sd = std::sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  return sd > 0 &&
         static_cast<double>(more) / n - static_cast<double>(others) / m > kOnePercent * sd;
}

class ZTest : public WithAlarm {
 public:
  using WithAlarm::WithAlarm;
  void step() override { seen_ = {}; }

 private:
  bool alarms(const Look& look, Action) override {
    seen_.canary += look.news.canary;
    seen_.control += look.news.control;
    if (seen_.canary.runs < 20 || seen_.control.runs < 20) return false;
    const double limit = look.before.runs > 0 ? look.before.p95_ms() : 0;
    return differs(seen_.canary, seen_.control, seen_.canary.failed, seen_.control.failed) ||
           differs(seen_.canary, seen_.control, seen_.canary.auth_errors,
                   seen_.control.auth_errors) ||
           (limit > 0 && differs(seen_.canary, seen_.control, seen_.canary.above(limit),
                                 seen_.control.above(limit)));
  }
  Tick seen_;
};

class MannWhitney : public WithAlarm {
 public:
  using WithAlarm::WithAlarm;
  void step() override {
    failures_ = {};
    slow_ = {};
  }

 private:
  bool alarms(const Look& look, Action) override {
    const Arm& canary = look.news.canary;
    const Arm& control = look.news.control;
    if (canary.runs > 0 && control.runs > 0) {
      const auto share = [](std::uint64_t part, std::uint64_t all) {
        return static_cast<double>(part) / static_cast<double>(all);
      };
      failures_.add(share(canary.failed, canary.runs), share(control.failed, control.runs));
      const double limit = look.before.runs > 0 ? look.before.p95_ms() : 0;
      slow_.add(share(canary.above(limit), canary.runs), share(control.above(limit), control.runs));
    }
    return failures_.first_is_greater(kOnePercent) || slow_.first_is_greater(kOnePercent);
  }
  PairedSeries failures_;
  PairedSeries slow_;
};

}  // namespace

const std::vector<std::string>& rule_names() {
  static const std::vector<std::string> names{"this engine", "threshold", "threshold 3x",
                                              "Mann-Whitney", "z test"};
  return names;
}

std::unique_ptr<Rule> make_rule(const std::string& name, const Config& config) {
  if (name == "this engine" || name == "threshold") return std::make_unique<Engine>(config);
  if (name == "threshold 3x") return std::make_unique<InARow>(config);
  if (name == "Mann-Whitney") return std::make_unique<MannWhitney>(config);
  DAGLOOP_ASSERT(name == "z test");
  return std::make_unique<ZTest>(config);
}

}  // namespace dagloop::bench
