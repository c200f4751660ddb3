#include "source/partial_rows.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kNewest = 3;         // among the counts of an input row
constexpr std::size_t kReason = 1;         // among those of a reject, and the field of mended ones
constexpr std::size_t kNewestUnread = 2;   // among those of a reject
constexpr std::uint64_t kLeastBytes = 31;  // of one row

constexpr std::array<std::pair<std::string_view, RowKind>, 7> kKinds{{
    {"run", RowKind::run},
    {"node", RowKind::node},
    {"input", RowKind::input},
    {"reject", RowKind::reject},
    {"lines", RowKind::lines},
    {"mended", RowKind::mended},
    {"shard", RowKind::shard},
}};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      ErrorKind::source, "the database's answer", what,
      "this is a fault of dagloop or of a changed table: report it with the table's columns");
}

std::uint64_t count_of(std::int64_t value) {
  if (value < 0) refuse("a count is negative: " + std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

std::int64_t span_of(TimePoint slot, const LogQuery& query) {
  if (query.cuts.empty()) return floor_to_slot(slot).time_since_epoch() / kSlot;
  return std::ranges::upper_bound(query.cuts, slot) - query.cuts.begin();
}

bool is_zero(const RowCounts& counts) {
  return std::ranges::all_of(counts, [](std::int64_t count) { return count == 0; });
}

// Returns whether nothing is counted but runs in flight.
bool is_in_flight(RowCounts counts) {
  counts[place_of(&KpiPartial::in_flight)] = 0;
  return is_zero(counts);
}

constexpr std::size_t kInFlight = place_of(&KpiPartial::in_flight);

// Runs by a text, and those that succeeded.
using RunParts = std::map<std::string, std::pair<std::int64_t, std::int64_t>>;

void add_runs_of(RunParts& parts, const std::string& text, const RowCounts& counts) {
  if (text.empty()) return;
  auto& [all, succeeded] = parts[text];
  all += counts[place_of(&KpiPartial::total_runs)];
  succeeded += counts[place_of(&KpiPartial::succeeded)];
}

std::map<std::string, PlanSourcePartial> parts_of(const RunParts& sums) {
  std::map<std::string, PlanSourcePartial> parts;
  for (const auto& [text, runs] : sums) {
    if (runs.first != 0) parts[text] = {count_of(runs.first), count_of(runs.second)};
  }
  return parts;
}

DurationHistogram histogram_of(const std::map<std::int32_t, std::int64_t>& buckets) {
  std::map<std::int32_t, std::uint64_t> counts;
  for (const auto& [bucket, count] : buckets) {
    if (bucket < 0) refuse("a duration is negative");
    if (count != 0) counts[bucket] = count_of(count);
  }
  return DurationHistogram(counts);
}

}  // namespace

RowKind parse_row_kind(const std::string& word) {
  const auto* found =
      std::ranges::find_if(kKinds, [&](const auto& each) { return each.first == word; });
  if (found == kKinds.end()) refuse("a row is of the unknown kind \"" + word + "\"");
  return found->second;
}

TimePoint slot_of_span(std::int64_t span, const LogQuery& query) {
  // Slots of some 10,000 years: beyond that a time has no place in its 64 bits.
  constexpr std::int64_t kMaxSlot = 1'000'000'000;
  const auto most = query.cuts.empty() ? kMaxSlot : static_cast<std::int64_t>(query.cuts.size());
  if (span < 0 || span > most) refuse("no span has the number " + std::to_string(span));
  if (query.cuts.empty()) return TimePoint(span * kSlot);
  if (span == 0) return floor_to_slot(query.range.start);
  return query.cuts.at(static_cast<std::size_t>(span - 1));
}

// What several rows come to.
struct RowSums::Total {
  RowCounts n{};
  std::map<std::int32_t, std::int64_t> buckets;

  void add(const Name& name, const RowCounts& counts) {
    for (std::size_t i = 0; i < n.size(); ++i) n[i] += counts[i];
    if (name.bucket) buckets[*name.bucket] += counts[0];
  }
};

// What rows of one stratum come to, and by class of their error code.
struct RowSums::Alike {
  Total total;
  std::array<std::int64_t, kErrorClasses.size()> classes{};
  std::vector<TimePoint> open_runs;

  StratumPartial partial() const {
    const auto count = [&](std::uint64_t KpiPartial::*of) {
      return count_of(total.n[place_of(of)]);
    };
    StratumPartial found;
    found.total_runs = count(&KpiPartial::total_runs);
    found.succeeded = count(&KpiPartial::succeeded);
    found.succeeded_unaided = count(&KpiPartial::succeeded_unaided);
    found.fallback = count(&KpiPartial::fallback);
    std::ranges::transform(classes, found.error_classes.begin(), count_of);
    found.open_runs = open_runs;
    std::ranges::sort(found.open_runs);
    found.latency = histogram_of(total.buckets);
    return found;
  }
};

void RowSums::add(const PartialRow& row, const LogQuery& query, RowSign sign) {
  RowCounts counts = row.n;
  Name name;
  name.kind = row.kind;
  if (row.kind == RowKind::run || row.kind == RowKind::node || row.kind == RowKind::lines) {
    name.span = span_of(row.slot, query);
    name.population = row.population;
    name.cohort = row.cohort;
  }
  if (row.kind == RowKind::run || row.kind == RowKind::node) {
    if (row.kind == RowKind::run && is_in_flight(counts)) {  // of what else is known nothing counts
      name.open_us = row.open_us;
      if (name.open_us >= 0) {
        name.text = row.name;
        name.pipeline = row.pipeline;
      }
    } else {
      name.age = row.age;
      name.text = row.name;
      name.code = row.code;
      name.pipeline = row.pipeline;
      name.bucket = row.bucket;
    }
  } else if (row.kind == RowKind::input) {
    // A maximum cannot be taken away; the newest record stays, which is right for a log that grows.
    if (sign == RowSign::plus) newest_.record_us = std::max(newest_.record_us, counts[kNewest]);
    counts[kNewest] = 0;
  } else if (row.kind == RowKind::reject || row.kind == RowKind::mended) {
    name.bucket = static_cast<std::int32_t>(counts[kReason]);
    counts[kReason] = 0;
  }
  if (row.kind == RowKind::reject) {
    const std::int64_t newest_us = std::exchange(counts[kNewestUnread], 0);
    if (sign == RowSign::plus) newest_.unread_us = std::max(newest_.unread_us, newest_us);
  }
  add_counts(name, counts, sign);
}

void RowSums::add(const RowSums& other, RowSign sign) {
  for (const auto& [name, counts] : other.rows_) add_counts(name, counts, sign);
  if (sign == RowSign::minus) return;
  newest_.record_us = std::max(newest_.record_us, other.newest_.record_us);
  newest_.unread_us = std::max(newest_.unread_us, other.newest_.unread_us);
}

void RowSums::add_counts(const Name& name, const RowCounts& counts, RowSign sign) {
  const auto at = rows_.try_emplace(name).first;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    at->second[i] += sign == RowSign::plus ? counts[i] : -counts[i];
  }
  // Two sums are equal where their counts are: a row of zeros would make a difference of no
  // meaning.
  if (is_zero(at->second)) rows_.erase(at);
}

