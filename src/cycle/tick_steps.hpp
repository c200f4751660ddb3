// The steps of a tick, in four files: tick_way_back.cpp carries out what was decided before the log
// is read, tick.cpp assesses, decides and goes back, tick_proposal.cpp deals with changes that need
// an approval, tick_reports.cpp tells. Private to the cycle layer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cycle/tick_readiness.hpp"
#include "dagloop/cycle/applier.hpp"
#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/cycle/tick_result.hpp"
#include "dagloop/cycle/verification.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// One tick, step by step; the members are what the steps before have found out.
class Tick {
 public:
  /// Shape: `machine` tells the time by the machine's clock alone, `context.clock` never goes back.
  Tick(const ChangeContext& context, LogSource& source, const Clock& machine, TickMode mode,
       std::optional<TimePoint> as_of)
      : context_(context),
        source_(source),
        machine_(machine),
        mode_(mode),
        as_of_(as_of),
        now_(as_of.value_or(context.clock.now())),
        readiness_(context, mode) {}

  TickResult run();

 private:
  TickResult take_steps();
  void check_as_of(const CycleState& stored) const;
  TimePoint prepare(const CycleState& recovered);
  void look();
  void take_situation(CycleState stored);
  bool go_back_first();
  bool carry_out_decided();
  bool carry_out_approved();
  void tell_way_back();
  void read_log();
  bool is_up_to_date() const;
  std::unique_ptr<StateLock> lock_what_was_read();
  void assess_log();
  void decide_on_log();
  bool misses_verification() const {
    return verification_ && verification_->outcome == VerificationOutcome::missed;
  }
  void keep_evidence();
  void read_last_day();
  void judge_change();
  std::optional<int> next_percent_of(const Patch& patch) const;
  void tell_unverified(const std::string& why);
  void tell_decline();
  void note_outcome(const std::string& digest);
  void step();
  void note_trigger();
  void stop_if_unfit() const;
  void tell_unready();
  void tell_unreadable();
  void roll_back();
  void consider_pending();
  void apply_pending(const Decision& pending);
  void refuse_approval(const std::string& digest, const std::string& fault);
  bool carry_out_pending(const Decision& pending, const std::string& digest,
                         const std::vector<Approval>& approvals);
  void withdraw(EventType type, Phase phase, const std::string& why);
  void propose();
  Decision decision_as_told() const;
  void tell_decision(const Decision& told);
  NextStep next_step() const;
  void publish_reports();
  void note(std::string text) { result_.notes.push_back(std::move(text)); }
  void commit(EventType type, const std::string& digest, Json patch, const std::string& why);
  ExitCode code_of_decision() const;
  bool goes_back_at_once() const {
    return applies() && decision_.action == Action::rollback && !decision_.patch.empty() &&
           decision_.approval == Decision::Approval::not_required;
  }
  bool applies() const { return mode_ == TickMode::apply; }
  bool is_settled_data() const {
    return gate_.reasons.empty() && gate_.verdict != Verdict::INSUFFICIENT;
  }
  Applier applier() const { return {context_, situation_.allowlist}; }

  const ChangeContext& context_;
  LogSource& source_;
  const Clock& machine_;
  TickMode mode_;
  std::optional<TimePoint> as_of_;
  TimePoint now_;  // the logic's present: --as-of, else the clock
  TickReadiness readiness_;
  PolicySituation situation_;
  CycleState& state_ = situation_.state;
  Quality quality_;
  GateResult gate_;
  Evidence sealed_;        // by what was read
  bool has_day_ = false;   // the figures of the last day were read
  bool has_news_ = false;  // evidence that is not committed yet
  Phase stored_phase_ = Phase::idle;
  std::vector<std::string> done_;          // before the log was read
  std::optional<ExitCode> way_back_code_;  // of a way back among it
  bool is_approved_ = false;               // the proposal, which this dry run does not apply
  bool is_made_ = false;                   // the decision's change, by this tick
  bool is_taken_back_ = false;             // an approved change whose reload hook failed
  std::optional<Verification> verification_;
  std::vector<Reason> waits_for_;  // of a verification
  std::optional<Reason> passed_;   // a verification
  Decision decision_;
  TickResult result_;
};

}  // namespace dagloop
