#include "source/rollup_format.hpp"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "dagloop/base/bytes.hpp"

namespace dagloop {
namespace {

// Part of a log's name: another reading of the same lines, or another form of the values, is
// another log, which is begun anew.
constexpr std::uint64_t kLogFormat = 5;

// Slots further apart than 9,500 years are none.
constexpr std::int64_t kMaxStep = 1'000'000'000;

void encode_time(TimePoint time, ByteWriter& out) {
  out.signed_number(time.time_since_epoch().count());
}

TimePoint decode_time(ByteReader& in) { return TimePoint(Microseconds(in.signed_number())); }

void encode_optional(const std::optional<TimePoint>& time, ByteWriter& out) {
  out.byte(time ? 1 : 0);
  if (time) encode_time(*time, out);
}

std::optional<TimePoint> decode_optional(ByteReader& in) {
  if (in.byte() == 0) return std::nullopt;
  return decode_time(in);
}

void encode_shown(const ShownLine& line, ByteWriter& out) {
  out.byte(static_cast<std::uint8_t>(line.reason));
  out.byte(line.field ? static_cast<std::uint8_t>(*line.field) : 0xFF);
  for (const std::string* text : {&line.found, &line.wanted, &line.mapping}) out.text(*text);
}

constexpr std::array kShares{&RangeLines::all, &RangeLines::canary, &RangeLines::control};

void encode_range_lines(const RangeLines& lines, ByteWriter& out) {
  for (const auto share : kShares) {
    out.number((lines.*share).lines);
    out.number((lines.*share).unread);
  }
}

void encode_timed(const std::optional<TimedLine>& line, ByteWriter& out) {
  out.byte(line ? 1 : 0);
  if (!line) return;
  out.number(line->line);
  encode_time(line->at, out);
}

std::optional<TimedLine> decode_timed(ByteReader& in) {
  if (in.byte() == 0) return std::nullopt;
  TimedLine line;
  line.line = in.number();
  line.at = decode_time(in);
  return line;
}

void encode_counts(const LineCounts& counts, ByteWriter& out) {
  out.number(counts.records);
  out.number(counts.run_records);
  out.number(counts.node_records);
  out.number(counts.malformed_by_reason.size());
  for (const auto& [reason, count] : counts.malformed_by_reason) {
    out.byte(static_cast<std::uint8_t>(reason));
    out.number(count);
  }
  out.number(counts.examples.size());
  for (const auto& [line, shown] : counts.examples) {
    out.number(line);
    encode_shown(shown, out);
  }
  out.number(counts.mended_by_field.size());
  for (const auto& [field, count] : counts.mended_by_field) {
    out.byte(static_cast<std::uint8_t>(field));
    out.number(count);
  }
  out.number(counts.mended_examples.size());
  for (const auto& [place, shown] : counts.mended_examples) {
    out.number(place.first);
    encode_shown(shown, out);
  }
  out.number(counts.by_slot.size());
  TimePoint before;
  for (const auto& [slot, lines] : counts.by_slot) {
    out.signed_number((slot - before) / kSlot);
    encode_range_lines(lines, out);
    before = slot;
  }
  out.number(counts.before);
  out.number(counts.set_aside);
  encode_optional(counts.newest, out);
  encode_optional(counts.newest_unread, out);
}

RejectReason decode_reason(ByteReader& in) {
  const std::uint8_t reason = in.byte();
  if (reason > static_cast<std::uint8_t>(RejectReason::line_too_long)) in.fail();
  return static_cast<RejectReason>(reason);
}

Field decode_field(ByteReader& in) {
  const std::uint8_t field = in.byte();
  if (field >= kFieldCount) in.fail();
  return in.ok() ? static_cast<Field>(field) : Field::request_id;
}

ShownLine decode_shown(ByteReader& in) {
  ShownLine line;
  line.reason = decode_reason(in);
  const std::uint8_t field = in.byte();
  if (field != 0xFF && field >= kFieldCount) in.fail();
  if (field < kFieldCount) line.field = static_cast<Field>(field);
  for (std::string* text : {&line.found, &line.wanted, &line.mapping}) *text = in.text();
  return line;
}

RangeLines decode_range_lines(ByteReader& in) {
  RangeLines lines;
  for (const auto share : kShares) {
    (lines.*share).lines = in.number();
    (lines.*share).unread = in.number();
  }
  return lines;
}

LineCounts decode_counts(ByteReader& in) {
  LineCounts counts;
  counts.records = in.number();
  counts.run_records = in.number();
  counts.node_records = in.number();
  for (std::uint64_t left = in.count(2); left > 0; --left) {
    const RejectReason reason = decode_reason(in);
    counts.malformed_by_reason[reason] = in.number();
  }
  for (std::uint64_t left = in.count(2); left > 0; --left) {
    const std::uint64_t line = in.number();
    counts.examples[line] = decode_shown(in);
  }
  for (std::uint64_t left = in.count(2); left > 0; --left) {
    const Field field = decode_field(in);
    counts.mended_by_field[field] = in.number();
  }
  for (std::uint64_t left = in.count(2); left > 0; --left) {
    const std::uint64_t line = in.number();
    const ShownLine shown = decode_shown(in);
    if (!shown.field) in.fail();
    if (in.ok()) counts.mended_examples[{line, *shown.field}] = shown;
  }
  TimePoint slot;
  for (std::uint64_t left = in.count(2); left > 0; --left) {
    const std::int64_t step = in.signed_number();
    if (step > kMaxStep || step < -kMaxStep || (!counts.by_slot.empty() && step <= 0)) in.fail();
    if (!in.ok()) break;
    slot += step * kSlot;
    counts.by_slot.emplace_hint(counts.by_slot.end(), slot, decode_range_lines(in));
  }
  counts.before = in.number();
  counts.set_aside = in.number();
  counts.newest = decode_optional(in);
  counts.newest_unread = decode_optional(in);
  return counts;
}

void encode_file(const LogFile& file, ByteWriter& out) {
  out.text(file.path);
  for (const std::uint64_t number : {file.device, file.inode, file.size}) out.number(number);
  out.signed_number(file.mtime_ns);
  out.byte(file.was_fresh ? 1 : 0);
  out.byte(static_cast<std::uint8_t>(file.form));
  out.number(file.consumed);
  out.number(file.lines);
  for (const std::uint64_t part :
       {file.hash.low, file.hash.high, file.hash.rest, file.hash.head, file.hash.tail}) {
    out.fixed64(part);
  }
  encode_counts(file.counts, out);
  encode_timed(file.times.first, out);
  encode_timed(file.times.last, out);
  out.number(file.pending.size());
  for (const LineRange& lines : file.pending) {
    for (const std::uint64_t number : {lines.begin, lines.end, lines.first_line, lines.lines}) {
      out.number(number);
    }
    encode_timed(lines.before, out);
  }
}

LogFile decode_file(ByteReader& in) {
  LogFile file;
  file.path = in.text();
  for (std::uint64_t* number : {&file.device, &file.inode, &file.size}) *number = in.number();
  file.mtime_ns = in.signed_number();
  file.was_fresh = in.byte() != 0;
  file.form = in.byte() == 0 ? FileForm::plain : FileForm::compressed;
  file.consumed = in.number();
  file.lines = in.number();
  for (std::uint64_t* part :
       {&file.hash.low, &file.hash.high, &file.hash.rest, &file.hash.head, &file.hash.tail}) {
    *part = in.fixed64();
  }
  file.counts = decode_counts(in);
  file.times.first = decode_timed(in);
  file.times.last = decode_timed(in);
  file.pending.resize(in.count(4));
  for (LineRange& lines : file.pending) {
    for (std::uint64_t* number : {&lines.begin, &lines.end, &lines.first_line, &lines.lines}) {
      *number = in.number();
    }
    lines.before = decode_timed(in);
  }
  return file;
}

// What a mapping of one place has none of, so that the names of these stay as they were.
void name_form(const FieldMapping& field, ByteWriter& out) {
  if (field.is_plain()) return;
  out.byte(static_cast<std::uint8_t>(field.form));
  out.number(field.places().size());
  for (const ValuePlace& place : field.places()) {
    out.byte(static_cast<std::uint8_t>(place.source));
    out.text(place.name);
    out.byte(place.time.epoch ? static_cast<std::uint8_t>(*place.time.epoch) : 0xFF);
    out.text(place.time.zone.value_or(""));
  }
  out.byte(field.unit ? static_cast<std::uint8_t>(*field.unit) : 0xFF);
  out.byte(field.when_null ? 1 : 0);
  out.text(field.when_null.value_or(""));
}

std::string name_in_format(const std::string& sources, const SourceOptions& options,
                           std::uint64_t format) {
  ByteWriter out;
  // Everything that changes what a line counts as is a part of the name: with another mapping the
  // same log is another one, and what was kept of it is not looked at.
  out.number(format);
  out.text(sources);
  const Mapping& mapping = options.mapping;
  out.number(mapping.fields.size());
  for (const auto& [field, place] : mapping.fields) {
    out.text(field);
    out.byte(static_cast<std::uint8_t>(place.source));
    out.text(place.name);
    out.number(place.aliases.size());
    for (const auto& [from, to] : place.aliases) {
      out.text(from);
      out.text(to);
    }
    name_form(place, out);
  }
  out.text(mapping.detail_column);
  out.byte(static_cast<std::uint8_t>(mapping.created_at_marks));
  out.text(mapping.outcome_node);
  for (const auto& [pattern, error_class] : options.classes.patterns()) {
    out.text(pattern);
    out.byte(static_cast<std::uint8_t>(error_class));
  }
  for (const Status status : options.rules.overdue_statuses) {
    out.byte(static_cast<std::uint8_t>(status));
  }
  out.byte(options.rules.cancelled == Cancelled::counted ? 0xFE : 0xFF);
  for (const std::string& pipeline : options.rules.pipelines) out.text(pipeline);
  const XXH128_hash_t hash = XXH3_128bits(out.bytes().data(), out.bytes().size());
  return fmt::format("files {:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

void LineCounts::merge(const LineCounts& other) {
  records += other.records;
  run_records += other.run_records;
  node_records += other.node_records;
  for (const auto& [reason, count] : other.malformed_by_reason) {
    malformed_by_reason[reason] += count;
  }
  examples.insert(other.examples.begin(), other.examples.end());
  keep_first(examples);
  for (const auto& [field, count] : other.mended_by_field) mended_by_field[field] += count;
  mended_examples.insert(other.mended_examples.begin(), other.mended_examples.end());
  keep_first(mended_examples);
  for (const auto& [slot, lines] : other.by_slot) by_slot[slot].merge(lines);
  before += other.before;
  set_aside += other.set_aside;
  keep_latest(other.newest, newest);
  keep_latest(other.newest_unread, newest_unread);
}

std::string encode(const RollupRoot& root) {
  ByteWriter out;
  for (const TimePoint time : {root.kept_from, root.consumed_before, root.latest}) {
    encode_time(time, out);
  }
  out.signed_number(root.reach.count());
  out.number(root.files.size());
  for (const LogFile& file : root.files) encode_file(file, out);
  out.number(root.slots.size());
  TimePoint before;
  for (const auto& [slot, entry] : root.slots) {
    out.signed_number((slot - before) / kSlot);
    out.signed_number((entry.earliest - slot).count());
    out.signed_number((entry.latest - slot).count());
    out.number(entry.duplicates);
    out.number(entry.version);
    before = slot;
  }
  out.number(root.hours.size());
  for (const auto& [hour, version] : root.hours) {
    encode_time(hour, out);
    out.number(version);
  }
  return out.take();
}

std::optional<RollupRoot> decode_root(std::string_view bytes) {
  ByteReader in(bytes);
  RollupRoot root;
  for (TimePoint* time : {&root.kept_from, &root.consumed_before, &root.latest}) {
    *time = decode_time(in);
  }
  root.reach = Microseconds(in.signed_number());
  for (std::uint64_t left = in.count(50); left > 0 && in.ok(); --left) {
    root.files.push_back(decode_file(in));
  }
  TimePoint slot;
  for (std::uint64_t left = in.count(5); left > 0 && in.ok(); --left) {
    const std::int64_t step = in.signed_number();
    if (step > kMaxStep || step < -kMaxStep || (!root.slots.empty() && step <= 0)) in.fail();
    if (!in.ok()) break;
    slot += step * kSlot;
    SlotEntry entry;
    entry.earliest = slot + Microseconds(in.signed_number());
    entry.latest = slot + Microseconds(in.signed_number());
    entry.duplicates = in.number();
    entry.version = in.number();
    root.slots.emplace_hint(root.slots.end(), slot, entry);
  }
  for (std::uint64_t left = in.count(2); left > 0 && in.ok(); --left) {
    const TimePoint hour = decode_time(in);
    root.hours[hour] = in.number();
  }
  if (!in.done()) return std::nullopt;
  return root;
}

std::string log_name(const std::string& sources, const SourceOptions& options) {
  return name_in_format(sources, options, kLogFormat);
}

std::string former_log_name(const std::string& sources, const SourceOptions& options) {
  return name_in_format(sources, options, kLogFormat - 1);
}

std::string value_name(ValueKind kind, TimePoint time) {
  // Ten digits, so that names order as times do (until the year 2286) and a range is one query.
  return fmt::format("{}:{:010}", static_cast<char>(kind),
                     std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace dagloop
