#include "source/rollup_lines.hpp"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include "source/line_read.hpp"
#include "source/table_options.hpp"

namespace dagloop {
namespace {

// Lines of one part that one worker has read; they are numbered by chunk.
struct PartCounts {
  LineCounts settled;
  LineCounts unsettled;
  std::vector<LineRange> pending;
  std::vector<LineRange> pending_waited;  // whose record before is by its number in the file
};

// Counts lines by slot: most are of the slot of the one before.
class SlotCounter {
 public:
  RangeLines& of(LineCounts& counts, TimePoint created_at) {
    const TimePoint slot = floor_to_slot(created_at);
    if (counts_ != &counts || slot != slot_) {
      counts_ = &counts;
      slot_ = slot;
      count_ = &counts.by_slot[slot];
    }
    return *count_;
  }

 private:
  LineCounts* counts_ = nullptr;
  TimePoint slot_;
  RangeLines* count_ = nullptr;
};

// Adds lines behind those of `ranges`.
void append_lines(std::vector<LineRange>& ranges, const LineRange& next) {
  const bool follows =
      !ranges.empty() && ranges.back().first_line + ranges.back().lines == next.first_line;
  if (follows) {
    ranges.back().end = next.end;
    ranges.back().lines += next.lines;
  } else {
    ranges.push_back(next);
  }
}

RunTableOptions settled_options(const PlannedReadOptions& options) {
  RunTableOptions table = table_options(options.source);
  table.range = {options.kept_from, floor_to_slot(options.query.range.end)};
  table.rows = Rows::given_out;
  return table;
}

RunTableOptions unsettled_options(const PlannedReadOptions& options) {
  RunTableOptions table = table_options(options.source);
  table.range = options.query.range;
  table.users_from = options.query.users_from();
  return table;
}

// Turns lines into settled runs, and runs that count now alone.
class SettlingWorker final : public LineWorker {
 public:
  SettlingWorker(const std::vector<PlannedPart>& planned, const PlannedReadOptions& options)
      : LineWorker(options.source.mapping, options.query.latest),
        parts(planned.size()),
        settled(settled_options(options)),
        unsettled(unsettled_options(options)),
        planned_(planned),
        options_(options) {}

  bool is_full() const override { return pending_count_ > options_.max_pending; }

  std::vector<PartCounts> parts;
  RunTable settled;
  RunTable unsettled;

 private:
  // Until its time is known for good a line counts now alone: one from the future may be a record
  // one day, and be what others lean on.
  void reject(const PartLine& line, const MalformedLine& malformed) override {
    const RejectedLine& rejected = malformed.rejected;
    const bool is_settled =
        !malformed.may_move && rejected.at && *rejected.at < settled_end_ && is_whole(line);
    if (!is_settled) {
      LineRange lines = line.place;
      lines.before = malformed.before;
      PartCounts& part = parts[line.part];
      keep_in_mind(line, lines, malformed.has_waited ? part.pending_waited : part.pending);
    }
    LineCounts& counts = counts_of(line, is_settled);
    ++counts.records;
    ++counts.malformed_by_reason[rejected.reason];
    const ReadFault& fault = malformed.fault;
    counts.examples[line.place.first_line] = {rejected.reason, fault.field, fault.found,
                                              std::string(fault.wanted), fault.mapping};
    keep_first(counts.examples);
    const TimePoint at = rejected.at.value_or(options_.query.range.end - Microseconds{1});
    if (at >= options_.query.range.end) return;
    keep_latest(rejected.at, counts.newest_unread);
    if (at >= options_.kept_from) slots_.of(counts, at).add(rejected.cohort, {1, 1});
    (is_settled ? settled : unsettled).add_unread(rejected);
  }

  void add(const PartLine& line, const LogRecord& record) override {
    const bool is_settled = record.created_at < settled_end_ && is_whole(line);
    if (!is_settled) keep_in_mind(line, line.place, parts[line.part].pending);
    LineCounts& counts = counts_of(line, is_settled);
    ++counts.records;
    ++(record.is_node_record ? counts.node_records : counts.run_records);
    if (record.mended != 0) count_mended(line, record.mended, counts);
    if (record.created_at >= options_.query.range.end) {
      ++counts.set_aside;
      return;
    }
    if (record.created_at < options_.kept_from) {
      ++counts.before;
    } else {
      slots_.of(counts, record.created_at).add(record.cohort, {1, 0});
    }
    keep_latest(record.created_at, counts.newest);
    (is_settled ? settled : unsettled).add(record, {});
  }

  void count_mended(const PartLine& line, std::uint32_t fields, LineCounts& counts) {
    const std::uint64_t number = line.place.first_line;
    const bool is_shown = counts.mended_examples.size() < InputCounts::kMaxExamples ||
                          number <= counts.mended_examples.rbegin()->first.first;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      if ((fields & field_bits(field)) == 0) continue;
      ++counts.mended_by_field[field];
      if (!is_shown) continue;
      const ReadFault fault = mended_fault(field);
      counts.mended_examples[{number, field}] = {
          RejectReason::not_json_object, field, fault.found, std::string(fault.wanted), {}};
    }
    keep_first(counts.mended_examples);
  }

  LineCounts& counts_of(const PartLine& line, bool is_settled) {
    PartCounts& part = parts[line.part];
    return is_settled ? part.settled : part.unsettled;
  }

  // A last line without a newline may still be growing: it counts now, and is read again next
  // time.
  bool is_whole(const PartLine& line) const {
    return planned_[line.part].use != PartUse::last_line;
  }

  // A line that may not be forgotten.
  void keep_in_mind(const PartLine& line, const LineRange& lines, std::vector<LineRange>& pending) {
    if (!is_whole(line)) return;
    const std::size_t count = pending.size();
    append_lines(pending, lines);
    pending_count_ += pending.size() - count;
  }

