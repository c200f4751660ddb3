#include "source/stretch_read.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <thread>
#include <utility>
#include <variant>

#include "dagloop/record/record_reader.hpp"
#include "source/chunk_reader.hpp"
#include "source/shared_stretch.hpp"

namespace dagloop {
namespace {

// Lines of one stretch that one worker has read; lines are numbered by chunk.
struct StretchPart {
  LineCounts settled;
  LineCounts unsettled;
  std::vector<LineStretch> pending;
};

// Counts valid records by slot: most are of the slot of the one before.
class SlotCounter {
 public:
  std::uint64_t& of(LineCounts& counts, TimePoint created_at) {
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
  std::uint64_t* count_ = nullptr;
};

class Worker {
 public:
  Worker(const StretchOptions& options, std::size_t stretches)
      : parts(stretches),
        settled({Window{options.kept_from, options.query.range.end},
                 options.source.mapping.outcome_node, Dedupe::runs, Rows::kept}),
        unsettled({options.query.range, options.source.mapping.outcome_node}),
        options_(options),
        reader_(options.source.mapping, options.query.latest) {}

  // Reads the chunk; returns how many lines it has.
  std::uint64_t read_chunk(const Stretch& stretch, std::size_t number) {
    part_ = &parts[number];
    const std::uint64_t before = chunk.sequence << kLineBits;
    if (chunk.sequence == 0) lines_before_ = stretch.lines.first_line - 1;
    std::uint64_t lines = 0;
    const char* const start = chunk.text.data();
    for (std::string_view rest = chunk.text; !rest.empty();) {
      const auto begin = chunk.text_begin + static_cast<std::uint64_t>(rest.data() - start);
      const LogLine line = cut_line(rest);
      const std::uint64_t end = chunk.text_begin + chunk.text.size() - rest.size();
      ++lines;
      if (is_wanted(stretch, lines_before_ + lines)) {
        read_line(stretch, line, {begin, end, before + lines, 1});
      }
    }
    if (chunk.ends_overlong) {
      ++lines;
      if (is_wanted(stretch, lines_before_ + lines)) {
        reject(stretch, {0, 0, before + lines, 1}, RejectReason::line_too_long);
      }
    }
    lines_before_ += lines;  // right where one worker reads all chunks
    return lines;
  }

  Chunk chunk;
  std::vector<StretchPart> parts;  // by stretch
  RunTable settled;
  RunTable unsettled;
  std::size_t pending_count = 0;

 private:
  static bool is_wanted(const Stretch& stretch, std::uint64_t number) {
    if (stretch.only.empty()) return true;
    const auto behind =
        std::ranges::upper_bound(stretch.only, number, {}, &LineStretch::first_line);
    if (behind == stretch.only.begin()) return false;
    return number < std::prev(behind)->first_line + std::prev(behind)->lines;
  }

  void read_line(const Stretch& stretch, const LogLine& line, const LineStretch& place) {
    // A long line is one even where it is blank: it might have been too long to look at.
    if (line.text.size() <= kMaxLineBytes && is_blank(line.text)) return;
    const auto& result = reader_.read_line(line);
    if (const auto* record = std::get_if<LogRecord>(&result)) {
      add(stretch, place, *record);
    } else {
      reject(stretch, place, std::get<RejectReason>(result));
    }
  }

  void reject(const Stretch& stretch, const LineStretch& place, RejectReason reason) {
    const bool is_settled = is_settled_line(stretch, reason != RejectReason::future_time, place);
    LineCounts& counts = is_settled ? part_->settled : part_->unsettled;
    ++counts.records;
    ++counts.malformed_by_reason[reason];
    counts.examples.emplace(place.first_line, reason);
    if (counts.examples.size() > InputCounts::kMaxExamples) {
      counts.examples.erase(std::prev(counts.examples.end()));
    }
  }

  void add(const Stretch& stretch, const LineStretch& place, const LogRecord& record) {
    const bool is_before_end = record.created_at < options_.query.range.end;
    const bool is_settled = is_settled_line(stretch, is_before_end, place);
    LineCounts& counts = is_settled ? part_->settled : part_->unsettled;
    ++counts.records;
    ++(record.is_node_record ? counts.node_records : counts.run_records);
    if (record.created_at < options_.kept_from) {
      ++counts.before;
    } else {
      ++slots_.of(counts, record.created_at);
    }
    if (!is_before_end) return;
    if (!counts.newest || record.created_at > *counts.newest) counts.newest = record.created_at;
    (is_settled ? settled : unsettled).add(record, {});
  }

  // Returns whether the line may be forgotten; else it is kept in mind.
  bool is_settled_line(const Stretch& stretch, bool may_be_settled, const LineStretch& place) {
    if (stretch.use == StretchUse::last_line) return false;
    if (may_be_settled) return true;
    std::vector<LineStretch>& pending = part_->pending;
    const bool follows =
        !pending.empty() && place.first_line == pending.back().first_line + pending.back().lines;
    if (follows) {
      pending.back().end = place.end;
      ++pending.back().lines;
    } else {
      pending.push_back(place);
      ++pending_count;
    }
    return false;
  }

