#include "dagloop/source/log_head.hpp"

#include "dagloop/base/error.hpp"
#include "dagloop/base/uri.hpp"
#include "dagloop/record/record_reader.hpp"
#include "dagloop/source/file_source.hpp"
#include "source/chunk_reader.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kHeadChunk = 65'536;

}  // namespace

std::vector<std::string> first_lines(const std::vector<std::string>& sources,
                                     const std::optional<std::string>& records,
                                     const HeadLimits& limits) {
  for (const std::string& source : sources) {
    if (uri_scheme(source).empty()) continue;
    throw Error(ErrorKind::usage, "--source", "the first lines are those of files",
                "write some rows to a file, one JSON object a line");
  }
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  for (const std::string& path : expand_paths(sources, {})) {
    if (lines.size() >= limits.lines || bytes >= limits.bytes) break;
    const auto chunks = open_chunks(path, kHeadChunk, records);
    Chunk chunk;
    while (lines.size() < limits.lines && bytes < limits.bytes && chunks->next(chunk)) {
      bytes += chunk.text.size();
      for (std::string_view rest = chunk.text; !rest.empty() && lines.size() < limits.lines;) {
        const LogLine line = cut_line(rest);
        if (!is_blank(line.text)) lines.emplace_back(line.text);
      }
    }
  }
  return lines;
}

}  // namespace dagloop