  const std::vector<PlannedPart>& planned_;
  const PlannedReadOptions& options_;
  const TimePoint settled_end_ = floor_to_slot(options_.query.range.end);
  SlotCounter slots_;
  std::size_t pending_count_ = 0;
};

// How many lines of the file stand before the part, unless it follows another.
std::uint64_t lines_before(const PlannedPart& part, const LogFile& file) {
  return part.use == PartUse::last_line ? file.lines : part.lines.first_line - 1;
}

// A compressed file is read by one worker alone, for its lines have to be counted one after
// another.
FilePart file_part(const PlannedPart& planned, const LogFile& file) {
  FilePart part{.path = file.path, .only = planned.only};
  if (file.form == FileForm::compressed) {
    part.readers = Readers::one;
  } else {
    part.bytes = PlainRange{file.device, file.inode, planned.lines.begin, planned.lines.end};
  }
  part.lines_before = lines_before(planned, file);
  part.follows = planned.follows;
  part.may_grow = planned.use == PartUse::last_line;
  for (const auto& record : {file.times.first, file.times.last}) {
    if (record) part.known.push_back(*record);
  }
  for (const LineRange& pending : file.pending) {
    if (pending.before) part.known.push_back(*pending.before);
  }
  return part;
}

// Threads cost more than they gain where there is little to read.
unsigned count_threads(const PlannedReadOptions& options, std::size_t parts, std::uint64_t bytes) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned wished = options.source.threads == 0 ? cores : options.source.threads;
  // One thread more for eight chunks more; many small files are many parts, and take all.
  const std::uint64_t chunks = 1 + bytes / (8 * options.chunk_bytes);
  return static_cast<unsigned>(
      std::min<std::uint64_t>(wished, std::max<std::uint64_t>(chunks, parts > 8 ? wished : 1)));
}

// Adds what one worker found in a part whose first line follows `lines_before` others.
void add_part(PartCounts& part, const LineNumbers& numbers, std::uint64_t lines_before,
              FileReading& file) {
  for (LineCounts* counts : {&part.settled, &part.unsettled}) {
    std::map<std::uint64_t, ShownLine> numbered;
    for (const auto& [line, shown] : counts->examples) {
      numbered.emplace(lines_before + numbers.of(line), shown);
    }
    counts->examples = std::move(numbered);
    std::map<std::pair<std::uint64_t, Field>, ShownLine> mended;
    for (const auto& [place, shown] : counts->mended_examples) {
      mended.emplace(std::pair(lines_before + numbers.of(place.first), place.second), shown);
    }
    counts->mended_examples = std::move(mended);
  }
  file.settled.merge(part.settled);
  file.unsettled.merge(part.unsettled);
  const auto number = [&](std::uint64_t line) { return lines_before + numbers.of(line); };
  for (LineRange& pending : part.pending) {
    if (pending.before) pending.before->line = number(pending.before->line);
  }
  for (const auto* ranges : {&part.pending, &part.pending_waited}) {
    for (LineRange pending : *ranges) {
      pending.first_line = number(pending.first_line);
      file.pending.push_back(pending);
    }
  }
}

void join_pending(std::vector<LineRange>& pending) {
  std::ranges::sort(pending, {}, &LineRange::first_line);
  std::vector<LineRange> joined;
  for (const LineRange& next : pending) append_lines(joined, next);
  pending = std::move(joined);
}

// Puts together what the workers found; lines get their numbers in the file.
LogReading united(const std::vector<LogFile>& files, const std::vector<PlannedPart>& parts,
                  const PartsRead& read, std::deque<SettlingWorker>& workers) {
  const std::vector<LineNumbers>& numbers = read.numbers;
  LogReading reading;
  reading.files.resize(files.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const PlannedPart& part = parts[i];
    FileReading& file = reading.files[part.file];
    // How many lines are before the last one is known only now.
    const std::uint64_t before =
        lines_before(part, files[part.file]) + (part.use == PartUse::last_line ? file.lines : 0);
    const bool is_new = part.use == PartUse::lines && part.lines.lines == 0 && part.only.empty();
    if (is_new) file.lines += numbers[i].count();
    // A line from the future that is a record now may be the first or the last of its file.
    if (part.use == PartUse::lines) file.times.merge(read.times[i]);
    for (SettlingWorker& worker : workers) add_part(worker.parts[i], numbers[i], before, file);
  }
  for (FileReading& file : reading.files) join_pending(file.pending);
  for (SettlingWorker& worker : workers) {
    reading.settled.push_back(std::move(worker.settled));
    reading.unsettled.push_back(std::move(worker.unsettled));
  }
  return reading;
}

}  // namespace

std::optional<LogReading> read_planned(const std::vector<LogFile>& files,
                                       const std::vector<PlannedPart>& planned,
                                       const PlannedReadOptions& options) {
  std::vector<FilePart> parts;
  std::uint64_t bytes = 0;
  for (const PlannedPart& part : planned) {
    parts.push_back(file_part(part, files[part.file]));
    bytes += part.lines.end - part.lines.begin;
  }
  const unsigned count = count_threads(options, parts.size(), bytes);
  std::deque<SettlingWorker> workers;
  std::vector<LineWorker*> references;
  for (unsigned i = 0; i < count; ++i) {
    references.push_back(&workers.emplace_back(planned, options));
  }
  const PartsRead read =
      read_parts(parts, references, {options.chunk_bytes, options.source.progress, bytes});
  if (!read.is_whole) return std::nullopt;
  return united(files, planned, read, workers);
}

}  // namespace dagloop
