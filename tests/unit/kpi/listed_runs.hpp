// Runs one by one, as nobody has added them up: what attribution is held against. For tests.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "awkward_log.hpp"

namespace dagloop::test {

/// A final run. `nodes`: the attempts of each, in order; true: it succeeded.
struct ListedRun {
  bool failed = false;
  std::string error_code;
  std::string plan_source;
  std::map<std::string, std::vector<bool>> nodes;

  /// Returns whether the node is there and no attempt succeeded.
  bool failed_at(const std::string& node) const {
    const auto found = nodes.find(node);
    if (found == nodes.end()) return false;
    for (const bool succeeded : found->second) {
      if (succeeded) return false;
    }
    return true;
  }
};

/// Returns runs of every awkward kind: failed ones without a code, succeeded ones with one, failed
/// nodes that a run survives, several failed nodes in a run. `shift` makes labels more likely.
inline std::vector<ListedRun> random_runs(Random& random, std::size_t count, double shift) {
  std::vector<ListedRun> runs(count);
  for (ListedRun& run : runs) {
    run.plan_source =
        random.chance(shift) ? "llm" : one_of<const char*>(random, {"", "rule", "dag_template"});
    run.failed = random.chance(run.plan_source == "llm" ? 0.4 : 0.15);
    if (random.chance(run.failed ? 0.8 : 0.05)) {
      run.error_code = one_of<const char*>(random, {"LLM_TIMEOUT", "TOOL_TIMEOUT", "503"});
    }
    for (const char* node : {"plan", "rank", "send"}) {
      if (random.chance(0.3)) continue;
      auto& attempts = run.nodes[node];
      while (attempts.size() < 3 && random.chance(run.failed ? 0.6 : 0.2))
        attempts.push_back(false);
      if (attempts.empty() || random.chance(run.failed ? 0.3 : 0.9)) attempts.push_back(true);
    }
  }
  return runs;
}

/// Returns the log of runs, a run record each and a node record an attempt, in any order.
inline std::vector<OwnedRecord> log_of(const std::vector<ListedRun>& runs, Random& random) {
  std::vector<OwnedRecord> records;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const int minute = static_cast<int>(random.below(120));
    const std::string name = "run" + std::to_string(i);
    OwnedRecord record =
        make_record(name, minute, runs[i].failed ? Status::failed : Status::succeeded);
    record.error_code = runs[i].error_code;
    record.plan_source = runs[i].plan_source;
    records.push_back(record);
    for (const auto& [node, attempts] : runs[i].nodes) {
      for (std::size_t k = 0; k < attempts.size(); ++k) {
        records.push_back(
            make_node_record(name, node, minute, attempts[k] ? Status::succeeded : Status::failed));
        records.back().attempt = static_cast<std::uint32_t>(k + 1);
      }
    }
  }
  shuffle(records, random);
  return records;
}

/// Returns the sum of the partials of runs, by way of their log.
inline KpiPartial partial_of(const std::vector<ListedRun>& runs, Random& random) {
  return settle(log_of(runs, random)).sum(kRange, Population::dag);
}

/// Returns the mean of `figure` over runs.
template <typename Figure>
double mean_of(const std::vector<ListedRun>& runs, const Figure& figure) {
  double sum = 0;
  for (const ListedRun& run : runs) sum += static_cast<double>(figure(run));
  return sum / static_cast<double>(runs.size());
}

}  // namespace dagloop::test
