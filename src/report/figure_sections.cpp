#include <fmt/format.h>

#include <algorithm>

#include "report/figures.hpp"
#include "report/page_sections.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

// What fits on a page; the JSON has all of them.
constexpr std::size_t kMaxErrorCodes = 10;
constexpr std::size_t kMaxFailingNodes = 10;
constexpr std::size_t kMaxSlowNodes = 5;

const PopulationKpis* baseline_of(const Quality& quality, Population population) {
  return quality.baseline ? &quality.baseline->population(population) : nullptr;
}

std::string show_share_of_runs(std::uint64_t count, std::uint64_t total) {
  if (total == 0) return "";
  return show_percent(static_cast<double>(count) / static_cast<double>(total));
}

using NamedNode = std::pair<std::string, NodeKpis>;

// The first `count` nodes by `before`.
template <typename Before>
std::vector<NamedNode> first_nodes(const PopulationKpis& figures, std::size_t count,
                                   const Before& before) {
  std::vector<NamedNode> nodes(figures.nodes.begin(), figures.nodes.end());
  // Stable, from the order by name: the same figures always print the same page.
  std::stable_sort(nodes.begin(), nodes.end(), [&](const NamedNode& a, const NamedNode& b) {
    return before(a.second, b.second);
  });
  if (nodes.size() > count) nodes.resize(count);
  return nodes;
}

// Where earlier tries are not known, it says so.
std::string show_attempts(const NodeKpis& node, std::uint64_t count) {
  return node.attempts ? show_count(count) : "not known";
}

void add_node_table(Page& page, const std::string& title, const std::vector<NamedNode>& nodes) {
  if (nodes.empty()) return;
  Table table{{"node", "attempts", "failed", "failure rate", "retries that succeed", "p95"}, {}};
  for (const auto& [name, node] : nodes) {
    table.rows.push_back({cut_text(name), show_attempts(node, node.attempts.value_or(0)),
                          show_attempts(node, node.failure_rate.numerator),
                          show_value("failure_rate", node.failure_rate),
                          node.attempts && node.retry_success_rate.denominator == 0
                              ? "no retries"
                              : show_value("retry_success_rate", node.retry_success_rate),
                          show_value("p95_latency_ms", node.p95_latency_ms)});
  }
  page.emplace_back(Heading{2, title});
  page.emplace_back(std::move(table));
}

std::string word_of(Population population) {
  return population == Population::dag ? "DAG" : "non-DAG";
}

// "12 DAG runs (9 succeeded)"
std::string runs_of(const WindowKpis& window, Population population) {
  const PopulationKpis& figures = window.population(population);
  if (figures.total_runs == 0) return "no " + word_of(population) + " runs";
  return fmt::format("{} ({} succeeded)",
                     show_counted(figures.total_runs, word_of(population) + " run"),
                     show_count(figures.succeeded_runs));
}

// Few logs say what runs cost: without any such figure there is no row for it.
bool is_left_blank(std::string_view name, std::initializer_list<const Kpi*> kpis) {
  if (name != "tokens_per_run" && name != "cost_per_run") return false;
  return std::ranges::none_of(kpis, [](const Kpi* kpi) { return kpi != nullptr && kpi->value; });
}

// -1: nodes without durations come behind all others.
double p95_of(const NodeKpis& node) { return node.p95_latency_ms.value.value_or(-1); }

}  // namespace

std::string window_sentence(const Quality& quality) {
  const WindowKpis& now = quality.current;
  std::string text =
      fmt::format("{} to {}: ", show_time(now.window.start), show_time(now.window.end));
  const bool any_run = now.population(Population::dag).total_runs > 0 ||
                       now.population(Population::non_dag).total_runs > 0;
  text += any_run ? runs_of(now, Population::dag) + ", " + runs_of(now, Population::non_dag)
                  : std::string("no runs in the window");
  if (quality.baseline) {
    const Window& before = quality.baseline->window;
    text += fmt::format(". Baseline, {} to {}: {}", show_time(before.start), show_time(before.end),
                        runs_of(*quality.baseline, Population::dag));
  }
  return text + ".";
}

void add_kpi_section(Page& page, const Quality& quality, Population population) {
  const PopulationKpis& figures = quality.current.population(population);
  page.emplace_back(Heading{2, "KPIs of " + word_of(population) + " runs"});
  if (figures.total_runs == 0) {
    page.emplace_back(Paragraph{"No " + word_of(population) + " runs in the window."});
    return;
  }
  const PopulationKpis* before = baseline_of(quality, population);
  Table table{{"KPI", "now", "95 % interval", "n", "baseline", "change"}, {}};
  for (const auto& [name, kpi] : figures.kpis.all()) {
    const Kpi* earlier = before == nullptr ? nullptr : before->kpis.find(name);
    if (is_left_blank(name, {&kpi, earlier})) continue;
    table.rows.push_back(
        {name, show_value(name, kpi), show_interval(kpi), show_count(kpi.denominator),
         earlier == nullptr ? "" : show_value(name, *earlier), show_change(name, kpi, earlier)});
  }
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
    if (is_left_blank(name, {tried, kept})) continue;
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
      earlier = show_share_of_runs(found == before->error_codes.end() ? 0 : found->second,
                                   before->total_runs);
    }
    table.rows.push_back(
        {cut_text(code), show_count(count), show_share_of_runs(count, dag.total_runs), earlier});
  }
  page.emplace_back(Heading{2, "Top error codes of DAG runs"});
  page.emplace_back(std::move(table));
}

void add_node_section(Page& page, const Quality& quality) {
  const PopulationKpis& dag = quality.current.population(Population::dag);
  const auto failed = [](const NodeKpis& node) { return node.failure_rate.numerator; };
  auto worst = first_nodes(dag, kMaxFailingNodes, [&](const NodeKpis& a, const NodeKpis& b) {
    return failed(a) != failed(b) ? failed(a) > failed(b) : p95_of(a) > p95_of(b);
  });
  // Behind the sort, so that a service without failures has no such table at all.
  std::erase_if(worst, [&](const NamedNode& node) { return failed(node.second) == 0; });
  add_node_table(page, "Nodes with most failed attempts", worst);
  auto slowest = first_nodes(dag, kMaxSlowNodes, [](const NodeKpis& a, const NodeKpis& b) {
    return p95_of(a) > p95_of(b);
  });
  std::erase_if(slowest, [](const NamedNode& node) { return !node.second.p95_latency_ms.value; });
  add_node_table(page, "Slowest nodes", slowest);
}

}  // namespace dagloop
