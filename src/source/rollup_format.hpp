// Private to the source layer: what a rollup store holds of log files (docs/formats.md, "Rollup
// store"). Value types.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/chunk_reader.hpp"
#include "source/content_hash.hpp"
#include "source/line_read.hpp"

namespace dagloop {

/// Length of what is kept as one sum beside its slots.
inline constexpr std::chrono::hours kHour{1};

/// What is shown of a line.
struct ShownLine {
  RejectReason reason = RejectReason::not_json_object;  // of a malformed one
  std::optional<Field> field = {};
  std::string found = {};
  std::string wanted = {};
  std::string mapping = {};
  bool operator==(const ShownLine&) const = default;
};

/// What lines of one file counted.
struct LineCounts {
  std::uint64_t records = 0;
  std::uint64_t run_records = 0;
  std::uint64_t node_records = 0;
  std::map<RejectReason, std::uint64_t> malformed_by_reason;
  std::map<std::uint64_t, ShownLine> examples;  // malformed ones, the first by line
  std::map<Field, std::uint64_t> mended_by_field;
  std::map<std::pair<std::uint64_t, Field>, ShownLine> mended_examples;  // the first
  std::map<TimePoint, RangeLines> by_slot;  // of slots from `kept_from` on, before the range's end
  std::uint64_t before = 0;                 // valid records of earlier slots
  std::uint64_t set_aside = 0;              // valid records at or after the end of the range
  std::optional<TimePoint> newest;          // of the valid ones
  std::optional<TimePoint> newest_unread;   // of the malformed ones before the end of the range

  /// Adds what other lines of the file counted.
  void merge(const LineCounts& other);
  bool operator==(const LineCounts&) const = default;
};

/// Keeps the first few of what is shown.
template <typename Map>
void keep_first(Map& shown) {
  while (shown.size() > InputCounts::kMaxExamples) shown.erase(std::prev(shown.end()));
}

/// How the bytes of a file are lines.
enum class FileForm : std::uint8_t { plain, compressed };

/// A file, and how far its lines are settled.
struct LogFile {
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool was_fresh = true;  // that time was so fresh that the file might change without it
  FileForm form = FileForm::plain;
  std::uint64_t consumed = 0;      // bytes; whole lines, unless compressed
  std::uint64_t lines = 0;         // in them
  ContentHash hash;                // of them
  LineCounts counts;               // of those that are settled
  LineTimes times;                 // of all consumed lines, by their number
  std::vector<LineRange> pending;  // lines among them that are not; ascending
  bool operator==(const LogFile&) const = default;
};

/// A slot of settled runs.
struct SlotEntry {
  TimePoint earliest;  // of its runs' records
  TimePoint latest;
  std::uint64_t duplicates = 0;
  std::uint64_t version = 0;  // with which its values were written
  bool operator==(const SlotEntry&) const = default;
};

/// The value that says what the others are.
struct RollupRoot {
  TimePoint kept_from;        // records before are not kept
  TimePoint consumed_before;  // the latest end of a range so far
  TimePoint latest;           // the latest LogQuery::latest so far
  Microseconds reach{0};      // the longest range so far
  std::vector<LogFile> files;
  std::map<TimePoint, SlotEntry> slots;
  std::map<TimePoint, std::uint64_t> hours;  // those with a sum, and the version of that
  bool operator==(const RollupRoot&) const = default;
};

std::string encode(const RollupRoot& root);
/// Errors: nullopt for bytes that encode() does not give.
std::optional<RollupRoot> decode_root(std::string_view bytes);

/// The kinds of values that are named by a time.
enum class ValueKind : char {
  slot_partials = 's',  // partials, and key prefixes
  slot_rows = 'r',
  hour_partials = 'h',
  hour_keys = 'k',  // the key prefixes of its slots
};

inline constexpr const char* kRootName = "root";
/// Returns the name of a value; names of one kind order by time.
std::string value_name(ValueKind kind, TimePoint time);

/// Returns the fingerprint of a log: what `sources` names, read with these options.
std::string log_name(const std::string& sources, const SourceOptions& options);
/// Returns the name that the version before gave the same log; its values are of another form.
std::string former_log_name(const std::string& sources, const SourceOptions& options);

}  // namespace dagloop