bool RowSums::are_possible() const {
  return std::ranges::all_of(rows_, [](const auto& row) {
    return std::ranges::all_of(row.second, [](std::int64_t count) { return count >= 0; });
  });
}

KpiPartial RowSums::sum_of_runs(Rows::const_iterator from, Rows::const_iterator to) {
  Total total;
  std::map<LabelledCode, std::int64_t> codes;
  RunParts sources;
  RunParts pipelines;
  std::map<Stratum, Alike> strata;
  const Population population = from == to ? Population::non_dag : from->first.population;
  KpiPartial partial;
  for (; from != to; ++from) {
    const auto& [name, counts] = *from;
    const std::int64_t runs = counts[0];
    RowCounts n = counts;
    const bool has_code = !name.code.label.empty();
    // Here and not in SQL: which codes are verification errors is configured.
    if (has_code && name.code.error_class == ErrorClass::verification) n[4] = runs;
    total.add(name, n);
    if (has_code) codes[name.code] += runs;
    add_runs_of(sources, name.text, counts);
    add_runs_of(pipelines, name.pipeline, counts);
    Alike& alike = strata[{name.pipeline, name.text}];
    alike.total.add(name, counts);
    if (has_code) alike.classes.at(static_cast<std::size_t>(name.code.error_class)) += runs;
    if (name.open_us >= 0) {
      const TimePoint newest{Microseconds{name.open_us}};
      for (std::vector<TimePoint>* open : {&partial.open_runs, &alike.open_runs}) {
        open->insert(open->end(), count_of(counts[kInFlight]), newest);
      }
    }
  }
  // Skipped runs, and those that are no more than in flight, are none of a stratum.
  for (const auto& [stratum, alike] : strata) {
    if (population != Population::dag) break;
    StratumPartial found = alike.partial();
    if (found.total_runs + found.open_runs.size() > 0) partial.strata[stratum] = std::move(found);
  }
  std::ranges::sort(partial.open_runs);
  for (std::size_t i = 0; i < kRunCounts.size(); ++i) partial.*kRunCounts[i] = count_of(total.n[i]);
  partial.latency = histogram_of(total.buckets);
  for (const auto& [code, count] : codes) {
    if (count != 0)
      partial.add_code(code.label, {code.error_class, code.is_named}, count_of(count));
  }
  partial.plan_sources = parts_of(sources);
  partial.pipelines = parts_of(pipelines);
  return partial;
}

