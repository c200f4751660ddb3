#include "dagloop/source/file_source.hpp"

#include <utility>

#include "source/parallel_read.hpp"

namespace dagloop {

FileSource::FileSource(std::vector<std::string> paths, SourceOptions options)
    : paths_(std::move(paths)), options_(std::move(options)) {}

PartialSet FileSource::read(const LogQuery& query) {
  return read_files(paths_of_range(paths_, query.range), options_, query, kChunkBytes);
}

std::string FileSource::describe() const {
  if (paths_.empty()) return "no files";
  std::string first = paths_.front() == "-" ? "standard input" : paths_.front();
  if (paths_.size() == 1) return first;
  return std::move(first) + " and " + std::to_string(paths_.size() - 1) + " more";
}

}  // namespace dagloop
