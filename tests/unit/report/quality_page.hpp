// A report's page, and what stands where on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "dagloop/report/page.hpp"
#include "make_codes.hpp"
#include "make_documents.hpp"

namespace dagloop::test {

inline NodePartial node(std::uint64_t attempts, std::uint64_t failed, double p95_ms,
                        std::uint64_t retries = 0, std::uint64_t retries_succeeded = 0) {
  NodePartial partial = make_node(attempts, failed, retries, retries_succeeded);
  for (std::uint64_t i = 0; i < attempts; ++i) partial.latency.add(p95_ms);
  return partial;
}

/// A canary that fails, with something to show in every section.
inline Quality example_quality(const std::string& error_code = "TOOL_AUTH_ERROR") {
  KpiPartial canary = make_runs(40, 30, 1500);
  set_codes(canary, {{error_code, 8}, {"TOOL_TIMEOUT", 2}});
  canary.nodes["n2_fetch"] = node(90, 12, 640, 10, 4);
  KpiPartial control = make_runs(360, 345, 1200);
  set_codes(control, {{"TOOL_TIMEOUT", 15}});
  control.nodes["n1_plan"] = node(360, 3, 850);
  control.nodes["n3_send"] = node(360, 0, 61'000);
  control.derived_runs = 9;
  KpiPartial other = make_runs(14, 13, 2770);
  KpiPartial before = make_runs(400, 388, 1200);
  set_codes(before, {{"TOOL_TIMEOUT", 12}});
  Quality quality = QualityBuilder()
                        .current(canary, Cohort::canary)
                        .current(control, Cohort::control)
                        .current(other, Cohort::none, Population::non_dag)
                        .baseline(before)
                        .newest_record(kAsOf - std::chrono::minutes(4))
                        .build();
  quality.input.records = 12'345;
  quality.input.run_records = 12'000;
  quality.input.node_records = 343;
  quality.input.duplicates = 1;
  quality.input.window.all = {12'346, 0};
  quality.input.reject({"logs/a.jsonl", 17, RejectReason::unknown_status});
  return quality;
}

/// The page with the default gate.
inline std::string render(const Quality& quality, const Decision* decision = nullptr) {
  const GateResult gate = evaluate_gate(default_gate(), quality, DataLimits());
  return render_markdown(compose_quality_page({quality, &gate, decision, {"rolled back"}}));
}

/// The part of a page under a heading, up to the next one.
inline std::string section(const std::string& page, const std::string& heading) {
  const std::size_t start = page.find("## " + heading + "\n");
  if (start == std::string::npos) return "";
  return page.substr(start, page.find("\n## ", start + 1) - start);
}

/// The first cells of a section's table, below its header.
inline std::vector<std::string> first_cells(const std::string& text) {
  std::vector<std::string> cells;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| ")) cells.push_back(line.substr(2, line.find(" |", 2) - 2));
  }
  if (cells.size() >= 2) cells.erase(cells.begin(), cells.begin() + 2);
  return cells;
}

}  // namespace dagloop::test
