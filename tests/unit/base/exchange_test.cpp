// Replacing a file that somebody else may write at the same time.
#include <catch2/catch.hpp>

#include "../../support/faults.hpp"
#include "../../support/meddled_file_system.hpp"
#include "../../support/memory_file_system.hpp"
#include "../../support/temp_directory.hpp"
#include "dagloop/base/digest.hpp"
#include "dagloop/base/file_system.hpp"

namespace dagloop::test {
namespace {

constexpr const char* kPath = "d/env";
constexpr std::size_t kOperations = 5;  // write, exchange, read, remove, and one that never comes

void exchange(FileSystem& files) { exchange_file(files, kPath, "old", "new", {0600, {}, {}}); }

void edit(FileSystem& files, const std::string& content) { files.write_synced(kPath, content, {}); }

void settle(FileSystem& files) {
  settle_exchange(files, kPath, sha256_hex("old"), sha256_hex("new"));
}

/// Returns the kind of the error that an exchange ends with, nothing where it succeeds.
std::optional<ErrorKind> error_of_exchange(FileSystem& files) {
  try {
    exchange(files);
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("an edit at any instant of an exchange stands, and is a conflict where it came before") {
  for (std::size_t n = 1; n <= kOperations; ++n) {
    CAPTURE(n);
    MemoryFileSystem disk;
    edit(disk, "old");
    MeddledFileSystem files(disk, n, [&] { edit(disk, "foreign"); });
    const auto error = error_of_exchange(files);
    CHECK(error == (n <= 2 ? std::optional(ErrorKind::conflict) : std::nullopt));
    CHECK(disk.read(kPath) == (n == kOperations ? "new" : "foreign"));
    CHECK(disk.list("d") == std::vector<std::string>{"env"});
  }
}

TEST_CASE("of two edits during an exchange the last one stands, and the other is kept beside it") {
  MemoryFileSystem disk;
  edit(disk, "old");
  MeddledFileSystem early(disk, 2, [&] { edit(disk, "first"); });
  MeddledFileSystem late(early, 4, [&] { edit(disk, "second"); });
  CHECK(error_of_exchange(late) == ErrorKind::conflict);
  CHECK(disk.read(kPath) == "second");
  CHECK(disk.read(std::string(kPath) + ".conflict") == "first");
}

TEST_CASE("where files cannot be exchanged, an edit is seen until the last look") {
  for (std::size_t n = 1; n <= 3; ++n) {
    CAPTURE(n);
    MemoryFileSystem disk;
    disk.refuse_exchanges();
    edit(disk, "old");
    MeddledFileSystem files(disk, n, [&] { edit(disk, "foreign"); });
    CHECK(error_of_exchange(files) == ErrorKind::conflict);
    CHECK(disk.read(kPath) == "foreign");
    CHECK(disk.list("d") == std::vector<std::string>{"env"});
  }
  MemoryFileSystem undisturbed;
  undisturbed.refuse_exchanges();
  edit(undisturbed, "old");
  exchange(undisturbed);
  CHECK(undisturbed.read(kPath) == "new");
  CHECK(undisturbed.list("d") == std::vector<std::string>{"env"});
}

TEST_CASE("an exchange that is cut off at any operation is settled without losing an edit") {
  for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
    for (const std::string was : {"old", "foreign"}) {
      for (std::size_t n = 1; n <= kOperations; ++n) {
        CAPTURE(n, was, place == FaultPlace::before);
        MemoryFileSystem disk;
        edit(disk, was);
        Faults faults;
        FailingFileSystem failing(disk, faults);
        faults.arm(n, place);
        static_cast<void>(error_of_exchange(failing));
        faults.disarm();
        settle(failing);
        const auto content = disk.read(kPath);
        CHECK((content == was || (was == "old" && content == "new")));
        CHECK(disk.list("d") == std::vector<std::string>{"env"});
      }
    }
  }
}

TEST_CASE("settling leaves a file alone that was edited since") {
  MemoryFileSystem disk;
  edit(disk, "later");
  disk.write_synced(std::string(kPath) + ".tmp", "half of it", {});
  settle(disk);
  CHECK(disk.read(kPath) == "later");
  CHECK(disk.list("d") == std::vector<std::string>{"env"});
  settle(disk);  // again: nothing to do
  CHECK(disk.read(kPath) == "later");
}

TEST_CASE("two real files change places, each with its mode") {
  const TempDirectory folder;
  PosixFileSystem files;
  files.write_synced(folder.path("a"), "one", {0600, {}, {}});
  files.write_synced(folder.path("b"), "two", {0640, {}, {}});
  REQUIRE(files.rename_synced(folder.path("a"), folder.path("b"), RenameMode::exchange));
  CHECK(files.read(folder.path("a")) == "two");
  CHECK(files.read(folder.path("b")) == "one");
  CHECK(files.stat(folder.path("b"))->mode == 0600);
  CHECK_THROWS_AS(files.rename_synced(folder.path("a"), folder.path("none"), RenameMode::exchange),
                  Error);
  CHECK(files.read(folder.path("a")) == "two");
}

}  // namespace dagloop::test
