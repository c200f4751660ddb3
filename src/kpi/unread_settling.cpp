#include <algorithm>

#include "run_settling.hpp"

namespace dagloop {
namespace {

// The lines of one run are one: the latest, of the canary where one of them shows that.
UnreadRow united(std::span<const UnreadRow> rows) {
  UnreadRow all = rows.front();
  for (const UnreadRow& row : rows) {
    all.at = std::max(all.at, row.at);
    if (row.cohort == Cohort::canary || all.cohort == Cohort::none) all.cohort = row.cohort;
  }
  return all;
}

std::uint64_t count_attempts(std::span<const UnreadRow> rows) {
  return static_cast<std::uint64_t>(std::ranges::count_if(rows, &UnreadRow::may_be_attempt));
}

}  // namespace

// A run of which it cannot be read where it counts: as a line that shows no cohort.
void Settling::count_hidden(const RecordRow& run) {
  ++cell_of({slot_of(run.created_at), Population::dag, Cohort::none}).partial->unread_runs;
}

// Lines of a run that is over change no outcome, but a storm of retries may hide in them.
void Settling::count_attempts_of(const RecordRow& run, std::span<const UnreadRow> rows) {
  const std::uint64_t attempts = count_attempts(rows);
  if (attempts == 0) return;
  const Cohort cohort = run.cohort != Cohort::none ? Cohort{run.cohort} : united(rows).cohort;
  cell_of({slot_of(run.created_at), run.population, cohort}).partial->unread_attempts += attempts;
}

void Settling::count_unread(std::span<const UnreadRow> rows, ShardSlots* slots) {
  const UnreadRow all = united(rows);
  KpiPartial& partial = *cell_of({slot_of(all.at), Population::dag, all.cohort}).partial;
  ++partial.unread_runs;
  // One of them is the attempt that every unread run is taken to have.
  const std::uint64_t attempts = count_attempts(rows);
  partial.unread_attempts += attempts - std::min<std::uint64_t>(attempts, 1);
  if (slots != nullptr) slots->unread.push_back({all.run, slot_number_of(all.at)});
}

}  // namespace dagloop
