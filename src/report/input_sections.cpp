#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "dagloop/base/redaction.hpp"
#include "dagloop/report/words.hpp"
#include "report/figures.hpp"
#include "report/page_sections.hpp"
#include "report/text.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostPlaces = 3;  // of a first line
constexpr std::size_t kMostPipelines = 20;

std::string show_place(const std::string& file, std::uint64_t line) {
  const std::string shown = cut_text(redact_label(file));
  return line == 0 ? shown : fmt::format("{}:{}", shown, line);  // 0: a row, which is named
}

// "created_at: a number; wanted a time as text (RFC 3339)"
std::string show_fault(std::string_view field, const std::string& found,
                       const std::string& wanted) {
  if (found.empty()) return std::string(field);
  return fmt::format("{}: {}; wanted {}", field, found, wanted);
}

std::string show_fault(const MalformedExample& example) {
  if (example.found.empty()) return std::string(to_string(example.reason));
  return show_fault(example.field ? to_string(*example.field) : "the line", example.found,
                    example.wanted);
}

std::string show_example(const MalformedExample& example) {
  return show_place(example.file, example.line) + ": " + show_fault(example);
}

std::string show_example(const MendedExample& example) {
  return show_place(example.file, example.line) + ": " +
         show_fault(to_string(example.field), example.found, example.wanted);
}

// The first places, the first with its fault.
template <typename Example>
std::string show_first(const std::vector<Example>& examples) {
  if (examples.empty()) return "";
  std::string text = "; the first of the log: " + show_example(examples.front());
  for (std::size_t i = 1; i < std::min(examples.size(), kMostPlaces); ++i) {
    text += fmt::format("{}{}", i == 1 ? "; also " : ", ",
                        show_place(examples[i].file, examples[i].line));
  }
  return text;
}

std::string show_unread_share(const LineShare& lines) {
  const double share = static_cast<double>(lines.unread) / static_cast<double>(lines.lines);
  return fmt::format("{} of {}", show_percent(share), show_count(lines.lines));
}

// What lines that could not be read may be.
std::string show_hidden(const PopulationKpis& dag) {
  std::string text;
  if (dag.unread_runs > 0) {
    text += fmt::format("; they may hide the outcome of {}", show_counted(dag.unread_runs, "run"));
  }
  if (dag.unread_attempts == 0) return text;
  return text + (text.empty() ? "; they may hide " : " and ") +
         show_counted(dag.unread_attempts, "failed attempt");
}

void add_unread(std::vector<std::string>& lines, const Quality& quality) {
  const LineShare& window = quality.input.window.all;
  const PopulationKpis& dag = quality.current.population(Population::dag);
  if (window.unread > 0) {
    lines.push_back(fmt::format("{} of the window could not be read ({}){}{}",
                                show_counted(window.unread, "line"), show_unread_share(window),
                                show_hidden(dag), show_first(quality.input.examples)));
  } else if (dag.unread_runs > 0) {
    lines.push_back(
        fmt::format("of {} the cohort, the pipeline or the mode could not be read: "
                    "decisions take each for a failed run of the canary, too",
                    show_counted(dag.unread_runs, "run")));
  }
  if (dag.unread_values == 0) return;
  lines.push_back(
      fmt::format("{} of runs could not be read (durations, error codes, outcomes of "
                  "compensations): decisions take the worst of each",
                  show_counted(dag.unread_values, "value")));
}

// Rows that no window lets go of. The first example is one of them.
void add_without_time(std::vector<std::string>& lines, const InputCounts& input) {
  if (input.without_time == 0) return;
  const bool is_one = input.without_time == 1;
  std::string text =
      fmt::format("{} without a time of the past {} in every window until {} mended or deleted",
                  show_counted(input.without_time, "row"), is_one ? "counts" : "count",
                  is_one ? "it is" : "they are");
  if (!input.examples.empty()) text += "; for example " + show_example(input.examples.front());
  lines.push_back(std::move(text));
}

