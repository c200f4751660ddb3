#include "source/line_read.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include "source/line_placing.hpp"

namespace dagloop {
namespace {

// Until all chunks are counted, a line is known by its chunk and its number in that, both in one
// number that orders as lines do.
constexpr unsigned kLineBits = 32;
constexpr std::uint64_t kLineMask = (std::uint64_t{1} << kLineBits) - 1;

bool is_among(const std::vector<LineRange>& ranges, std::uint64_t number) {
  const auto behind = std::ranges::upper_bound(ranges, number, {}, &LineRange::first_line);
  if (behind == ranges.begin()) return false;
  return number < std::prev(behind)->first_line + std::prev(behind)->lines;
}

// A part that several workers take chunks from. Opened with the first chunk, closed after the last.
class SharedPart {
 public:
  SharedPart(const FilePart& part, std::size_t chunk_bytes)
      : part_(part), chunk_bytes_(chunk_bytes) {}

  const FilePart& part() const { return part_; }

  // Fills `chunk` with lines that no other worker gets; false when there are none (left).
  bool next(Chunk& chunk, const LineWorker* worker) {
    const std::shared_ptr<ChunkReader> chunks = opened(worker);
    if (!chunks) return false;
    if (chunks->next(chunk)) return true;
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    chunks_.reset();
    return false;
  }

  void set_line_count(std::uint64_t sequence, std::uint64_t lines) {
    const std::scoped_lock lock(mutex_);
    if (line_counts_.size() <= sequence) line_counts_.resize(sequence + 1);
    line_counts_[sequence] = lines;
  }

  LineNumbers numbers() { return LineNumbers(std::move(line_counts_)); }

  void set_error(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    // The first stays: later ones are mostly its consequences.
    if (!error_) error_ = std::move(error);
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  bool was_replaced() const { return was_replaced_; }

 private:
  std::shared_ptr<ChunkReader> opened(const LineWorker* worker) {
    const std::scoped_lock lock(mutex_);
    if (is_done_) return nullptr;
    if (part_.readers == Readers::one) {
      if (!reader_) reader_ = worker;
      // This part is counted line by line in order, so one worker reads all of it.
      if (reader_ != worker) return nullptr;
    }
    if (chunks_) return chunks_;
    is_done_ = true;  // stays so if what follows throws
    chunks_ = part_.bytes ? open_plain_range(part_.path, chunk_bytes_, *part_.bytes)
                          : open_chunks(part_.path, chunk_bytes_, part_.records);
    was_replaced_ = chunks_ == nullptr;
    is_done_ = was_replaced_;
    return chunks_;
  }

  const FilePart& part_;
  const std::size_t chunk_bytes_;
  std::mutex mutex_;
  std::shared_ptr<ChunkReader> chunks_;
  std::vector<std::uint64_t> line_counts_;  // by chunk
  const LineWorker* reader_ = nullptr;      // the only one, where one reads
  bool is_done_ = false;
  bool was_replaced_ = false;
  std::exception_ptr error_;
};

class LineReading {
 public:
  LineReading(const std::vector<FilePart>& parts, const LineReadOptions& options)
      : options_(options), first_failed_(parts.size()) {
    for (const FilePart& part : parts) parts_.emplace_back(part, options.chunk_bytes);
  }

  PartsRead run(const std::vector<LineWorker*>& workers) {
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < workers.size(); ++i) {
        threads.emplace_back([this, worker = workers[i]] { work(*worker); });
      }
      work(*workers.front());
    }
    for (const SharedPart& part : parts_) part.rethrow();
    PartsRead read;
    read.is_whole = !is_full_ && std::ranges::none_of(parts_, &SharedPart::was_replaced);
    for (SharedPart& part : parts_) read.numbers.push_back(part.numbers());
    return read;
  }

 private:
  // First each worker takes parts of its own, so that several are decompressed at once; then it
  // helps with those that are not done.
  void work(LineWorker& worker) {
    Chunk chunk;
    for (std::size_t i = next_++; i < parts_.size(); i = next_++) drain(i, worker, chunk);
    for (std::size_t i = 0; i < parts_.size(); ++i) drain(i, worker, chunk);
  }

  void drain(std::size_t index, LineWorker& worker, Chunk& chunk) {
    SharedPart& shared = parts_[index];
    try {
      // Parts before the first failed one are read to their end, so that it is always the same one.
      while (index < first_failed_ && !is_full_ && shared.next(chunk, &worker)) {
        shared.set_line_count(chunk.sequence, worker.read(chunk, shared.part(), index));
        if (worker.is_full()) is_full_ = true;
        tell(bytes_read_ += chunk.file_bytes);
      }
    } catch (...) {
      shared.set_error(std::current_exception());
      std::size_t first = first_failed_;
      // Lowers it to this part, unless another thread has set a lower one meanwhile.
      while (index < first && !first_failed_.compare_exchange_weak(first, index)) {
      }
    }
  }

  void tell(std::uint64_t so_far) const {
    if (!options_.progress) return;
    const bool is_known = options_.bytes_total != 0;
    options_.progress({so_far, is_known ? std::max(so_far, options_.bytes_total) : 0});
  }

  const LineReadOptions& options_;
  std::deque<SharedPart> parts_;  // no moves: they hold mutexes
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> first_failed_;
  std::atomic<bool> is_full_{false};
  std::atomic<std::uint64_t> bytes_read_{0};
};

}  // namespace

