#include <fmt/format.h>

#include <algorithm>

#include "figures.hpp"
#include "page_sections.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxErrorCodes = 10;
constexpr std::size_t kMaxNodes = 10;

const PopulationKpis* baseline_of(const Quality& quality, Population population) {
  return quality.baseline ? &quality.baseline->population(population) : nullptr;
}

std::string show_share(std::uint64_t count, std::uint64_t total) {
  if (total == 0) return "";
  return show_percent(static_cast<double>(count) / static_cast<double>(total));
}

using NamedNode = std::pair<std::string, NodeKpis>;

// The first `count` nodes by `before`.
template <typename Before>
std::vector<NamedNode> first_nodes(const PopulationKpis& figures, std::size_t count,
                                   const Before& before) {
  std::vector<NamedNode> nodes(figures.nodes.begin(), figures.nodes.end());
  std::stable_sort(nodes.begin(), nodes.end(), [&](const NamedNode& a, const NamedNode& b) {
    return before(a.second, b.second);
  });
  if (nodes.size() > count) nodes.resize(count);
  return nodes;
}

void add_node_table(Page& page, const std::string& title, const std::vector<NamedNode>& nodes) {
  if (nodes.empty()) return;
  Table table{{"node", "attempts", "failed", "failure rate", "retries that succeed", "p95"}, {}};
  for (const auto& [name, node] : nodes) {
    table.rows.push_back({cut_text(name), show_count(node.attempts),
                          show_count(node.failure_rate.numerator),
                          show_value("failure_rate", node.failure_rate),
                          node.retry_success_rate.denominator == 0
                              ? "no retries"
                              : show_value("retry_success_rate", node.retry_success_rate),
                          show_value("p95_latency_ms", node.p95_latency_ms)});
  }
  page.emplace_back(Heading{2, title});
  page.emplace_back(std::move(table));
}

std::string population_title(Population population) {
  return population == Population::dag ? "KPIs of DAG runs" : "KPIs of non-DAG runs";
}

}  // namespace

std::string window_sentence(const Quality& quality) {
  const WindowKpis& now = quality.current;
  const PopulationKpis& dag = now.population(Population::dag);
  const std::uint64_t other = now.population(Population::non_dag).total_runs;
  std::string text = fmt::format("{} to {} ({}): ", format_time(now.window.start),
                                 format_time(now.window.end), show_span(now.window.length()));
  text += dag.total_runs + other == 0
              ? "no runs in the window"
              : fmt::format("{} DAG runs, {} of them succeeded; {} other runs",
                            show_count(dag.total_runs), show_count(dag.succeeded_runs),
                            show_count(other));
  if (quality.baseline) {
    text += fmt::format(". Baseline: {} to {}, {} DAG runs",
                        format_time(quality.baseline->window.start),
                        format_time(quality.baseline->window.end),
                        show_count(quality.baseline->population(Population::dag).total_runs));
  }
  return text + ".";
}

void add_kpi_section(Page& page, const Quality& quality, Population population) {
  const PopulationKpis& figures = quality.current.population(population);
  const PopulationKpis* before = baseline_of(quality, population);
  Table table{{"KPI", "now", "95 % interval", "n", "baseline", "change"}, {}};
  for (const auto& [name, kpi] : figures.kpis.all()) {
    const Kpi* earlier = before == nullptr ? nullptr : before->kpis.find(name);
    table.rows.push_back({name, show_value(name, kpi), show_interval(kpi),
                          show_count(kpi.denominator),
                          earlier == nullptr ? "" : show_value(name, *earlier),
                          show_change(name, kpi, earlier)});
  }
  page.emplace_back(Heading{2, population_title(population)});
  page.emplace_back(std::move(table));
}