// "30 of 30 finished; 120 never ended"
std::string show_ends(const PopulationKpis& figures) {
  return fmt::format("{} of {} finished; {} never ended", show_count(figures.succeeded_runs),
                     show_count(figures.total_runs), show_count(figures.overdue));
}

void add_overdue(std::vector<std::string>& lines, const WindowKpis& window) {
  const PopulationKpis& dag = window.population(Population::dag);
  if (dag.overdue > 0) {
    std::string text = "Success of DAG runs: " + show_ends(dag);
    for (const auto& [cohort, figures] : dag.cohorts) {
      if (figures.overdue > 0)
        text += fmt::format("; of {}: {}", to_string(cohort), show_ends(figures));
    }
    lines.push_back(text + " (decisions count those as failed)");
  }
  const PopulationKpis& others = window.population(Population::non_dag);
  if (others.overdue > 0) lines.push_back("Success of non-DAG runs: " + show_ends(others));
}

std::uint64_t total_of(const WindowKpis& window, std::uint64_t PopulationKpis::*count) {
  std::uint64_t total = 0;
  for (const auto& [population, figures] : window.populations) total += figures.*count;
  return total;
}

void add_runs_left_out(std::vector<std::string>& lines, const Quality& quality) {
  std::vector<std::string> parts;
  const auto skipped = total_of(quality.current, &PopulationKpis::skipped_runs);
  if (skipped > 0) parts.push_back(show_counted(skipped, "skipped run"));
  const auto cancelled = total_of(quality.current, &PopulationKpis::cancelled_runs);
  if (cancelled > 0 && quality.cancelled == Cancelled::excluded) {
    parts.push_back(show_counted(cancelled, "cancelled run") + " (input.cancelled)");
  }
  if (quality.input.set_aside > 0) {
    parts.push_back(fmt::format("{} at or after {}",
                                show_counted(quality.input.set_aside, "record"),
                                format_time(quality.as_of)));
  }
  if (!parts.empty()) lines.push_back(fmt::format("Left out: {}", fmt::join(parts, ", ")));
}

void add_mended(std::vector<std::string>& lines, const InputCounts& input) {
  if (input.mended_by_field.empty()) return;
  std::vector<std::string> fields;
  std::uint64_t total = 0;
  for (const auto& [field, count] : input.mended_by_field) {
    total += count;
    fields.push_back(fmt::format("{} {}", to_string(field), show_count(count)));
  }
  lines.push_back(fmt::format("{} not as wanted, read in their plain meaning or left out ({}){}",
                              show_counted(total, "value"), fmt::join(fields, ", "),
                              show_first(input.mended_examples)));
}

std::string newest_sentence(const Quality& quality) {
  const auto newest = quality.input.newest_record;
  if (!newest) return "no valid record";
  const Microseconds age = quality.as_of - *newest;
  return fmt::format("newest record: {}, {} {} the end of the window", show_time(*newest),
                     show_span(std::chrono::abs(age)),
                     age < Microseconds::zero() ? "after" : "before");
}

void add_malformed_items(BulletList& list, const InputCounts& input) {
  list.items.push_back(
      fmt::format("{} malformed; of the window {} of {} ({})",
                  show_counted(input.malformed, "line"), show_count(input.window.all.unread),
                  show_count(input.window.all.lines), show_percent(malformed_share(input))));
  if (input.without_time > 0) {
    list.items.push_back(fmt::format("malformed, without a time, so of every window: {}",
                                     show_count(input.without_time)));
  }
  for (const auto& [reason, count] : input.malformed_by_reason) {
    list.items.push_back(fmt::format("malformed, {}: {}", to_string(reason), show_count(count)));
  }
  for (const MalformedExample& example : input.examples) {
    list.items.push_back("for example " + show_example(example));
  }
  for (const auto& [field, count] : input.mended_by_field) {
    list.items.push_back(fmt::format("mended, {}: {}", to_string(field), show_count(count)));
  }
  for (const MendedExample& example : input.mended_examples) {
    list.items.push_back("for example " + show_example(example));
  }
}

}  // namespace

