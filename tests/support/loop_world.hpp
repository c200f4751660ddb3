// A service with its env file, configuration, approver, log and loop, all in memory.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/cycle/manual_change.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/tick.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/report/documents.hpp"
#include "fake_clock.hpp"
#include "faults.hpp"
#include "make_quality.hpp"
#include "memory_file_system.hpp"
#include "memory_state_store.hpp"
#include "scripted_processes.hpp"
#include "scripted_source.hpp"

namespace dagloop::test {

using Words = std::vector<std::string>;

inline const std::string kEnvPath = "/srv/service.env";
inline const std::string kEnvText =
    "# the service\nSECRET=s3cr3t\nDAG_ROLLOUT_PERCENT=0\nDAG_NODE_TIMEOUT_MS=30000 # ms\n";

/// Returns the one key pair of the process: making one takes randomness, which tests do without.
inline const KeyPair& approver_key() {
  static const KeyPair pair = generate_key_pair();
  return pair;
}

/// Everything around one loop. Members may be set freely before a tick.
class LoopWorld {
 public:
  explicit LoopWorld(TimePoint start = kAsOf)
      : clock(start), files(memory, faults), store(stored, faults) {
    config.policy.env_file = kEnvPath;
    config.policy.loader = EnvLoader::shell;  // its file has comments behind values
    config.policy.allowlist = "/etc/allowlist.json";
    config.policy.rules = "/etc/rules.json";
    config.policy.approvers = "/etc/approvers.json";
    config.policy.approvals_dir = "/approvals";
    config.state = "memory";
    config.decision.evidence.mode = EvidenceMode::point;
    config.reports = {"/reports", {ReportFormat::json}, std::chrono::hours(24 * 90)};
    write(kEnvPath, kEnvText, 0640);
    write(config.policy.allowlist, R"({"schema": "dagloop.policy_allowlist/1", "keys": [
      {"name": "DAG_ROLLOUT_PERCENT", "type": "int", "min": 0, "max": 100, "max_step": 40,
       "default": "0", "owner": "o", "description": "d"},
      {"name": "DAG_NODE_TIMEOUT_MS", "type": "duration_ms", "min": 1000, "max": 60000,
       "max_step": 15000, "default": "30000", "owner": "o", "description": "d"}]})");
    write(config.policy.rules, R"({"schema": "dagloop.policy_rules/1", "rules": []})");
    write(config.policy.approvers,
          to_pretty_json(Json::object(
              {{"approvers",
                Json::Array{approver_entry({"alice", approver_key().public_key, {}, {}})}}})));
  }

  void write(const std::string& path, const std::string& content, std::uint32_t mode = 0644) {
    memory.write_synced(path, content, FileAttributes{mode, {}, {}});
  }

  /// Runs one tick.
  TickResult tick(TickMode mode = TickMode::apply, std::optional<TimePoint> as_of = {}) {
    return run_tick({files, processes, store, source, clock, config}, mode, as_of);
  }

  /// Returns what a manual change needs.
  ChangeContext manual() { return {files, processes, store, clock, config, "operator"}; }

  /// Signs an approval of `decision`.
  Approval approval_of(const Json& decision) const {
    const Decision value = decision_from_json(decision, "decision");
    return sign_approval({decision_digest(decision), "alice", clock.now(), value.expires_at, ""},
                         approver_key().secret);
  }

  /// Puts an approval of the pending decision where the loop looks for it.
  void approve() {
    const Json pending = stored.load().pending_decision;
    write("/approvals/dag_policy_approval_latest.json",
          to_pretty_json(approval_to_json(approval_of(pending))));
  }

  /// Adds `per_slot` runs to each slot of [from, from + length), `failed` of them unsuccessful.
  void add_runs(TimePoint from, Microseconds length, std::uint64_t per_slot,
                std::uint64_t failed = 0, Cohort cohort = Cohort::none) {
    for (TimePoint slot = floor_to_slot(from); slot < from + length; slot += kSlot) {
      source.add(slot, make_runs(per_slot, per_slot - failed), cohort);
    }
  }

  std::string env() { return *memory.read(kEnvPath); }
  std::string value(const std::string& key) { return *EnvFile::parse(env(), kEnvPath).value(key); }
  CycleState state() { return stored.load(); }

  /// Returns the printed words of the journal's events.
  std::vector<std::string> events() {
    std::vector<std::string> words;
    for (const JournalEntry& entry : stored.entries()) {
      if (entry.event.type == EventType::observed) continue;  // a tick that only counted
      words.emplace_back(to_string(entry.event.type));
    }
    return words;
  }
  bool journal_is_intact() { return !records_fault(stored.records()); }

  FakeClock clock;
  MemoryFileSystem memory;
  MemoryStateStore stored;
  Faults faults;
  FailingFileSystem files;  // what the loop sees
  FailingStateStore store;
  ScriptedProcesses processes;
  ScriptedSource source;
  Config config;
};

}  // namespace dagloop::test
