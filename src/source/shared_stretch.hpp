// Private to the source layer: a stretch of a file that several threads read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "source/chunk_reader.hpp"
#include "source/plain_file.hpp"
#include "source/stretch_read.hpp"

namespace dagloop {

/// Until all chunks are counted, a line is known by its chunk and its number in that, both in one
/// number that orders as lines do.
inline constexpr unsigned kLineBits = 32;
inline constexpr std::uint64_t kLineMask = (std::uint64_t{1} << kLineBits) - 1;

/// A stretch that several workers take chunks from; a compressed file is read by one of them alone,
/// for its lines have to be counted one after another.
class SharedStretch {
 public:
  /// Shape: `stretch` of `file`, both of which outlive it.
  SharedStretch(const Stretch& stretch, const KeptFile& file, std::size_t chunk_bytes)
      : stretch_(stretch), file_(file), chunk_bytes_(chunk_bytes) {}

  /// Returns the stretch.
  const Stretch& stretch() const { return stretch_; }

  /// Fills `chunk` with lines that no other worker gets; false when there are none (left).
  ///
  /// Errors: Error{source} when the file cannot be read.
  bool next(Chunk& chunk, unsigned worker) {
    const std::shared_ptr<ChunkReader> chunks = opened(worker);
    if (!chunks) return false;
    if (chunks->next(chunk)) return true;
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    chunks_.reset();
    return false;
  }

  /// Tells how many lines a chunk has.
  void set_line_count(std::uint64_t sequence, std::uint64_t lines) {
    const std::scoped_lock lock(mutex_);
    if (line_counts_.size() <= sequence) line_counts_.resize(sequence + 1);
    line_counts_[sequence] = lines;
  }

  /// Makes line_number() possible, with the number of the stretch's first line. Order: when all
  /// chunks are read.
  void number_lines(std::uint64_t first_line) {
    std::uint64_t before = first_line - 1;
    for (std::uint64_t& lines : line_counts_) lines = std::exchange(before, before + lines);
    line_count_ = before - (first_line - 1);
  }

  /// Returns the number in the file, from 1, of a line in a chunk.
  std::uint64_t line_number(std::uint64_t line_in_chunk) const {
    return line_counts_[line_in_chunk >> kLineBits] + (line_in_chunk & kLineMask);
  }

  /// Returns how many lines there are. Order: as line_number().
  std::uint64_t line_count() const { return line_count_; }

  /// Ends the reading of the stretch.
  void set_error(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
    if (!error_) error_ = std::move(error);
  }

  /// Throws the first error that was set.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  /// Returns whether the path was another file when it was opened.
  bool was_replaced() const { return was_replaced_; }

 private:
  std::shared_ptr<ChunkReader> opened(unsigned worker) {
    const std::scoped_lock lock(mutex_);
    if (is_done_) return nullptr;
    if (file_.form == FileForm::compressed) {
      if (is_taken_ && worker != taken_by_) return nullptr;
      is_taken_ = true;
      taken_by_ = worker;
    }
    if (chunks_) return chunks_;
    is_done_ = true;  // stays so if what follows throws
    if (file_.form == FileForm::compressed) {
      chunks_ = open_chunks(file_.path, chunk_bytes_);
    } else {
      const LineStretch& lines = stretch_.lines;
      chunks_ = open_plain_range(file_.path, chunk_bytes_,
                                 {file_.device, file_.inode, lines.begin, lines.end});
      was_replaced_ = chunks_ == nullptr;
    }
    is_done_ = chunks_ == nullptr;
    return chunks_;
  }

  const Stretch& stretch_;
  const KeptFile& file_;
  const std::size_t chunk_bytes_;
  std::mutex mutex_;
  std::shared_ptr<ChunkReader> chunks_;
  std::vector<std::uint64_t> line_counts_;  // by chunk; once numbered, the lines before each
  std::uint64_t line_count_ = 0;
  bool is_done_ = false;
  bool is_taken_ = false;
  bool was_replaced_ = false;
  unsigned taken_by_ = 0;
  std::exception_ptr error_;
};

}  // namespace dagloop