// Attempts, and those that failed, at the stratum of their run.
void RowSums::add_attempts(const Name& name, const RowCounts& counts,
                           std::map<Stratum, std::array<std::int64_t, 2>>& strata) {
  if (name.population != Population::dag) return;
  auto& [attempts, failed] = strata[{name.pipeline, name.code.label}];
  attempts += counts[0];
  failed += counts[1];
}

KpiPartial RowSums::sum_of_nodes(Rows::const_iterator from, Rows::const_iterator to) {
  KpiPartial partial;
  std::map<Stratum, std::array<std::int64_t, 2>> strata;
  while (from != to) {
    const std::string& node = from->first.text;
    Total total;
    for (; from != to && from->first.text == node; ++from) {
      total.add(from->first, from->second);
      add_attempts(from->first, from->second, strata);
    }
    partial.nodes[node] = {count_of(total.n[0]), count_of(total.n[1]), count_of(total.n[2]),
                           count_of(total.n[3]), count_of(total.n[4]), histogram_of(total.buckets)};
  }
  for (const auto& [stratum, counts] : strata) {
    if (counts[0] == 0) continue;
    StratumPartial& alike = partial.strata[stratum];
    alike.attempts = count_of(counts[0]);
    alike.failed_attempts = count_of(counts[1]);
  }
  return partial;
}

void RowSums::add_input(const Name& name, const RowCounts& counts, InputCounts& input) {
  if (name.kind == RowKind::input) {
    input.records += count_of(counts[0]) + count_of(counts[1]);
    input.run_records += count_of(counts[0]);
    input.node_records += count_of(counts[1]);
    input.duplicates += count_of(counts[2]);
    input.out_of_range += count_of(counts[4]);
    input.set_aside += count_of(counts[4]);
  } else if (name.kind == RowKind::mended) {
    const std::int32_t field = name.bucket.value_or(-1);
    if (field < 0 || field >= static_cast<std::int32_t>(kFieldCount)) {
      refuse("no field has the number " + std::to_string(field));
    }
    input.mended_by_field[static_cast<Field>(field)] += count_of(counts[0]);
  } else if (name.kind == RowKind::reject) {
    const std::int32_t place = name.bucket.value_or(-1);
    if (place < 0 || place > static_cast<std::int32_t>(RejectReason::line_too_long)) {
      refuse("no reason to reject a row has the number " + std::to_string(place));
    }
    input.records += count_of(counts[0]);
    input.malformed += count_of(counts[0]);
    input.malformed_by_reason[static_cast<RejectReason>(place)] += count_of(counts[0]);
  }
}

