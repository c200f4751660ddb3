// Replacing a file that somebody else may write at the same time.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

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

const std::string kTemporary = temporary_path(kPath, "w");

void exchange(FileSystem& files) {
  exchange_file(files, {kPath, kTemporary, "old", "new", {0600, {}, {}}});
}

void edit(FileSystem& files, const std::string& content) { files.write_synced(kPath, content, {}); }

Settled settle(FileSystem& files, const std::string& path = kPath,
               TemporaryName name = TemporaryName::unguessable) {
  const std::string temporary =
      name == TemporaryName::guessable ? path + ".tmp" : temporary_path(path, "w");
  return settle_exchange(files, {path, temporary, sha256_hex("old"), sha256_hex("new"), name});
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
  disk.write_synced(kTemporary, "half of it", {});
  settle(disk);
  CHECK(disk.read(kPath) == "later");
  CHECK(disk.list("d") == std::vector<std::string>{"env"});
  settle(disk);  // again: nothing to do
  CHECK(disk.read(kPath) == "later");
}

TEST_CASE(
    "an exchange that fails leaves nothing of its own behind, and nothing of others is gone") {
  for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
    for (std::size_t n = 1; n <= 2; ++n) {
      CAPTURE(n, place == FaultPlace::before);
      MemoryFileSystem disk;
      edit(disk, "old");
      disk.write_synced(std::string(kPath) + ".tmp", "another tool's", {});
      Faults faults;
      FailingFileSystem failing(disk, faults);
      faults.arm(n, place, FaultLength::once);
      CHECK(error_of_exchange(failing) == ErrorKind::preflight);
      discard_temporary(failing, kTemporary, "new");
      const bool is_exchanged = n == 2 && place == FaultPlace::behind;
      CHECK(disk.read(kPath) == (is_exchanged ? "new" : "old"));
      CHECK(disk.read(std::string(kPath) + ".tmp") == "another tool's");
      CHECK(disk.list("d").size() == (is_exchanged ? 3 : 2));  // what was taken out is kept
    }
  }
}

TEST_CASE("a temporary file under the name of an earlier version is used where it is known alone") {
  for (const std::string current : {"old", "new", "later"}) {
    for (const std::string aside : {"old", "new", "planted"}) {
      CAPTURE(current, aside);
      MemoryFileSystem disk;
      edit(disk, current);
      disk.write_synced(std::string(kPath) + ".tmp", aside, {});
      const Settled settled = settle(disk, kPath, TemporaryName::guessable);
      const bool is_known = aside != "planted";
      CHECK(settled == (is_known ? Settled::done : Settled::left_as_it_is));
      CHECK(disk.read(kPath) == current);
      CHECK(disk.read(std::string(kPath) + ".tmp").has_value() == !is_known);
    }
  }
}

TEST_CASE("what cannot be ours is neither read, waited for, used nor deleted under either name") {
  for (const TemporaryName name : {TemporaryName::unguessable, TemporaryName::guessable}) {
    const TempDirectory folder;
    PosixFileSystem files;
    const std::string path = folder.path("env");
    const std::string aside = name == TemporaryName::guessable ? path + ".tmp" : path + ".w.tmp";
    files.write_synced(path, "new", {0600, {}, {}});
    files.write_synced(folder.path("victim"), "old", {0600, {}, {}});
    const auto is_left = [&] {
      const bool is_settled = settle(files, path, name) == Settled::left_as_it_is;
      return is_settled && files.stat(aside) && files.read(path) == "new" &&
             files.read(folder.path("victim")) == "old";
    };
    std::filesystem::create_symlink(folder.path("victim"), aside);
    CHECK(is_left());
    files.remove(aside);
    std::filesystem::create_hard_link(folder.path("victim"), aside);
    CHECK(is_left());
    files.remove(aside);
    REQUIRE(::mkfifo(aside.c_str(), 0666) == 0);  // would wait for a writer
    CHECK(is_left());
    files.remove(aside);
    std::filesystem::create_directory(aside);
    CHECK(is_left());
    std::filesystem::remove(aside);
    files.write_synced(aside, "old", {0666, {}, {}});
    CHECK(is_left());
    files.remove(aside);
    if (::geteuid() != 0) continue;  // only root gives files away
    files.write_synced(aside, "DAG_ROLLOUT_PERCENT=100\n", {0644, 65534, 65534});
    CHECK(is_left());
  }
}

TEST_CASE("no two words for temporary files are the same, and none is a number of a process") {
  std::set<std::string> words;
  for (int i = 0; i < 1000; ++i) words.insert(unguessable_word());
  CHECK(words.size() == 1000);
  for (const std::string& word : words) {
    CHECK(word.size() == 16);
    CHECK(word.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
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
