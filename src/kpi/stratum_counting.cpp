#include <algorithm>
#include <array>

#include "dagloop/base/label.hpp"
#include "label_bound.hpp"
#include "run_settling.hpp"

namespace dagloop {
namespace {

void count_alike(const RecordRow& run, std::span<const NodeRow> rows, const CodePool& codes,
                 StratumPartial& partial) {
  const bool has_succeeded = run.status == Status::succeeded;
  ++partial.total_runs;
  partial.succeeded += has_succeeded ? 1 : 0;
  partial.succeeded_unaided += has_succeeded && !run.has_fallback_reason ? 1 : 0;
  partial.fallback += run.has_fallback_reason ? 1 : 0;
  if (run.error_code != 0) {
    ++partial.error_classes.at(static_cast<std::size_t>(codes.error_class(run.error_code)));
  }
  if (run.duration_ms >= 0) partial.latency.add(run.duration_ms);
  for (const NodeRow& row : rows) {
    if (!is_attempt(row.record)) continue;
    ++partial.attempts;
    partial.failed_attempts += row.record.status == Status::failed ? 1 : 0;
  }
}

}  // namespace

Settling::Places& Settling::new_places(std::uint64_t texts, Cell& cell) {
  constexpr std::size_t kFew = 16;
  KpiPartial& partial = *cell.partial;
  const std::array are_bounded{bound_many_labels(partial.plan_sources),
                               bound_many_labels(partial.pipelines),
                               bound_many_labels(partial.strata)};
  // Texts with ids may be many of one label.
  const bool is_full = cell.others.size() > 3 * kMostLabels;
  if (is_full || std::ranges::count(are_bounded, true) > 0) {
    cell.few.clear();
    cell.others.clear();
  }
  if (cell.few.size() == kFew) return cell.others[texts];
  cell.few.reserve(kFew);  // what is found stays where it is
  return cell.few.emplace_back(texts, Places()).second;
}

Settling::Places& Settling::places_of(const SettledRun& run, Cell& cell) {
  const std::uint64_t texts = std::uint64_t{run.pipeline} << 32U | std::uint64_t{run.plan_source};
  for (auto& [known, places] : cell.few) {
    if (known == texts) return places;
  }
  const auto found = cell.others.find(texts);
  return found == cell.others.end() ? new_places(texts, cell) : found->second;
}

// Of a run that is in the rates, or may become overdue.
void Settling::count_in_stratum(const SettledRun& run, std::span<const NodeRow> rows, Cell& cell,
                                Places& places) const {
  const bool is_over = is_final(run.record.status);
  if (!is_over && !options_.rules.overdue_statuses.contains(run.record.status)) return;
  if (places.stratum == nullptr) {
    places.stratum =
        &cell.partial
             ->strata[{pools_.texts.label(run.pipeline), pools_.texts.label(run.plan_source)}];
  }
  if (is_over) {
    count_alike(run.record, rows, pools_.codes, *places.stratum);
  } else {
    places.stratum->open_runs.push_back(run.newest);
  }
}

}  // namespace dagloop
