#include "dagloop/cycle/drill.hpp"

#include <utility>

#include "cycle/replaced_file.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/uri.hpp"
#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/manual_change.hpp"
#include "dagloop/cycle/policy_observation.hpp"
#include "dagloop/cycle/policy_situation.hpp"
#include "dagloop/decide/ladder.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr const char* kDrillActor = "drill";
constexpr const char* kRemedy = "do not rely on automatic rollbacks until a drill succeeds";

// The copy of the env file; removed on every way out.
class EnvCopy {
 public:
  EnvCopy(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~EnvCopy() {
    try {
      files_.remove(path_);
    } catch (const Error&) {
      // The next drill overwrites it.
    }
  }
  EnvCopy(const EnvCopy&) = delete;
  EnvCopy& operator=(const EnvCopy&) = delete;
  const std::string& path() const { return path_; }

 private:
  FileSystem& files_;
  std::string path_;
};

class Drill {
 public:
  explicit Drill(const DrillContext& context)
      : context_(context),
        copy_(context.files, context.config.policy.env_file + ".drill"),
        config_(context.config) {
    config_.policy.env_file = copy_.path();
    // The hook would reload the real service.
    config_.policy.reload.clear();
  }

  DrillResult run();

 private:
  CycleState set_the_scene();
  PolicySituation find_real();
  void pretend_step(PolicySituation& real);
  void put_copies(CycleState state);
  void check(const DrillResult& result);
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::apply_failed, copy_.path(), "the rehearsed rollback " + what, kRemedy);
  }

  const DrillContext& context_;
  EnvCopy copy_;
  Config config_;         // of the rehearsal: the copy, and no hook
  std::string text_;      // what the copy starts from
  std::string expected_;  // what it must be in the end
  DrillResult result_;
};

DrillResult Drill::run() {
  put_copies(set_the_scene());
  const ChangeContext rehearsal{context_.files, context_.no_hook, context_.rehearsal,
                                context_.clock, config_,          kDrillActor};
  result_.at = context_.clock.now();
  const ManualResult rolled_back = roll_back_policy(rehearsal, TickMode::apply);
  result_.took = context_.clock.now() - result_.at;
  if (rolled_back.code != ExitCode::done) fail("did not succeed");
  check(result_);
  return result_;
}

// Returns the state that the copy starts from.
CycleState Drill::set_the_scene() {
  PolicySituation real = find_real();
  check_loader(real);
  static_cast<void>(checked_rollout_percent(config_, real.values));
  const auto target = rollback_target(real.values, policy_history(real.state), config_.decision);
  if (target && target->approval == Decision::Approval::not_required) {
    result_.patch = target->patch;
    text_ = real.env.text();
    expected_ = real.env.patched(target->patch);
  } else {
    pretend_step(real);
  }
  return std::move(real.state);
}

PolicySituation Drill::find_real() {
  const ChangeContext context{context_.files, context_.no_hook, context_.state,
                              context_.clock, context_.config,  kDrillActor};
  CycleState stored = context.store.load();
  if (stored.intent) {
    throw Error(ErrorKind::conflict, context_.config.state, "a change was interrupted",
                "let the next tick with --apply finish or undo it, then rehearse");
  }
  std::vector<std::string> notes;  // a tick's to tell
  return find_situation(context, std::move(stored), {TickMode::dry_run, ""}, notes);
}

// Nothing to go back to yet: as if a step away from today's policy were under verification.
void Drill::pretend_step(PolicySituation& real) {
  const std::string& key = config_.decision.rollout_key;
  const int percent = checked_rollout_percent(config_, real.values);
  const auto above = step_above(config_.decision.ladder, percent);
  const auto other = above ? above : step_below(config_.decision.ladder, percent);
  if (!other) {
    throw Error(ErrorKind::config, "decision.ladder", "has no step but the present one",
                "a rollback needs two steps at least");
  }
  const Patch step{{key, {real.values.at(key), std::to_string(*other)}}};
  result_.scene = DrillScene::pretended_step;
  result_.patch = {{key, {std::to_string(*other), real.values.at(key)}}};
  expected_ = real.env.text();
  text_ = real.env.patched(step);
  CycleState& state = real.state;
  state.in_force[key] = std::to_string(*other);
  state.change = ChangeUnderVerification{"", step, context_.clock.now()};
  state.phase = Phase::verifying;
}

