// A real store of which every byte of the file is damaged in turn, as a bad disk does it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../../support/fault_every.hpp"
#include "../../support/journal_story.hpp"
#include "../../support/temp_directory.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

constexpr std::size_t kHeaderBytes = 100;  // of a SQLite file

/// Everything that a reader learns of a store.
struct Read {
  std::vector<std::string> rows;
  CycleState state;
  bool operator==(const Read&) const = default;
};

Read read_all(const std::string& path) {
  SqliteStore store(path, StateAccess::read_only);
  Read read{{}, store.load()};
  const StoredRecords records = store.records();
  read.rows = {std::to_string(records.state->version), records.state->document,
               to_string(records.state->head)};
  for (const StoredEntry& row : records.journal) {
    read.rows.push_back(std::to_string(row.sequence) + " " + row.document);
  }
  return read;
}

/// Returns whether the store reads as `intact`, or --verify-journal would say so.
bool is_same(const std::string& path, const Read& intact) {
  if (read_all(path) == intact) return true;
  SqliteStore store(path, StateAccess::read_only);
  if (const auto fault = records_fault(store.records())) {
    throw Error(ErrorKind::preflight, path, *fault, "restore it");
  }
  return false;
}

/// What came of damage: refused with a message, or not seen and without effect.
struct Tally {
  std::size_t refused = 0;
  std::size_t without_effect = 0;
  std::size_t wrong = 0;
};

void damage(std::fstream& file, const std::string& path, std::size_t at, char mask,
            const Read& intact, Tally& tally) {
  const auto offset = static_cast<std::streamoff>(at);
  file.seekg(offset);
  const char byte = static_cast<char>(file.get());
  file.seekp(offset).put(static_cast<char>(byte ^ mask)).flush();
  try {
    is_same(path, intact) ? ++tally.without_effect : ++tally.wrong;
  } catch (const Error& error) {
    const bool is_clear = error.kind() == ErrorKind::preflight &&
                          std::string(error.what()).find(path) != std::string::npos;
    is_clear ? ++tally.refused : ++tally.wrong;
  }
  file.seekp(offset).put(byte).flush();
  for (const char* const suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

}  // namespace

TEST_CASE("each damaged byte of the state file is refused, or state and journal are as they were") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  { JournalStory(path).tell(); }
  const Read intact = read_all(path);
  const auto size = static_cast<std::size_t>(std::filesystem::file_size(path));
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  Tally tally;
  for (std::size_t at = 0; at < size; at += fault_every()) {
    CAPTURE(at);
    damage(file, path, at, static_cast<char>(1U << (at % 8)), intact, tally);
    if (at >= kHeaderBytes) continue;
    for (unsigned mask = 2; mask < 256; mask += 17) {
      damage(file, path, at, static_cast<char>(mask), intact, tally);
    }
  }
  CAPTURE(size, tally.refused, tally.without_effect);
  CHECK(tally.wrong == 0);
  CHECK(tally.refused > size / 4 / fault_every());
  CHECK(read_all(path) == intact);
}
