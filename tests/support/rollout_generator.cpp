#include "rollout_generator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <deque>
#include <vector>

namespace dagloop::test {
namespace {

constexpr std::size_t kShippingDelay = 20;  // lines that may overtake another
constexpr std::array kErrorCodes{
    "TOOL_TIMEOUT",        "TOOL_SERVER_ERROR",     "TOOL_RATE_LIMITED", "DSL_VALIDATION_FAILED",
    "LLM_AUTOFILL_FAILED", "VERIFY_COUNT_MISMATCH", "TOOL_AUTH_ERROR",   "UNKNOWN"};
constexpr std::array kNodes{"n1_plan", "n2_fetch", "n3_transform", "n4_write", "n5_verify"};
constexpr std::array kPlanSources{"llm", "dag_template", "rule"};

struct Run {
  std::string id;
  std::string request;
  std::string user;
  std::string cohort;  // empty: none
  std::string plan_source;
  TimePoint end;
  double duration_ms = 0;
  bool is_dag = true;
  bool succeeded = true;
  std::string error_code;
};

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

class Line {
 public:
  // shuffler: puts the keys in an order of its own; null: in the order of their adding.
  explicit Line(Random* shuffler) : shuffler_(shuffler) {}
  Line& text(const char* key, const std::string& value) {
    if (!value.empty()) raw(key, "\"" + value + "\"");
    return *this;
  }
  Line& number(const char* key, std::int64_t value) {
    raw(key, std::to_string(value));
    return *this;
  }
  Line& truth(const char* key, bool value) {
    raw(key, value ? "true" : "false");
    return *this;
  }
  std::string done() {
    for (std::size_t i = fields_.size(); shuffler_ != nullptr && i > 1; --i) {
      std::swap(fields_[i - 1], fields_[shuffler_->below(i)]);
    }
    std::string out = "{";
    for (const std::string& field : fields_) out += (out.size() > 1 ? "," : "") + field;
    return out + "}";
  }

 private:
  void raw(const char* key, const std::string& value) {
    fields_.push_back("\"" + std::string(key) + "\":" + value);
  }
  Random* shuffler_;
  std::vector<std::string> fields_;
};

class Generator {
 public:
  Generator(const RolloutOptions& options, const std::function<void(std::string_view)>& write_line)
      : options_(options), random_(options.seed), write_line_(write_line) {}

  void run() {
    const auto count = static_cast<std::uint64_t>(options_.days * options_.runs_per_day);
    const double spacing_us = 86'400'000'000.0 / options_.runs_per_day;
    for (std::uint64_t i = 0; i < count; ++i) {
      const double at = (static_cast<double>(i) + random_.uniform()) * spacing_us;
      write_run(
          make_run(i, options_.start + Microseconds(static_cast<std::int64_t>(at) / 1000 * 1000)));
    }
    while (!waiting_.empty()) ship_one();
  }

 private:
  // Log-normal by an approximation that needs no libm function whose last bit may differ: a sum of
  // uniforms squared, in whole milliseconds.
  double duration(double p50) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += random_.uniform();
    const double spread = sum / 2;  // mean 1
    return std::floor(p50 * (0.4 + 0.6 * spread * spread));
  }

  Run make_run(std::uint64_t number, TimePoint end) {
    Run run;
    run.id = "run-" + hex(random_.next()) + "-" + std::to_string(number);
    run.request = "req-" + hex(random_.next());
    run.user = "user-" + std::to_string(random_.below(500));
    run.end = end;
    run.is_dag = !random_.chance(options_.non_dag);
    const bool canary = random_.chance(options_.canary_share);
    if (run.is_dag && options_.canary_share > 0) run.cohort = canary ? "canary" : "control";
    run.plan_source = kPlanSources[random_.below(kPlanSources.size())];
    const bool bad = run.is_dag && canary && options_.bad_from && end >= *options_.bad_from;
    run.duration_ms = duration(options_.p50_ms * (bad ? options_.bad_slowdown : 1));
    run.succeeded = random_.chance(bad ? options_.bad_success_rate : options_.success_rate);
    const bool telling = random_.chance(0.8);
    const char* any = kErrorCodes[random_.below(kErrorCodes.size())];
    if (!run.succeeded) run.error_code = bad && telling ? options_.bad_error_code : any;
    return run;
  }

