#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "dagloop/base/clock.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::TempDirectory;

}  // namespace

TEST_CASE("a file reads back as written, with the mode asked for, in directories made for it") {
  const TempDirectory folder;
  PosixFileSystem files;
  const std::string path = folder.path("a/b/c.txt");
  const std::string content("bytes\0and\nlines", 15);
  files.write_synced(path, content, FileAttributes{0640, {}, {}});
  CHECK(files.read(path) == content);
  CHECK(files.stat(path)->mode == 0640);
  CHECK(files.stat(path)->size_bytes == content.size());
  CHECK(files.stat(folder.path("a"))->is_directory);
  CHECK(files.list(folder.path("a")) == std::vector<std::string>{"b"});
}

TEST_CASE("what is not there is absent and no error") {
  const TempDirectory folder;
  PosixFileSystem files;
  CHECK_FALSE(files.read(folder.path("none")));
  CHECK_FALSE(files.stat(folder.path("none")));
  CHECK(files.list(folder.path("none")).empty());
  CHECK_NOTHROW(files.remove(folder.path("none")));
}

TEST_CASE("a file without an end is refused, not read until memory is gone") {
  const TempDirectory folder;
  PosixFileSystem files;
  CHECK_THROWS_WITH(files.read("/dev/zero"),
                    Catch::StartsWith("preflight: /dev/zero: is no regular file"));
  const std::string large = folder.path("large");
  files.write_synced(large, "", {});
  std::filesystem::resize_file(large, std::uintmax_t{129} << 20U);
  CHECK_THROWS_WITH(files.read(large), Catch::StartsWith("preflight: " + large + ": is not read"));
}

TEST_CASE("a pipe is refused at once, but for one that the caller has open") {
  const TempDirectory folder;
  PosixFileSystem files;
  const std::string pipe = folder.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink(pipe, folder.path("link"));
  for (const std::string& path : {pipe, folder.path("link")}) {
    CHECK_THROWS_WITH(files.read(path), Catch::StartsWith("preflight: " + path) &&
                                            Catch::Contains("is no regular file"));
  }
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  REQUIRE(::write(ends[1], "said", 4) == 4);
  ::close(ends[1]);
  CHECK(files.read("/dev/fd/" + std::to_string(ends[0])) == "said");
  ::close(ends[0]);
}

TEST_CASE("replacing a file leaves no temporary file and keeps what was asked for") {
  const TempDirectory folder;
  PosixFileSystem files;
  const std::string path = folder.path("env");
  replace_file(files, path, "old", FileAttributes{0600, {}, {}});
  replace_file(files, path, "new", FileAttributes{0600, {}, {}});
  CHECK(files.read(path) == "new");
  CHECK(files.stat(path)->mode == 0600);
  CHECK(files.list(folder.path("")) == std::vector<std::string>{"env"});
}

TEST_CASE("what lies where an earlier version had its temporary file is left as it is") {
  const TempDirectory folder;
  PosixFileSystem files;
  const std::string victim = folder.path("victim");
  const std::string temporary = folder.path("env.tmp");
  files.write_synced(victim, "whole", {});
  const auto replaces = [&] {
    replace_file(files, folder.path("env"), "x");
    return files.read(folder.path("env")) == "x" && files.read(victim) == "whole" &&
           files.stat(temporary) && !files.stat(folder.path("env"))->is_symlink &&
           files.list(folder.path("")).size() == 3;
  };
  std::filesystem::create_symlink(victim, temporary);
  CHECK(replaces());
  files.remove(temporary);
  REQUIRE(::mkfifo(temporary.c_str(), 0666) == 0);  // would wait for a reader
  CHECK(replaces());
  files.remove(temporary);
  std::filesystem::create_directory(temporary);
  CHECK(replaces());
}

TEST_CASE("a file that is to be new is never written over") {
  const TempDirectory folder;
  PosixFileSystem files;
  files.write_synced(folder.path("key"), "first", {});
  const FileAttributes fresh{0600, {}, {}, FileAttributes::Existing::refuse};
  CHECK_THROWS_WITH(files.write_synced(folder.path("key"), "second", fresh),
                    Catch::Contains("File exists"));
  CHECK(files.read(folder.path("key")) == "first");
}

TEST_CASE("a link to nothing is something, and a lock is not taken through a link") {
  const TempDirectory folder;
  PosixFileSystem files;
  std::filesystem::create_symlink(folder.path("nowhere"), folder.path("lock"));
  const auto info = files.stat(folder.path("lock"));
  REQUIRE(info);
  CHECK(info->is_symlink);
  CHECK_FALSE(info->is_regular);
  CHECK(info->real_path.empty());
  CHECK_THROWS_AS(FileLock::try_acquire(folder.path("lock")), Error);
  CHECK_FALSE(files.stat(folder.path("nowhere")));
}

TEST_CASE("a refusal of the system names the path and what to do") {
  PosixFileSystem files;
  CHECK_THROWS_WITH(files.write_synced("/proc/none/x", "", {}),
                    Catch::StartsWith("preflight: /proc/none"));
  const TempDirectory folder;
  CHECK_THROWS_WITH(files.read(folder.path("")), Catch::StartsWith("preflight: "));
}

TEST_CASE("a lock is held by one and freed with its object") {
  const TempDirectory folder;
  auto held = FileLock::try_acquire(folder.path("sub/lock"));
  REQUIRE(held != nullptr);
  CHECK(FileLock::try_acquire(folder.path("sub/lock")) == nullptr);
  held.reset();
  CHECK(FileLock::try_acquire(folder.path("sub/lock")) != nullptr);
}

TEST_CASE("the directory part of a path is found") {
  CHECK(parent_directory("a/b/c") == "a/b");
  CHECK(parent_directory("c") == ".");
  CHECK(parent_directory("/c") == "/");
}

TEST_CASE("the system clock tells whole milliseconds, a fixed one what it was given") {
  CHECK(SystemClock().now().time_since_epoch() % 1ms == 0ms);
  CHECK(FixedClock(TimePoint(5us)).now() == TimePoint(5us));
}

}  // namespace dagloop
