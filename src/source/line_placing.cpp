#include "source/line_placing.hpp"

#include <algorithm>
#include <iterator>

namespace dagloop {

LinePlacing::LinePlacing(const std::vector<FilePart>& parts,
                         const std::vector<LineWorker*>& workers,
                         const std::vector<LineNumbers>& numbers)
    : numbers_(numbers), times_(parts.size()) {
  number_parts(parts);
  for (const LineWorker* worker : workers) {
    for (const auto& stretch : worker->times_) add(stretch);
  }
  for (File& file : files_) {
    std::ranges::sort(file.records, {}, &TimedLine::line);
    std::ranges::sort(file.futures);
  }
}

void LinePlacing::place(LineWorker& worker) const {
  for (const auto& [line, rejected, is_of_future] : worker.unplaced_) {
    MalformedLine malformed{rejected, {}, {}, true, is_of_future};
    const File& file = files_[file_of_[line.part]];
    const std::uint64_t number = number_of(line.part, line.place.first_line);
    const auto next = std::ranges::lower_bound(file.records, number, {}, &TimedLine::line);
    if (next != file.records.begin()) malformed.before = *std::prev(next);
    if (!rejected.at) lean(file, number, malformed);
    const auto& faults =
        worker.faults_.at({line.part, rejected.reason == RejectReason::future_time});
    const auto fault = faults.find(line.place.first_line);
    if (fault != faults.end()) malformed.fault = fault->second;
    worker.reject(line, malformed);
  }
}

// Parts of one file are next to each other.
void LinePlacing::number_parts(const std::vector<FilePart>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == 0 || parts[i].path != parts[i - 1].path) files_.push_back({parts[i].known, {}});
    file_of_.push_back(files_.size() - 1);
    const bool follows = parts[i].follows;
    lines_before_.push_back(follows ? lines_before_.back() + numbers_[i - 1].count()
                                    : parts[i].lines_before);
    if (parts[i].may_grow) files_.back().grows_from = lines_before_.back() + 1;
  }
}

void LinePlacing::add(const LineWorker::StretchTimes& stretch) {
  File& file = files_[file_of_[stretch.part]];
  for (const auto& record : {stretch.records.first, stretch.records.last}) {
    if (!record) continue;
    const TimedLine line{number_of(stretch.part, record->line), record->at};
    times_[stretch.part].add(line);
    file.records.push_back(line);
  }
  for (const auto& future : {stretch.futures.first, stretch.futures.last}) {
    if (future) file.futures.push_back(number_of(stretch.part, future->line));
  }
}

// The line has the time of the record before it; without one that of the first of its file.
void LinePlacing::lean(const File& file, std::uint64_t number, MalformedLine& malformed) {
  if (file.records.empty()) return;
  const TimedLine& on = malformed.before ? *malformed.before : file.records.front();
  malformed.rejected.at = on.at;
  // Without a record before it a line leans on the first, whatever stands before the two.
  const std::uint64_t begin = malformed.before ? on.line : 0;
  const std::uint64_t end = std::max(number, on.line);
  const auto future = std::ranges::upper_bound(file.futures, begin);
  if (on.line >= file.grows_from || (future != file.futures.end() && *future < end)) {
    malformed.may_move = true;
  }
}

}  // namespace dagloop
