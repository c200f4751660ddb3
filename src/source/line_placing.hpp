// Private to the source layer: gives lines without a readable time that of their neighbour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "source/line_worker.hpp"

namespace dagloop {

/// Gives the lines that wait for a time theirs, once all lines are read.
class LinePlacing {
 public:
  /// Shape: refers to `numbers`, which are by part.
  LinePlacing(const std::vector<FilePart>& parts, const std::vector<LineWorker*>& workers,
              const std::vector<LineNumbers>& numbers);

  /// Returns the first and last readable record of each part, by their number in the file.
  const std::vector<LineTimes>& times() const { return times_; }
  /// Hands the worker the lines that wait.
  void place(LineWorker& worker) const;

 private:
  // What is known of the lines of one file, by their number: of those that were read the first and
  // last record and line from the future of each stretch, which are enough to know what is next to
  // a line.
  struct File {
    std::vector<TimedLine> records;
    std::vector<std::uint64_t> futures;
    std::uint64_t grows_from = std::numeric_limits<std::uint64_t>::max();
  };

  void number_parts(const std::vector<FilePart>& parts);
  void add(const LineWorker::StretchTimes& stretch);
  static void lean(const File& file, std::uint64_t number, MalformedLine& malformed);
  std::uint64_t number_of(std::size_t part, std::uint64_t line_of_chunk) const {
    return lines_before_[part] + numbers_[part].of(line_of_chunk);
  }

  const std::vector<LineNumbers>& numbers_;
  std::vector<File> files_;
  std::vector<std::size_t> file_of_;         // by part
  std::vector<std::uint64_t> lines_before_;  // likewise
  std::vector<LineTimes> times_;             // likewise
};

}  // namespace dagloop
