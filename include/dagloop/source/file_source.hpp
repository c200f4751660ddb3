// JSONL files, plain, gzip or zstd, and standard input. Streams: memory does not grow with a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Expands paths, globs and directories into a sorted list of files without repeats; "-" stays. Of
/// a directory the logs are taken, rotated ones too (*.jsonl.1, *.jsonl-20261119, packed or not);
/// of the files that it leaves out it warns.
///
/// Errors: Error{source} naming the pattern when it matches nothing, or is a pipe or a device.
std::vector<std::string> expand_paths(const std::vector<std::string>& patterns,
                                      const std::function<void(const std::string&)>& warn = {});

/// Returns the paths that may hold records of the range: all but those in a directory
/// `dt=YYYY-MM-DD` of a day that lies more than a day outside it (days may be local ones).
std::vector<std::string> paths_of_range(const std::vector<std::string>& paths, const Window& range);

/// Reads files as one log.
class FileSource final : public LogSource {
 public:
  /// Shape: `paths` as from expand_paths; "-" is standard input. `sources` says for the rollup
  ///        store which log it is, for the paths change: what the paths were expanded from.
  FileSource(std::vector<std::string> paths, SourceOptions options, std::string sources = {});
  PartialSet read(const LogQuery& query) override;
  CutCost cut_cost() const override { return CutCost::nothing; }
  std::string describe() const override;

 private:
  std::vector<std::string> paths_;
  SourceOptions options_;
  std::string sources_;
};

}  // namespace dagloop
