#include "dagloop/record/mapping_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "dagloop/record/record_reader.hpp"
#include "record/detail_pairs.hpp"
#include "record/mapped_values.hpp"
#include "record/pointer_tree.hpp"

namespace dagloop {
namespace {

std::string words_of_place(const ValuePlace& place) {
  static constexpr std::array<std::string_view, 4> kEpochs{"s", "ms", "us", "ns"};
  std::string text = place.source == FieldSource::column    ? "column "
                     : place.source == FieldSource::pointer ? "pointer "
                                                            : "detail ";
  text += place.name;
  if (place.time.epoch) {
    text +=
        fmt::format(" ({} since 1970)", kEpochs.at(static_cast<std::size_t>(*place.time.epoch)));
  }
  if (place.time.zone) text += " (zone " + *place.time.zone + ")";
  return text;
}

// Says which places of a line have something, by the same pointers and pairs as the reader.
class PlaceFinder {
 public:
  explicit PlaceFinder(const Mapping& mapping) : mapping_(mapping) {}

  // Returns the number under which has() knows the place.
  std::size_t add(const ValuePlace& place) {
    const bool is_detail = place.source == FieldSource::detail;
    const bool is_pointer = place.source == FieldSource::pointer;
    places_.push_back({is_detail ? place.name : "",
                       pointers_.add(is_detail    ? std::vector{mapping_.detail_column}
                                     : is_pointer ? split_pointer(place.name)
                                                  : std::vector{place.name}),
                       is_detail});
    return places_.size() - 1;
  }

  // Looks at a line; false where it is no JSON object as it stands.
  bool look_at(const std::string& line) { return pointers_.read_line(line, digits_); }

  bool has(std::size_t number) const {
    const Place& place = places_[number];
    const RawValue& value = pointers_.value(place.pointer);
    if (!place.is_detail) return value.kind != ValueKind::absent;
    if (value.kind != ValueKind::text) return false;
    bool is_there = false;
    for_each_pair(value.text, [&](std::string_view key, std::string_view text) {
      if (key == place.key) is_there = loose_value(text).kind != ValueKind::absent;
    });
    return is_there;
  }

 private:
  struct Place {
    std::string key;  // in the detail column
    std::size_t pointer;
    bool is_detail;
  };

  const Mapping& mapping_;
  PointerTree pointers_;
  std::vector<Place> places_;
  Digits digits_;
};

class Explanation {
 public:
  Explanation(const Mapping& mapping, TimePoint latest)
      : reader_(mapping, latest), finder_(mapping) {
    for (const std::string_view name : contract_fields()) {
      const auto mapped = mapping.fields.find(std::string(name));
      const FieldMapping own{FieldSource::column, std::string(name), {}};
      const FieldMapping& from = mapped == mapping.fields.end() ? own : mapped->second;
      Row row{name, from.form, from.places(), {}, {}, mapped != mapping.fields.end()};
      for (const ValuePlace& place : row.places) row.numbers.push_back(finder_.add(place));
      row.found.resize(row.places.size());
      rows_.push_back(row);
    }
  }

  void add(const std::string& line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    ++lines_;
    const ReadResult& result = reader_.read_copy(line);
    if (std::holds_alternative<OtherLine>(result)) {
      ++others_;
      return;
    }
    if (const auto* unread = std::get_if<UnreadLine>(&result)) {
      if (++unread_ == 1) fault_ = fmt::format("line {}: {}", lines_, explain(unread->fault));
    } else {
      add_record(std::get<LogRecord>(result));
    }
    if (!finder_.look_at(line)) return;
    ++read_;
    for (Row& row : rows_) {
      for (std::size_t i = 0; i < row.places.size(); ++i) {
        if (!finder_.has(row.numbers[i])) continue;
        ++row.found[i];
        if (row.form == FieldForm::one) break;
      }
    }
  }

  std::vector<std::string> text() {
    std::vector<std::string> text{
        fmt::format("{} lines: {} records ({} of runs, {} of nodes), {} other lines, {} unread",
                    lines_, runs_ + nodes_, runs_, nodes_, others_, unread_)};
    if (!fault_.empty()) text.emplace_back("first unread: " + fault_);
    std::string missing;
    for (const Row& row : rows_) {
      const std::size_t found =
          std::ranges::max(row.found.empty() ? std::vector<std::size_t>{0} : row.found);
      if (row.form == FieldForm::none) {
        text.emplace_back(
            fmt::format("{:<20} not read: the mapping says that there is none", row.field));
      } else if (found > 0 || row.is_mapped) {
        text.emplace_back(fmt::format("{:<20} {}", row.field, words_of(row)));
      } else {
        missing += (missing.empty() ? "" : ", ") + std::string(row.field);
      }
    }
    if (!missing.empty()) text.emplace_back("not in the log: " + missing);
    add_figures(text);
    add_oddities(text);
    return text;
  }

