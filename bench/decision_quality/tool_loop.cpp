#include "tool_loop.hpp"

#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp is POSIX's

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "dagloop/base/json.hpp"
#include "dagloop/base/process_runner.hpp"

namespace dagloop::bench {
namespace {

namespace fs = std::filesystem;

fs::path make_directory() {
  std::string path = (fs::temp_directory_path() / "dagloop_story_XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return path;
}

const char* status_of(Run::Outcome outcome) {
  switch (outcome) {
    case Run::Outcome::succeeded:
      return "succeeded";
    case Run::Outcome::failed:
      return "failed";
    case Run::Outcome::running:
    case Run::Outcome::unwritten:
      break;
  }
  return "running";
}

const char* code_of_failure(Run::Failure failure) {
  return failure == Run::Failure::auth     ? "AUTH_EXPIRED"
         : failure == Run::Failure::server ? "503"
                                           : "AGENT_LOOP";
}

std::string record_of(const Run& run) {
  std::string text = fmt::format(
      R"({{"pipeline_run_id":"r{}","created_at":"{}","status":"{}","execution_mode":"dag","user_id":"u{:x}")",
      run.id, format_time(run.ended), status_of(run.outcome), run.user);
  if (run.cohort != Cohort::none) text += fmt::format(R"(,"cohort":"{}")", to_string(run.cohort));
  if (run.outcome != Run::Outcome::running) {
    text += fmt::format(R"(,"duration_ms":{:.0f})", run.duration_ms);
  }
  if (run.plan != Run::Plan::unknown) {
    text += fmt::format(R"(,"plan_source":"{}")", run.plan == Run::Plan::llm ? "llm" : "rule");
  }
  if (run.outcome == Run::Outcome::failed) {
    text += fmt::format(R"(,"error_code":"{}")", code_of_failure(run.failure));
  }
  return text + "}\n";
}

/// The cycle's executable, with its files. Owns: the directory that they are in.
class ToolLoop final : public Loop {
 public:
  ToolLoop(const Story& story, const std::string& tools)
      : tools_(fs::absolute(tools)), root_(make_directory()) {
    for (const char* name : {"env", "state", "reports"}) fs::create_directory(root_ / name);
    write("env/service.env", fmt::format("DAG_ROLLOUT_PERCENT={}\n", story.first_percent));
    write("allow.json",
          R"({"schema":"dagloop.policy_allowlist/1","keys":[{"name":"DAG_ROLLOUT_PERCENT",)"
          R"("type":"int","min":0,"max":100,"max_step":40,"default":"0","owner":"o",)"
          R"("description":"d"}]})");
    write("rules.json", R"({"schema":"dagloop.policy_rules/1","rules":[]})");
    write("dagloop.json", configuration());
    const ProcessResult made = run({(tools_ / "approve_dag_policy").string(), "--init-key", "--key",
                                    place("alice.key"), "--as", "alice"});
    write("approvers.json", R"({"approvers":[)" + made.output + "]}");
    log_.open(root_ / "log.jsonl", std::ios::app);
  }
  ~ToolLoop() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  ToolLoop(const ToolLoop&) = delete;
  ToolLoop& operator=(const ToolLoop&) = delete;

  void take(const Run& run) override { log_ << record_of(run); }

  Finding tick(TimePoint now, int approved_up_to) override {
    log_.flush();
    if (proposed_at_ && now - *proposed_at_ >= kApprovalTakes && proposed_ <= approved_up_to) {
      run({(tools_ / "approve_dag_policy").string(), "--config", place("dagloop.json"), "--as",
           "alice", "--key", place("alice.key"), "--decision",
           place("reports/dag_policy_decision_latest.json"), "--yes"});
    }
    const ProcessResult ticked =
        run({(tools_ / "dag_optimization_cycle").string(), "--config", place("dagloop.json"),
             "--as-of", format_time(now), "--json", "--apply"});
    const Json document = parse_answer(ticked);
    note_proposal(document, now);
    const Json* decision = document.find("decision");
    const Json* action = decision == nullptr ? nullptr : decision->find("action");
    return action != nullptr && action->as_string() == "rollback" ? Finding::rollback
                                                                  : Finding::nothing;
  }

  int percent() override {
    std::ifstream file(root_ / "env/service.env");
    std::string line;
    std::getline(file, line);
    return std::stoi(line.substr(line.find('=') + 1));
  }

 private:
  std::string place(const std::string& name) const { return (root_ / name).string(); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name) << text;
  }

  std::string configuration() const {
    return fmt::format(
        R"({{"window":"1d","input":{{"sources":["{0}/log.jsonl"]}},)"
        R"("gate":{{"checks":[{{"kpi":"pipeline_success_rate","comparator":">=","threshold":0}}]}},)"
        R"("policy":{{"env_file":"{0}/env/service.env","allowlist":"{0}/allow.json",)"
        R"("rules":"{0}/rules.json","approvers":"{0}/approvers.json","approvals_dir":"{0}/reports"}},)"
        R"("state":"sqlite:{0}/state/loop.db","reports":{{"dir":"{0}/reports","formats":["json"]}}}})",
        root_.string());
  }

  ProcessResult run(std::vector<std::string> argv) {
    ProcessCall call;
    call.argv = std::move(argv);
    call.max_output_bytes = 1U << 22U;
    return processes_.run(call);
  }

  Json parse_answer(const ProcessResult& ticked) const {
    try {
      return parse_json(ticked.output, "the cycle's answer");
    } catch (const std::exception&) {
      throw std::runtime_error("dag_optimization_cycle: " + ticked.errors.substr(0, 300));
    }
  }

  // A change waits from its proposal on, whatever the ticks between then and now decide.
  void note_proposal(const Json& document, TimePoint now) {
    const Json* phase = document.find("phase");
    if (phase == nullptr || phase->as_string() != "proposed") {
      proposed_at_.reset();
    } else if (!proposed_at_) {
      proposed_at_ = now;
      const Json* decision = document.find("decision");
      const Json* next = decision == nullptr ? nullptr : decision->find("next_percent");
      proposed_ = next != nullptr && !next->is_null() ? static_cast<int>(next->as_integer()) : 0;
    }
  }

  fs::path tools_;
  fs::path root_;
  PosixProcessRunner processes_;
  std::ofstream log_;
  std::optional<TimePoint> proposed_at_;
  int proposed_ = 0;
};

}  // namespace

std::unique_ptr<Loop> make_tool_loop(const Story& story, const std::string& tools) {
  return std::make_unique<ToolLoop>(story, tools);
}

}  // namespace dagloop::bench
