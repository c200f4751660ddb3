#include "source/row_examples.hpp"

#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <optional>
#include <variant>

namespace dagloop {
namespace {

// By which rows are shown: first those without a time, then the latest.
std::int64_t age_of(const std::optional<TimePoint>& at) {
  if (!at) return std::numeric_limits<std::int64_t>::min();
  return -at->time_since_epoch().count();
}

std::string place_of_row(const RowName& name, std::string_view run_key, bool is_request,
                         const std::optional<TimePoint>& at) {
  if (!run_key.empty()) {
    return fmt::format("{} {} {}", name.table, is_request ? "request" : "run", run_key);
  }
  if (!name.row.empty()) return fmt::format("{} {}", name.table, name.row);
  return fmt::format("{} row {}", name.table,
                     at ? "of " + format_time(*at) : std::string("without an id and a time"));
}

// Whether a row of that age would be among the first.
template <typename Examples>
bool is_wanted(const Examples& examples, std::int64_t age) {
  return examples.size() < InputCounts::kMaxExamples ||
         age <= std::get<0>(std::prev(examples.end())->first);
}

template <typename Examples>
void keep_first_rows(Examples& examples) {
  while (examples.size() > InputCounts::kMaxExamples) examples.erase(std::prev(examples.end()));
}

}  // namespace

void RowExamples::add(const RowName& name, const ReadResult& row, const RecordReader& reader) {
  if (const auto* unread = std::get_if<UnreadLine>(&row)) return add_malformed(name, *unread);
  if (std::holds_alternative<OtherLine>(row)) return;
  const auto& record = std::get<LogRecord>(row);
  if (record.mended != 0) add_mended(name, record, reader);
}

void RowExamples::add_malformed(const RowName& name, const UnreadLine& unread) {
  const std::int64_t age = age_of(unread.created_at);
  if (!is_wanted(malformed_, age)) return;
  const ReadFault& fault = unread.fault;
  const std::string place =
      place_of_row(name, unread.run_key, unread.run_key_is_request, unread.created_at);
  malformed_.emplace(Order(age, place, fault.field.value_or(Field{})),
                     MalformedExample{place, 0, unread.reason, fault.field, fault.found,
                                      std::string(fault.wanted), fault.mapping});
  keep_first_rows(malformed_);
}

void RowExamples::add_mended(const RowName& name, const LogRecord& record,
                             const RecordReader& reader) {
  const std::int64_t age = age_of(record.created_at);
  if (!is_wanted(mended_, age)) return;
  const std::string place =
      place_of_row(name, record.run_key, record.run_key_is_request, record.created_at);
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    if ((record.mended & field_bits(field)) == 0) continue;
    const ReadFault fault = reader.mended_fault(field);
    mended_.emplace(Order(age, place, field),
                    MendedExample{place, 0, field, fault.found, std::string(fault.wanted)});
  }
  keep_first_rows(mended_);
}

void RowExamples::show(InputCounts& input) const {
  input.examples.clear();
  input.mended_examples.clear();
  for (const auto& [order, example] : malformed_) input.examples.push_back(example);
  for (const auto& [order, example] : mended_) input.mended_examples.push_back(example);
}

}  // namespace dagloop
