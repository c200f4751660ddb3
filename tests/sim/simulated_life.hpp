// The life of one service with its loop and its operator, from one seed. After every step the
// invariants are checked; the first that does not hold is told.
#pragma once

#include <cstdint>
#include <string>

#include "simulated_service.hpp"
#include "watched_files.hpp"

namespace dagloop::sim {

/// What the operator does, each with a probability a tick.
struct OperatorNature {
  double approves = 0.5;          // the change that waits, if one does
  double edits_env_file = 0.02;   // a policy key
  double edits_elsewhere = 0.02;  // another line
  double rolls_back = 0.01;
  double applies_by_hand = 0.02;
  double runs_dry = 0.1;
  double breaks_something = 0.03;  // the disk or the store fails in the middle of the next tick
};

/// How a life is lived.
struct LifeNature {
  ServiceNature service;
  OperatorNature person;
  Microseconds tick_every = std::chrono::minutes{30};
};

/// One life. For one thread.
class SimulatedLife {
 public:
  SimulatedLife(std::uint64_t seed, const LifeNature& nature);

  /// Lets a tick's time go by, lets the operator act, and ticks.
  void step();

  /// Returns which invariant was broken, and when; empty while all hold.
  const std::string& fault() const { return fault_; }
  /// Returns the rollout percentage in the env file.
  int percent();
  /// Returns the phase as stored.
  Phase phase() { return world_.state().phase; }
  /// Returns journal and env file as text: what two lives of one seed must agree in.
  std::string history();
  /// Returns how many ticks applied or rolled back a change.
  int env_writes() const { return files_.env_writes(); }

 private:
  /// In names of temporary files: the same words for the same seed.
  WordSource word() {
    return [this] { return std::to_string(++words_); };
  }
  void let_time_go_by();
  void act();
  void edit_env_file(const std::string& key, const std::string& value);
  void apply_by_hand();
  void tick(TickMode mode);
  void check_always(int percent_before);
  void check_policy(int percent_before);
  void check_completed();
  void break_invariant(const std::string& which);

  LifeNature nature_;
  Dice dice_;
  test::LoopWorld world_;
  int words_ = 0;
  WatchedFiles files_;
  test::FailingFileSystem failing_;
  Allowlist allowlist_;
  std::string fault_;
};

}  // namespace dagloop::sim
