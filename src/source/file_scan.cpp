#include "source/file_scan.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "source/line_read.hpp"
#include "source/table_options.hpp"

namespace dagloop {
namespace {

// Turns lines into runs.
class ScanWorker final : public LineWorker {
 public:
  ScanWorker(const std::vector<FilePart>& parts, const SourceOptions& options,
             const LogQuery& query)
      : LineWorker(options.mapping, query.latest),
        table(table_options(options, query)),
        parts_(parts) {}

  RunTable table;

 private:
  void add(const PartLine& line, const LogRecord& record) override {
    table.add(record, line.text);
    const std::string& path = parts_[line.part].path;
    if (record.mended == 0 || !table.shows_mended(path, line.place.first_line)) return;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      if ((record.mended & field_bits(field)) == 0) continue;
      const ReadFault fault = mended_fault(field);
      table.show_mended(
          {path, line.place.first_line, field, fault.found, std::string(fault.wanted)});
    }
  }
  void add_other() override { table.add_other(); }
  void reject(const PartLine& line, const MalformedLine& malformed) override {
    table.reject(parts_[line.part].path, line.place.first_line, malformed.rejected,
                 malformed.fault);
  }

  const std::vector<FilePart>& parts_;
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

}  // namespace

PartialSet read_files(const std::vector<std::string>& paths, const SourceOptions& options,
                      const LogQuery& query, std::size_t chunk_bytes) {
  std::vector<FilePart> parts;
  for (const std::string& path : paths) {
    parts.push_back({.path = path, .records = options.mapping.records});
  }
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned count = options.threads == 0 ? cores : options.threads;
  std::deque<ScanWorker> workers;
  std::vector<LineWorker*> references;
  for (unsigned i = 0; i < count; ++i) {
    references.push_back(&workers.emplace_back(parts, options, query));
  }
  const std::uint64_t total = options.progress ? total_size(paths) : 0;
  const PartsRead read = read_parts(parts, references, {chunk_bytes, options.progress, total});
  std::vector<RunTable> tables;
  tables.reserve(workers.size());
  for (ScanWorker& worker : workers) tables.push_back(std::move(worker.table));
  workers.clear();
  PartialSet set = RunTable::finish(std::move(tables), count);
  // Numbers of lines are known only now: chunks were read in any order.
  const auto number = [&](auto& example) {
    const auto part = std::ranges::find(parts, example.file, &FilePart::path);
    example.line = read.numbers[static_cast<std::size_t>(part - parts.begin())].of(example.line);
  };
  std::ranges::for_each(set.input.examples, number);
  std::ranges::for_each(set.input.mended_examples, number);
  return set;
}

}  // namespace dagloop
