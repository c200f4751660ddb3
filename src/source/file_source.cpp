#include "dagloop/source/file_source.hpp"

#include <utility>

#include "source/file_scan.hpp"
#include "source/rollup_read.hpp"

namespace dagloop {

FileSource::FileSource(std::vector<std::string> paths, SourceOptions options, std::string sources)
    : paths_(std::move(paths)), options_(std::move(options)), sources_(std::move(sources)) {}

PartialSet FileSource::read(const LogQuery& query) {
  const std::vector<std::string> paths = paths_of_range(paths_, query.range);
  auto counted = read_with_rollup(sources_, paths, options_, query);
  // Where the store cannot answer, the whole log is read: slower, with the same figures.
  return counted ? std::move(*counted) : read_files(paths, options_, query, kChunkBytes);
}

std::string FileSource::describe() const {
  if (paths_.empty()) return "no files";
  std::string first = paths_.front() == "-" ? "standard input" : paths_.front();
  if (paths_.size() == 1) return first;
  return std::move(first) + " and " + std::to_string(paths_.size() - 1) + " more";
}

}  // namespace dagloop