PartialSet RowSums::partials(const LogQuery& query) const {
  PartialSet set;
  const Window window = query.window.value_or(query.range);
  const auto time_of = [](std::int64_t us) {
    return us < 0 ? std::nullopt : std::optional(TimePoint{Microseconds{us}});
  };
  set.input.newest_record = time_of(newest_.record_us);
  set.input.newest_unread = time_of(newest_.unread_us);
  for (auto at = rows_.begin(); at != rows_.end();) {
    const Name& name = at->first;
    if (name.kind != RowKind::run && name.kind != RowKind::node) {
      add_input(name, at->second, set.input);
      if (name.kind == RowKind::lines) set.input.without_time += count_of(at->second[2]);
      if (name.kind == RowKind::lines && window.contains(slot_of_span(name.span, query))) {
        set.input.window.add(name.cohort, {count_of(at->second[0]), count_of(at->second[1])});
      }
      ++at;
      continue;
    }
    const auto key = [](const Name& of) {
      return std::tuple(of.kind, of.span, of.population, of.cohort, of.age);
    };
    const auto from = std::exchange(at, std::find_if(at, rows_.end(), [&](const auto& row) {
                                      return key(row.first) != key(name);
                                    }));
    set.partials[{slot_of_span(name.span, query), name.population, name.cohort, name.age}].merge(
        name.kind == RowKind::run ? sum_of_runs(from, at) : sum_of_nodes(from, at));
  }
  return set;
}

void RowSums::encode(ByteWriter& bytes) const {
  bytes.signed_number(newest_.record_us);
  bytes.signed_number(newest_.unread_us);
  bytes.number(rows_.size());
  for (const auto& [name, counts] : rows_) {
    bytes.byte(static_cast<std::uint8_t>(name.kind));
    bytes.signed_number(name.span);
    bytes.byte(static_cast<std::uint8_t>(name.population));
    bytes.byte(static_cast<std::uint8_t>(name.cohort));
    bytes.byte(name.age.number());
    bytes.text(name.text);
    bytes.text(name.code.label);
    bytes.byte(static_cast<std::uint8_t>(name.code.error_class));
    bytes.byte(name.code.is_named ? 1 : 0);
    bytes.text(name.pipeline);
    bytes.signed_number(name.open_us);
    bytes.signed_number(name.bucket.value_or(-1));
    for (const std::int64_t count : counts) bytes.signed_number(count);
  }
}

std::optional<RowSums> RowSums::decode(ByteReader& bytes) {
  RowSums sums;
  sums.newest_.record_us = bytes.signed_number();
  sums.newest_.unread_us = bytes.signed_number();
  for (std::uint64_t left = bytes.count(kLeastBytes); left > 0; --left) {
    Name name;
    name.kind = static_cast<RowKind>(bytes.byte());
    name.span = bytes.signed_number();
    name.population = static_cast<Population>(bytes.byte());
    name.cohort = static_cast<Cohort>(bytes.byte());
    const std::uint8_t age = bytes.byte();
    name.text = bytes.text();
    name.code.label = bytes.text();
    const std::uint8_t error_class = bytes.byte();
    const std::uint8_t is_named = bytes.byte();
    name.pipeline = bytes.text();
    name.open_us = bytes.signed_number();
    const std::int64_t bucket = bytes.signed_number();
    if (name.kind > RowKind::shard || name.population > Population::non_dag ||
        name.cohort > Cohort::control || age > AgeClass::kLast ||
        error_class > static_cast<std::uint8_t>(ErrorClass::other) || is_named > 1 ||
        name.span < 0 || bucket < -1 || bucket > INT32_MAX) {
      return std::nullopt;
    }
    name.age = AgeClass(age);
    name.code.error_class = static_cast<ErrorClass>(error_class);
    name.code.is_named = is_named == 1;
    if (bucket >= 0) name.bucket = static_cast<std::int32_t>(bucket);
    RowCounts& counts = sums.rows_[name];
    for (std::int64_t& count : counts) count = bytes.signed_number();
  }
  if (!bytes.ok()) return std::nullopt;
  return sums;
}

}  // namespace dagloop