void LineTimes::merge(const LineTimes& other) {
  if (other.first) add(*other.first);
  if (other.last) add(*other.last);
}

std::uint64_t LineWorker::read(const Chunk& chunk, const FilePart& part, std::size_t index) {
  if (chunk.sequence == 0) lines_before_ = 0;
  path_hash_ = std::hash<std::string>()(part.path);
  stretch_ = {index, {}, {}};
  const std::uint64_t before = chunk.sequence << kLineBits;
  std::uint64_t lines = 0;
  // What stands between single ranges of lines is not looked at, and may be a record.
  const auto is_wanted = [&] {
    if (part.only.empty() || is_among(part.only, lines_before_ + lines)) return true;
    end_stretch();
    return false;
  };
  const char* const start = chunk.text.data();
  for (std::string_view rest = chunk.text; !rest.empty();) {
    const auto begin = chunk.text_begin + static_cast<std::uint64_t>(rest.data() - start);
    const LogLine line = cut_line(rest);
    const std::uint64_t end = chunk.text_begin + chunk.text.size() - rest.size();
    ++lines;
    if (is_wanted()) read_line({index, line.text, {begin, end, before + lines, 1}}, line);
  }
  if (!chunk.overlong.empty()) {
    ++lines;
    // Where it ends nobody has looked. Read again, its first bytes are as much of it as now.
    const std::uint64_t begin = chunk.text_begin + chunk.text.size();
    std::string_view rest = chunk.overlong;
    const LogLine line = cut_line(rest);
    const LineRange place{begin, begin + chunk.overlong.size(), before + lines, 1};
    if (is_wanted()) read_line({index, line.text, place}, line);
  }
  end_stretch();
  lines_before_ += lines;
  return lines;
}

void LineWorker::end_stretch() {
  if (stretch_.records.first || stretch_.futures.first) times_.push_back(stretch_);
  stretch_ = {stretch_.part, {}, {}};
}

void LineWorker::read_line(const PartLine& line, const LogLine& text) {
  // A long line is one even where it is blank: it might have been too long to look at.
  if (text.text.size() <= kMaxLineBytes && is_blank(text.text)) return;
  const auto& result = reader_.read_line(text);
  if (const auto* record = std::get_if<LogRecord>(&result)) {
    stretch_.records.add({line.place.first_line, record->created_at});
    add(line, *record);
  } else if (const auto* unread = std::get_if<UnreadLine>(&result)) {
    read_unread(line, *unread);
  } else {
    add_other();
  }
}

// Lines that show no run may hide one each, also where they read alike, as the first line of a
// stack trace does. Where a line stands, and when, sets it apart from others of the same text.
void LineWorker::set_apart(const PartLine& line, RejectedLine& rejected) const {
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15ULL;
  const TimePoint at = stretch_.records.last ? stretch_.records.last->at : TimePoint{};
  for (const std::uint64_t part : {path_hash_, line.place.begin, line.place.first_line,
                                   static_cast<std::uint64_t>(at.time_since_epoch().count())}) {
    rejected.key.low = (rejected.key.low ^ part) * kMix;
    rejected.key.high = (rejected.key.high + part) * kMix;
    rejected.key.high ^= rejected.key.low >> 29U;
  }
}

void LineWorker::read_unread(const PartLine& line, const UnreadLine& unread) {
  const std::uint64_t number = line.place.first_line;
  if (unread.reason == RejectReason::future_time) stretch_.futures.add({number, {}});
  // Of a longer line some chunks hold all, some its first bytes alone: it is the same line.
  MalformedLine malformed{rejected_line(unread, line.text.substr(0, kMaxHeldBytes)), {}};
  if (unread.run_key.empty()) set_apart(line, malformed.rejected);
  malformed.may_move = unread.is_of_future;
  if (const auto& before = stretch_.records.last) {
    malformed.before = before;
    if (!malformed.rejected.at) {
      malformed.rejected.at = before->at;
      const auto& future = stretch_.futures.last;
      if (future && future->line > before->line) malformed.may_move = true;
    }
    malformed.fault = unread.fault;
    return reject(line, malformed);
  }
  unplaced_.push_back({{line.part, {}, line.place}, malformed.rejected, unread.is_of_future});
  auto& faults = faults_[{line.part, unread.reason == RejectReason::future_time}];
  if (faults.size() < InputCounts::kMaxExamples || number < faults.rbegin()->first) {
    faults.emplace(number, unread.fault);
    if (faults.size() > InputCounts::kMaxExamples) faults.erase(std::prev(faults.end()));
  }
}

LineNumbers::LineNumbers(std::vector<std::uint64_t> lines_by_chunk)
    : before_(std::move(lines_by_chunk)) {
  for (std::uint64_t& lines : before_) lines = std::exchange(count_, count_ + lines);
}

std::uint64_t LineNumbers::of(std::uint64_t line_of_chunk) const {
  return before_[line_of_chunk >> kLineBits] + (line_of_chunk & kLineMask);
}

PartsRead read_parts(const std::vector<FilePart>& parts, const std::vector<LineWorker*>& workers,
                     const LineReadOptions& options) {
  PartsRead read = LineReading(parts, options).run(workers);
  const LinePlacing placing(parts, workers, read.numbers);
  read.times = placing.times();
  for (LineWorker* worker : workers) placing.place(*worker);
  return read;
}

}  // namespace dagloop