  void write_run(const Run& run) {
    if (run.is_dag) write_nodes(run);
    const bool derived =
        run.is_dag && options_.node_records > 0 && random_.chance(options_.derived);
    const std::string record = run_record(run);
    if (!derived) ship(record);
    if (!derived && random_.chance(options_.duplicates)) ship(record);
    if (random_.chance(options_.malformed)) ship(record.substr(0, record.size() / 2));
  }

  std::string run_record(const Run& run) {
    const bool in_flight = random_.chance(options_.in_flight);
    const bool verification = run.error_code == "VERIFY_COUNT_MISMATCH";
    Line line = common(run);
    line.text("status", in_flight       ? "running"
                        : run.succeeded ? "succeeded"
                                        : "failed")
        .text("error_code", run.error_code)
        .text("execution_mode", run.is_dag ? "dag" : "rule")
        .text("plan_source", run.plan_source)
        .number("duration_ms", static_cast<std::int64_t>(run.duration_ms))
        .text("verification_reason", verification ? "count_mismatch" : "")
        .text("fallback_reason", random_.chance(0.03) ? "planner_unavailable" : "")
        .text("idempotency_key", "idem-" + run.request)
        .truth("idempotent_reuse", random_.chance(0.02))
        .text("compensation_status", compensation(run))
        .number("fanout_total", 8)
        .number("fanout_failed", run.succeeded ? 0 : static_cast<std::int64_t>(random_.below(3)))
        .text("policy_version", "p1")
        .text("cohort", run.cohort);
    return line.done();
  }

  std::string compensation(const Run& run) {
    if (run.succeeded || !random_.chance(0.3)) return "not_required";
    return random_.chance(0.9) ? "completed" : "failed";
  }

  Line common(const Run& run) {
    Line line(options_.shuffle_keys ? &random_ : nullptr);
    line.text("request_id", run.request).text("user_id", run.user);
    line.text("created_at", format_time(run.end)).text("pipeline_run_id", run.id);
    return line;
  }

  // Every node but the last of a failed run ends well, some of them at a second attempt.
  void write_nodes(const Run& run) {
    const auto count = static_cast<std::size_t>(options_.node_records);
    for (std::size_t i = 0; i < std::min(count, kNodes.size()); ++i) {
      const bool fails = !run.succeeded && i + 1 == count;
      const bool retried = random_.chance(0.05);
      if (retried) ship(node_record(run, i, 1, "TOOL_TIMEOUT"));
      ship(node_record(run, i, retried ? 2 : 1, fails ? run.error_code : ""));
    }
  }

  std::string node_record(const Run& run, std::size_t node, int attempt,
                          const std::string& error_code) {
    const double share = run.duration_ms / (options_.node_records + 1);
    Line line = common(run);
    line.text("node_id", kNodes[node])
        .text("node_type", "skill")
        .number("attempt", attempt)
        .text("status", error_code.empty() ? "succeeded" : "failed")
        .text("error_code", error_code)
        .text("execution_mode", "dag")
        .number("duration_ms", static_cast<std::int64_t>(share))
        .text("cohort", run.cohort);
    return line.done();
  }

  void ship(std::string line) {
    waiting_.push_back(std::move(line));
    if (waiting_.size() > kShippingDelay) ship_one();
  }

  void ship_one() {
    const std::size_t which = random_.below(waiting_.size());
    write_line_(waiting_[which]);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  const RolloutOptions& options_;
  Random random_;
  const std::function<void(std::string_view)>& write_line_;
  std::deque<std::string> waiting_;
};

}  // namespace

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

double Random::uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

void generate_rollout(const RolloutOptions& options,
                      const std::function<void(std::string_view line)>& write_line) {
  Generator(options, write_line).run();
}

}  // namespace dagloop::test