  const StretchOptions& options_;
  RecordReader reader_;
  SlotCounter slots_;
  StretchPart* part_ = nullptr;
  std::uint64_t lines_before_ = 0;
};

class StretchReader {
 public:
  StretchReader(const std::vector<KeptFile>& files, const std::vector<Stretch>& stretches,
                const StretchOptions& options)
      : files_(files), options_(options), first_failed_(stretches.size()) {
    for (const Stretch& stretch : stretches) {
      shared_.emplace_back(stretch, files[stretch.file], options.chunk_bytes);
      bytes_total_ += stretch.lines.end - stretch.lines.begin;
    }
  }

  std::optional<StretchReading> run() {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned wished = options_.source.threads == 0 ? cores : options_.source.threads;
    // Threads cost more than they gain where there is little to read.
    const std::uint64_t chunks = 1 + bytes_total_ / (8 * options_.chunk_bytes);
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(
        wished, std::max<std::uint64_t>(chunks, shared_.size() > 8 ? wished : 1)));
    std::deque<Worker> workers;
    for (unsigned i = 0; i < count; ++i) workers.emplace_back(options_, shared_.size());
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 1; i < count; ++i) {
        threads.emplace_back([this, i, &worker = workers[i]] { work(worker, i); });
      }
      work(workers.front(), 0);
    }
    for (const SharedStretch& stretch : shared_) stretch.rethrow();
    if (has_too_many_) return std::nullopt;
    if (std::ranges::any_of(shared_, &SharedStretch::was_replaced)) return std::nullopt;
    return united(workers);
  }

 private:
  void work(Worker& worker, unsigned number) {
    for (std::size_t i = next_++; i < shared_.size(); i = next_++) drain(i, worker, number);
    for (std::size_t i = 0; i < shared_.size(); ++i) drain(i, worker, number);
  }

  void drain(std::size_t index, Worker& worker, unsigned number) {
    SharedStretch& shared = shared_[index];
    try {
      while (index < first_failed_ && !has_too_many_ && shared.next(worker.chunk, number)) {
        shared.set_line_count(worker.chunk.sequence, worker.read_chunk(shared.stretch(), index));
        if (worker.pending_count > options_.max_pending) has_too_many_ = true;
        const std::uint64_t so_far = bytes_read_ += worker.chunk.file_bytes;
        if (options_.source.progress) {
          options_.source.progress({so_far, std::max(so_far, bytes_total_)});
        }
      }
    } catch (...) {
      shared.set_error(std::current_exception());
      std::size_t first = first_failed_;
      while (index < first && !first_failed_.compare_exchange_weak(first, index)) {
      }
    }
  }

  // Puts together what the workers found; lines get their numbers in the file.
  StretchReading united(std::deque<Worker>& workers) {
    StretchReading reading;
    reading.files.resize(files_.size());
    for (std::size_t i = 0; i < shared_.size(); ++i) {
      SharedStretch& shared = shared_[i];
      FileReading& file = reading.files[shared.stretch().file];
      // How many lines are before the last one is known only now.
      const bool is_last = shared.stretch().use == StretchUse::last_line;
      shared.number_lines(is_last ? files_[shared.stretch().file].lines + file.lines + 1
                                  : shared.stretch().lines.first_line);
      const bool is_new = shared.stretch().use == StretchUse::lines &&
                          shared.stretch().lines.lines == 0 && shared.stretch().only.empty();
      if (is_new) file.lines += shared.line_count();
      for (Worker& worker : workers) add_part(shared, worker.parts[i], file);
    }
    for (FileReading& file : reading.files) join_pending(file.pending);
    for (Worker& worker : workers) {
      reading.settled.push_back(std::move(worker.settled));
      reading.unsettled.push_back(std::move(worker.unsettled));
    }
    return reading;
  }

  static void add_part(const SharedStretch& shared, StretchPart& part, FileReading& file) {
    for (LineCounts* counts : {&part.settled, &part.unsettled}) {
      std::map<std::uint64_t, RejectReason> numbered;
      for (const auto& [line, reason] : counts->examples) {
        numbered.emplace(shared.line_number(line), reason);
      }
      counts->examples = std::move(numbered);
    }
    file.settled.merge(part.settled);
    file.unsettled.merge(part.unsettled);
    for (LineStretch pending : part.pending) {
      pending.first_line = shared.line_number(pending.first_line);
      file.pending.push_back(pending);
    }
  }

  static void join_pending(std::vector<LineStretch>& pending) {
    std::ranges::sort(pending, {}, &LineStretch::first_line);
    std::vector<LineStretch> joined;
    for (const LineStretch& next : pending) {
      const bool follows =
          !joined.empty() && joined.back().first_line + joined.back().lines == next.first_line;
      if (follows) {
        joined.back().end = next.end;
        joined.back().lines += next.lines;
      } else {
        joined.push_back(next);
      }
    }
    pending = std::move(joined);
  }

  const std::vector<KeptFile>& files_;
  const StretchOptions& options_;
  std::deque<SharedStretch> shared_;  // no moves: they hold mutexes
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> first_failed_;
  std::atomic<bool> has_too_many_{false};
  std::atomic<std::uint64_t> bytes_read_{0};
  std::uint64_t bytes_total_ = 0;
};

}  // namespace

std::optional<StretchReading> read_stretches(const std::vector<KeptFile>& files,
                                             const std::vector<Stretch>& stretches,
                                             const StretchOptions& options) {
  return StretchReader(files, stretches, options).run();
}

}  // namespace dagloop