void Drill::put_copies(CycleState state) {
  const auto info = context_.files.stat(context_.config.policy.env_file);
  if (!info) fail("found no env file");
  replace_wholly(context_.files, copy_.path(), text_, {info->mode, info->uid, info->gid});
  // A commit is refused for any other version.
  state.version = context_.rehearsal.load().version;  // of the drill before, where it is kept
  context_.rehearsal.commit(state,
                            {{context_.clock.now(), EventType::adopted, kDrillActor, "", Json(),
                              values_to_json(state.in_force), "copied for a rehearsal"}});
}

void Drill::check(const DrillResult& result) {
  if (context_.files.read(copy_.path()) != expected_) fail("left another env file than it should");
  const CycleState state = context_.rehearsal.load();
  for (const auto& [key, change] : result.patch) {
    const auto found = state.in_force.find(key);
    if (found == state.in_force.end() || found->second != change.after) {
      fail("left another policy in the state than in the env file");
    }
  }
  const StoredRecords records = context_.rehearsal.records();
  if (const auto fault = records_fault(records)) {
    fail("left a journal that is not intact: " + *fault);
  }
  const auto journal = read_entries(records.journal);
  if (state.intent || journal.empty() || journal.back().event.type != EventType::rolled_back) {
    fail("is not the last word of its journal");
  }
}

}  // namespace

std::string_view to_string(DrillScene scene) {
  return scene == DrillScene::earlier_policy ? "earlier_policy" : "pretended_step";
}

DrillResult rehearse_rollback(const DrillContext& context) { return Drill(context).run(); }

Json drill_to_json(const DrillResult& result) {
  return Json::object({{"schema", "dagloop.rollback_drill/1"},
                       {"at", format_time(result.at)},
                       {"scene", to_string(result.scene)},
                       {"patch", patch_to_json(result.patch)},
                       {"seconds", std::chrono::duration<double>(result.took).count()}});
}

std::string drill_text(const DrillResult& result, const Config& config) {
  std::string text = result.scene == DrillScene::earlier_policy
                         ? "rehearsed on a copy, as a trigger would do it now:\n"
                         : "rehearsed on a copy, from a pretended step (no earlier policy yet):\n";
  for (const auto& [key, change] : result.patch) {
    text += "  " + key + ": " + change.before + " -> " + change.after + "\n";
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(result.took);
  text += "the earlier policy was in force in the copy after " + std::to_string(took.count()) +
          " ms; env file, state and journal are as they should be\n";
  if (!config.policy.reload.empty()) {
    text += "not rehearsed: the reload hook " + config.policy.reload.front() + "\n";
  }
  return text;
}

void check_rehearsable(FileSystem& files, const Config& config) {
  check_closed_places(files, config);
  if (const auto fault = replacement_fault(files, config.policy)) throw Error(*fault);
}

void remove_drill_state(FileSystem& files, const std::string& state) {
  const std::string uri = drill_state_uri(state);
  if (!uri.starts_with(kSqlite)) return;
  // What SQLite and the lock leave beside the file.
  for (const char* suffix : {"", "-journal", ".lock"}) {
    files.remove(uri.substr(kSqlite.size()) + suffix);
  }
}

std::string drill_state_uri(const std::string& state) {
  if (state.starts_with(kSqlite)) return state + ".drill";
  std::string server = state;
  const std::string name = take_parameter(server, "state_name").value_or("default");
  if (server.ends_with('?')) server.pop_back();
  return server + (server.find('?') == std::string::npos ? "?" : "&") + "state_name=" + name +
         "/drill";
}

}  // namespace dagloop