 private:
  struct Row {
    std::string_view field;
    FieldForm form;
    std::vector<ValuePlace> places;
    std::vector<std::size_t> numbers;  // by place, of the finder
    std::vector<std::size_t> found;    // lines, by place
    bool is_mapped;
  };

  void add_record(const LogRecord& record) {
    ++(record.is_node_record ? nodes_ : runs_);
    ++statuses_[record.status];
    ++cohorts_[record.cohort];
    if (record.duration_ms) durations_.push_back(*record.duration_ms);
    if (!first_ || record.created_at < *first_) first_ = record.created_at;
    if (!last_ || record.created_at > *last_) last_ = record.created_at;
    ids_.insert(std::string(record.run_key));
  }

  std::string words_of(const Row& row) const {
    const std::string_view between = row.form == FieldForm::joined    ? ", joined with "
                                     : row.form == FieldForm::between ? " to "
                                                                      : "; else ";
    std::string text;
    for (std::size_t i = 0; i < row.places.size(); ++i) {
      text += fmt::format("{}{}: {} of {}", i == 0 ? "" : between, words_of_place(row.places[i]),
                          row.found[i], read_);
    }
    return text;
  }

  void add_figures(std::vector<std::string>& text) {
    if (runs_ + nodes_ == 0) return;
    text.emplace_back(fmt::format("runs: {} different ids; from {} to {}", ids_.size(),
                                  format_time(*first_), format_time(*last_)));
    std::string words;
    for (const auto& [status, count] : statuses_) {
      words += fmt::format("{}{} {}", words.empty() ? "" : ", ", to_string(status), count);
    }
    text.emplace_back("statuses: " + words);
    if (has_cohorts()) {
      text.emplace_back(fmt::format("cohorts: canary {}, control {}, none that can be read {}",
                                    in_cohort(Cohort::canary), in_cohort(Cohort::control),
                                    in_cohort(Cohort::none)));
    }
    if (durations_.empty()) return;
    std::ranges::sort(durations_);
    text.emplace_back(fmt::format("durations: median {} ms, 95 % at most {} ms, longest {} ms",
                                  at_share(0.5), at_share(0.95), durations_.back()));
  }

  // Whether the log has something where the cohort is said to be.
  bool has_cohorts() const {
    return std::ranges::any_of(rows_, [](const Row& row) {
      return row.field == "cohort" && std::ranges::count(row.found, std::size_t{0}) <
                                          static_cast<std::ptrdiff_t>(row.found.size());
    });
  }

  std::size_t in_cohort(Cohort cohort) const {
    const auto found = cohorts_.find(cohort);
    return found == cohorts_.end() ? 0 : found->second;
  }

  double at_share(double share) const {
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(durations_.size()));
    return durations_[std::min(rank, durations_.size() - 1)];
  }

  void add_oddities(std::vector<std::string>& text) const {
    if (runs_ + nodes_ == 0) return;
    if (runs_ == 0)
      text.emplace_back("odd: no record of a run: all runs are derived from their nodes");
    if (statuses_.size() == 1 && runs_ + nodes_ >= 20)
      text.emplace_back("odd: one status in all records");
    if (*last_ < TimePoint(std::chrono::sys_days(std::chrono::year(2000) / 1 / 1))) {
      text.emplace_back("odd: all times are before 2000: does the epoch of created_at fit?");
    }
    if (has_cohorts() && (in_cohort(Cohort::canary) == 0 || in_cohort(Cohort::control) == 0)) {
      text.emplace_back(
          "odd: no record of the canary, or none of control; if the log has other words for them, "
          "cohort needs \"aliases\"");
    }
    if (durations_.size() < 20) return;
    const bool is_day = *last_ - *first_ >= std::chrono::hours(20);
    if (at_share(0.95) < 1 || (is_day && durations_.back() <= 1000)) {
      text.emplace_back(
          "odd: duration_ms looks like seconds; if so, the mapping needs \"unit\": \"s\"");
    }
  }

  RecordReader reader_;
  PlaceFinder finder_;
  std::vector<Row> rows_;
  std::size_t lines_ = 0;
  std::size_t read_ = 0;  // JSON, and no other lines
  std::size_t others_ = 0;
  std::size_t unread_ = 0;
  std::size_t runs_ = 0;
  std::size_t nodes_ = 0;
  std::string fault_;
  std::map<Status, std::size_t> statuses_;
  std::map<Cohort, std::size_t> cohorts_;
  std::vector<double> durations_;
  std::set<std::string> ids_;
  std::optional<TimePoint> first_;
  std::optional<TimePoint> last_;
};

}  // namespace

std::vector<std::string> explain_mapping(const Mapping& mapping,
                                         const std::vector<std::string>& lines, TimePoint latest) {
  Explanation explanation(mapping, latest);
  for (const std::string& line : lines) explanation.add(line);
  return explanation.text();
}

}  // namespace dagloop
