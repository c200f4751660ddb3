#include "source/row_sums.hpp"

#include <algorithm>

namespace dagloop {
namespace {

constexpr std::size_t kNewest = 3;         // among the counts of an input row
constexpr std::size_t kReason = 1;         // among those of a reject
constexpr std::uint64_t kLeastBytes = 18;  // of one row

std::int64_t stretch_of(TimePoint slot, const LogQuery& query) {
  return std::ranges::upper_bound(query.cuts, slot) - query.cuts.begin();
}

bool is_zero(const RowCounts& counts) {
  return std::ranges::all_of(counts, [](std::int64_t count) { return count == 0; });
}

}  // namespace

void RowSums::add(const PartialRow& row, const LogQuery& query, RowSign sign) {
  RowCounts counts = row.n;
  Name name{row.kind, 0, Population::dag, Cohort::none, "", "", -1};
  if (row.kind == RowKind::run && counts[0] == 0) {  // in flight: nothing else is counted
    std::get<1>(name) = stretch_of(row.slot, query);
    std::get<2>(name) = row.population;
    std::get<3>(name) = row.cohort;
  } else if (row.kind == RowKind::run || row.kind == RowKind::node) {
    name = {row.kind,       stretch_of(row.slot, query), row.population, row.cohort, row.name,
            row.error_code, row.bucket.value_or(-1)};
  } else if (row.kind == RowKind::input) {
    if (sign == RowSign::plus) newest_us_ = std::max(newest_us_, counts[kNewest]);
    counts[kNewest] = 0;
  } else if (row.kind == RowKind::reject) {
    std::get<6>(name) = static_cast<std::int32_t>(counts[kReason]);
    counts[kReason] = 0;
  }
  add_counts(name, counts, sign);
}

void RowSums::add(const RowSums& other, RowSign sign) {
  for (const auto& [name, counts] : other.rows_) add_counts(name, counts, sign);
  if (sign == RowSign::plus) newest_us_ = std::max(newest_us_, other.newest_us_);
}

void RowSums::add_counts(const Name& name, const RowCounts& counts, RowSign sign) {
  const auto at = rows_.try_emplace(name).first;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    at->second[i] += sign == RowSign::plus ? counts[i] : -counts[i];
  }
  if (is_zero(at->second)) rows_.erase(at);
}

bool RowSums::are_possible() const {
  return std::ranges::all_of(rows_, [](const auto& row) {
    return std::ranges::all_of(row.second, [](std::int64_t count) { return count >= 0; });
  });
}

void RowSums::give(const LogQuery& query, PartialRows& partials) const {
  for (const auto& [name, counts] : rows_) {
    PartialRow row;
    std::int64_t stretch = 0;
    std::int32_t bucket = -1;
    std::tie(row.kind, stretch, row.population, row.cohort, row.name, row.error_code, bucket) =
        name;
    row.n = counts;
    if (row.kind == RowKind::reject) {
      row.n[kReason] = bucket;
    } else if (row.kind == RowKind::input) {
      row.n[kNewest] = newest_us_;
    } else {
      row.slot = slot_of_stretch(stretch, query);
      if (bucket >= 0) row.bucket = bucket;
    }
    partials.add(row);
  }
}

void RowSums::encode(ByteWriter& bytes) const {
  bytes.signed_number(newest_us_);
  bytes.number(rows_.size());
  for (const auto& [name, counts] : rows_) {
    const auto& [kind, stretch, population, cohort, text, code, bucket] = name;
    bytes.byte(static_cast<std::uint8_t>(kind));
    bytes.signed_number(stretch);
    bytes.byte(static_cast<std::uint8_t>(population));
    bytes.byte(static_cast<std::uint8_t>(cohort));
    bytes.text(text);
    bytes.text(code);
    bytes.signed_number(bucket);
    for (const std::int64_t count : counts) bytes.signed_number(count);
  }
}

std::optional<RowSums> RowSums::decode(ByteReader& bytes) {
  RowSums sums;
  sums.newest_us_ = bytes.signed_number();
  for (std::uint64_t left = bytes.count(kLeastBytes); left > 0; --left) {
    const auto kind = static_cast<RowKind>(bytes.byte());
    const std::int64_t stretch = bytes.signed_number();
    const auto population = static_cast<Population>(bytes.byte());
    const auto cohort = static_cast<Cohort>(bytes.byte());
    const std::string text(bytes.text());
    const std::string code(bytes.text());
    const std::int64_t bucket = bytes.signed_number();
    if (kind > RowKind::shard || population > Population::non_dag || cohort > Cohort::control ||
        stretch < 0 || bucket < -1 || bucket > INT32_MAX) {
      return std::nullopt;
    }
    RowCounts& counts = sums.rows_[{kind, stretch, population, cohort, text, code,
                                    static_cast<std::int32_t>(bucket)}];
    for (std::int64_t& count : counts) count = bytes.signed_number();
  }
  if (!bytes.ok()) return std::nullopt;
  return sums;
}

}  // namespace dagloop