void add_cohort_section(Page& page, const Quality& quality) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  const PopulationKpis* canary = dag.cohort(Cohort::canary);
  const PopulationKpis* control = dag.cohort(Cohort::control);
  if (canary == nullptr && control == nullptr) return;
  Table table{{"KPI", "canary", "control", "canary against control"}, {}};
  const auto runs = [](const PopulationKpis* cohort) {
    return cohort == nullptr ? "no runs" : show_count(cohort->total_runs);
  };
  table.rows.push_back({"runs", runs(canary), runs(control), ""});
  for (const std::string& name : kpi_names()) {
    const Kpi* tried = canary == nullptr ? nullptr : canary->kpis.find(name);
    const Kpi* kept = control == nullptr ? nullptr : control->kpis.find(name);
    table.rows.push_back({name, tried == nullptr ? "no data" : show_value(name, *tried),
                          kept == nullptr ? "no data" : show_value(name, *kept),
                          tried == nullptr ? "" : show_change(name, *tried, kept)});
  }
  page.emplace_back(Heading{2, "Canary and control"});
  page.emplace_back(std::move(table));
}

void add_error_section(Page& page, const Quality& quality) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  if (dag.error_codes.empty()) return;
  const PopulationKpis* before = baseline_of(quality, Population::dag);
  std::vector<std::pair<std::string, std::uint64_t>> codes(dag.error_codes.begin(),
                                                           dag.error_codes.end());
  std::stable_sort(codes.begin(), codes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (codes.size() > kMaxErrorCodes) codes.resize(kMaxErrorCodes);
  Table table{{"error code", "runs", "share", "share in baseline"}, {}};
  for (const auto& [code, count] : codes) {
    std::string earlier;
    if (before != nullptr) {
      const auto found = before->error_codes.find(code);
      earlier = show_share(found == before->error_codes.end() ? 0 : found->second,
                           before->total_runs);
    }
    table.rows.push_back(
        {cut_text(code), show_count(count), show_share(count, dag.total_runs), earlier});
  }
  page.emplace_back(Heading{2, "Top error codes"});
  page.emplace_back(std::move(table));
}

void add_node_section(Page& page, const Quality& quality) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  auto worst = first_nodes(dag, kMaxNodes, [](const NodeKpis& a, const NodeKpis& b) {
    return a.failure_rate.numerator > b.failure_rate.numerator;
  });
  std::erase_if(worst, [](const NamedNode& node) {
    return node.second.failure_rate.numerator == 0;
  });
  add_node_table(page, "Nodes with most failed attempts", worst);
  const auto slowest = first_nodes(dag, kMaxNodes / 2, [](const NodeKpis& a, const NodeKpis& b) {
    return a.p95_latency_ms.value.value_or(0) > b.p95_latency_ms.value.value_or(0);
  });
  add_node_table(page, "Slowest nodes", slowest);
}

void add_input_section(Page& page, const Quality& quality) {
  const InputCounts& input = quality.input;
  BulletList list;
  list.items.push_back(fmt::format(
      "{} records read: {} of runs, {} of nodes, {} duplicates, {} outside the time range",
      show_count(input.records), show_count(input.run_records), show_count(input.node_records),
      show_count(input.duplicates), show_count(input.out_of_range)));
  list.items.push_back(fmt::format("{} runs derived from their nodes, {} runs in flight",
                                   show_count(quality.derived_runs()),
                                   show_count(quality.in_flight())));
  list.items.push_back(
      input.newest_record
          ? fmt::format("newest record {}, {} before the end of the window",
                        format_time(*input.newest_record),
                        show_span(quality.as_of - *input.newest_record))
          : std::string("no valid record"));
  list.items.push_back(fmt::format("{} malformed lines ({})", show_count(input.malformed),
                                   show_percent(malformed_share(input))));
  for (const auto& [reason, count] : input.malformed_by_reason) {
    list.items.push_back(fmt::format("malformed, {}: {}", to_string(reason), show_count(count)));
  }
  for (const MalformedExample& example : input.examples) {
    list.items.push_back(fmt::format("for example {}:{}: {}", cut_text(example.file), example.line,
                                     to_string(example.reason)));
  }
  page.emplace_back(Heading{2, "Input"});
  page.emplace_back(std::move(list));
}

}  // namespace dagloop
