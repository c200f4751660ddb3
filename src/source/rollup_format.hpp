// Private to the source layer: what a rollup store holds of log files (docs/formats.md, "Rollup
// store"). Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/source/log_source.hpp"
#include "source/chunk_reader.hpp"
#include "source/content_hash.hpp"

namespace dagloop {

/// Length of what is kept as one sum beside its slots.
inline constexpr std::chrono::hours kHour{1};

/// What lines of one file counted.
struct LineCounts {
  std::uint64_t records = 0;
  std::uint64_t run_records = 0;
  std::uint64_t node_records = 0;
  std::map<RejectReason, std::uint64_t> malformed_by_reason;
  std::map<std::uint64_t, RejectReason> examples;  // the first by line
  std::map<TimePoint, std::uint64_t> by_slot;      // valid records, of slots from `kept_from` on
  std::uint64_t before = 0;                        // valid records of earlier slots
  std::optional<TimePoint> newest;                 // of the valid ones

  /// Adds what other lines of the file counted.
  void merge(const LineCounts& other);
  bool operator==(const LineCounts&) const = default;
};

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

}  // namespace dagloop