std::string example_text(const MalformedExample& example) { return show_example(example); }

std::vector<std::string> what_is_left_out(const Quality& quality) {
  std::vector<std::string> lines;
  add_unread(lines, quality);
  add_without_time(lines, quality.input);
  add_overdue(lines, quality.current);
  add_runs_left_out(lines, quality);
  add_mended(lines, quality.input);
  return lines;
}

std::optional<Error> unreadable_log(const Quality& quality, const DataLimits& limits) {
  for (Reason& reason : data_faults(quality, limits)) {
    if (reason.code != "malformed_share_above_limit") continue;
    std::erase_if(reason.args, [](const ReasonArg& arg) { return arg.name == "places"; });
    if (quality.input.examples.empty()) {
      return Error(ErrorKind::source, "the log", reason_text(reason), "mend the writer");
    }
    const MalformedExample& first = quality.input.examples.front();
    return Error(ErrorKind::source, show_place(first.file, first.line),
                 show_fault(first) + " (" + reason_text(reason) + ")",
                 first.mapping.empty()
                     ? "mend the writer; the report names more places"
                     : "mend the writer, or read it by a mapping: " + first.mapping);
  }
  return std::nullopt;
}

void add_pipeline_section(Page& page, const Quality& quality) {
  const auto& pipelines = quality.current.population(Population::dag).pipelines;
  if (pipelines.empty()) return;
  std::vector<std::pair<std::string, PlanSourceKpis>> sorted(pipelines.begin(), pipelines.end());
  const auto failed = [](const auto& each) {
    return each.second.runs - each.second.success_rate.numerator;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto& a, const auto& b) { return failed(a) > failed(b); });
  Table table{{"pipeline", "runs", "succeeded", "success rate", "baseline", "change"}, {}};
  for (const auto& [name, figures] : sorted) {
    if (table.rows.size() == kMostPipelines) break;
    const Kpi* before = nullptr;
    if (quality.baseline) {
      const auto& earlier = quality.baseline->population(Population::dag).pipelines;
      const auto found = earlier.find(name);
      if (found != earlier.end()) before = &found->second.success_rate;
    }
    constexpr const char* kRate = "pipeline_success_rate";
    table.rows.push_back({cut_text(name.empty() ? "(none)" : name), show_count(figures.runs),
                          show_count(figures.success_rate.numerator),
                          show_value(kRate, figures.success_rate),
                          before == nullptr ? "" : show_value(kRate, *before),
                          show_change(kRate, figures.success_rate, before)});
  }
  page.emplace_back(Heading{2, "Success by pipeline"});
  page.emplace_back(std::move(table));
  if (sorted.size() > kMostPipelines) {
    page.emplace_back(Paragraph{fmt::format("{} more pipelines are in the JSON report.",
                                            show_count(sorted.size() - kMostPipelines))});
  }
}

void add_input_section(Page& page, const Quality& quality) {
  const InputCounts& input = quality.input;
  BulletList list;
  list.items.push_back(
      fmt::format("{} read: {} of runs, {} of nodes; {}; {} outside the time range",
                  show_counted(input.records, "record"), show_count(input.run_records),
                  show_count(input.node_records), show_counted(input.duplicates, "duplicate"),
                  show_count(input.out_of_range)));
  list.items.push_back(fmt::format("{} derived from their nodes, {} in flight",
                                   show_counted(quality.derived_runs(), "run"),
                                   show_count(quality.in_flight())));
  list.items.push_back(newest_sentence(quality));
  add_malformed_items(list, input);
  page.emplace_back(Heading{2, "Input"});
  page.emplace_back(std::move(list));
}

}  // namespace dagloop
