#include "source/parallel_read.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <numeric>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "dagloop/record/record_reader.hpp"
#include "source/chunk_reader.hpp"

namespace dagloop {
namespace {

// Until all chunks are counted, a line is known by its chunk and its number in that, both in one
// number that orders as lines do.
constexpr unsigned kChunkLineBits = 32;
constexpr std::uint64_t kChunkLineMask = (std::uint64_t{1} << kChunkLineBits) - 1;

// A file that several workers take chunks from. Opened with the first chunk, closed after the last.
class SharedFile {
 public:
  SharedFile(std::string path, std::size_t chunk_bytes)
      : path_(std::move(path)), chunk_bytes_(chunk_bytes) {}

  const std::string& path() const { return path_; }

  bool next(Chunk& chunk) {
    const std::shared_ptr<ChunkReader> chunks = opened();
    if (!chunks) return false;
    if (chunks->next(chunk)) return true;
    close();
    return false;
  }

  void set_line_count(std::uint64_t sequence, std::uint64_t lines) {
    const std::scoped_lock lock(mutex_);
    if (line_counts_.size() <= sequence) line_counts_.resize(sequence + 1);
    line_counts_[sequence] = lines;
  }

  // Returns the number in the file, from 1, of a line in a chunk.
  std::uint64_t line_number(std::uint64_t line_in_chunk) const {
    const auto chunk = static_cast<std::ptrdiff_t>(line_in_chunk >> kChunkLineBits);
    return std::accumulate(line_counts_.begin(), line_counts_.begin() + chunk,
                           line_in_chunk & kChunkLineMask);
  }

  void set_error(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    error_ = std::move(error);
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::shared_ptr<ChunkReader> opened() {
    const std::scoped_lock lock(mutex_);
    if (is_done_) return nullptr;
    if (!chunks_) {
      is_done_ = true;  // stays so if the next line throws
      chunks_ = open_chunks(path_, chunk_bytes_);
      is_done_ = false;
    }
    return chunks_;
  }

  void close() {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    chunks_.reset();
  }

  const std::string path_;
  const std::size_t chunk_bytes_;
  std::mutex mutex_;
  std::shared_ptr<ChunkReader> chunks_;
  std::vector<std::uint64_t> line_counts_;  // by chunk
  bool is_done_ = false;
  std::exception_ptr error_;
};

// What one thread needs to turn chunks into runs.
struct ScanWorker {
  ScanWorker(const SourceOptions& options, const LogQuery& query)
      : reader(options.mapping, query.latest),
        table({.range = query.range,
               .outcome_node = options.mapping.outcome_node,
               .dedupe = options.dedupe,
               .cuts = query.cuts}) {}

  void read_line(const std::string& path, const LogLine& line, std::uint64_t number) {
    // A long line is one even where it is blank: it might have been too long to look at.
    if (line.text.size() <= kMaxLineBytes && is_blank(line.text)) return;
    const auto& result = reader.read_line(line);
    if (const auto* record = std::get_if<LogRecord>(&result)) {
      table.add(*record, line.text);
    } else {
      table.reject(path, number, std::get<RejectReason>(result));
    }
  }

  // Returns how many lines the chunk has.
  std::uint64_t read_chunk(const std::string& path) {
    const std::uint64_t before = chunk.sequence << kChunkLineBits;
    std::uint64_t lines = 0;
    for (std::string_view rest = chunk.text; !rest.empty();) {
      const LogLine line = cut_line(rest);
      read_line(path, line, before + ++lines);
    }
    if (chunk.ends_overlong) table.reject(path, before + ++lines, RejectReason::line_too_long);
    return lines;
  }

  RecordReader reader;
  RunTable table;
  Chunk chunk;
};

// Returns 0 where a path has no size.
std::uint64_t total_size(const std::vector<std::string>& paths) {
  std::uint64_t total = 0;
  for (const std::string& path : paths) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path, error);
    if (error) return 0;
    total += size;
  }
  return total;
}

class ParallelRead {
 public:
  ParallelRead(const std::vector<std::string>& paths, const SourceOptions& options,
               std::size_t chunk_bytes)
      : options_(options), first_failed_(paths.size()) {
    for (const std::string& path : paths) files_.emplace_back(path, chunk_bytes);
    if (options.progress) bytes_total_ = total_size(paths);
  }

  PartialSet run(const LogQuery& query) {
    std::vector<ScanWorker> workers;
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned count = options_.threads == 0 ? cores : options_.threads;
    for (unsigned i = 0; i < count; ++i) workers.emplace_back(options_, query);
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 1; i < count; ++i) {
        threads.emplace_back([this, &worker = workers[i]] { work(worker); });
      }
      work(workers.front());
    }
    for (const SharedFile& file : files_) file.rethrow();
    std::vector<RunTable> tables;
    tables.reserve(workers.size());
    for (ScanWorker& worker : workers) tables.push_back(std::move(worker.table));
    workers.clear();
    PartialSet set = RunTable::finish(std::move(tables), options_.classes, count);
    for (MalformedExample& example : set.input.examples) {
      const auto file = std::ranges::find(files_, example.file, &SharedFile::path);
      example.line = file->line_number(example.line);
    }
    return set;
  }

 private:
  // First each worker takes files of its own, so that several are decompressed at once; then it
  // helps with those that are not done.
  void work(ScanWorker& worker) {
    for (std::size_t i = next_file_++; i < files_.size(); i = next_file_++) drain(i, worker);
    for (std::size_t i = 0; i < files_.size(); ++i) drain(i, worker);
  }

  void drain(std::size_t index, ScanWorker& worker) {
    SharedFile& file = files_[index];
    try {
      // Files before the first failed one are read to their end, so that it is always the same one.
      while (index < first_failed_ && file.next(worker.chunk)) {
        file.set_line_count(worker.chunk.sequence, worker.read_chunk(file.path()));
        const std::uint64_t so_far = bytes_read_ += worker.chunk.file_bytes;
        if (options_.progress) options_.progress({so_far, bytes_total_});
      }
    } catch (...) {
      file.set_error(std::current_exception());
      std::size_t first = first_failed_;
      while (index < first && !first_failed_.compare_exchange_weak(first, index)) {
      }
    }
  }

  const SourceOptions& options_;
  std::deque<SharedFile> files_;  // no moves: they hold mutexes
  std::atomic<std::size_t> next_file_{0};
  std::atomic<std::size_t> first_failed_;
  std::atomic<std::uint64_t> bytes_read_{0};
  std::uint64_t bytes_total_ = 0;
};

}  // namespace

PartialSet read_files(const std::vector<std::string>& paths, const SourceOptions& options,
                      const LogQuery& query, std::size_t chunk_bytes) {
  return ParallelRead(paths, options, chunk_bytes).run(query);
}

}  // namespace dagloop
