#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "faults.hpp"
#include "memory_file_system.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kNobody = 65534;

// Runs `body` in a process of its own and returns its exit code; -1 where a signal ended it.
template <typename Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (const std::exception&) {
      code = 98;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string error_of(FileSystem& files, const std::string& path, const FileAttributes& attributes) {
  try {
    files.write_synced(path, "content", attributes);
  } catch (const Error& error) {
    return error.what();
  }
  return "(none)";
}

}  // namespace

TEST_CASE("a replacement that fails at any operation leaves the old content or the new") {
  for (const bool existed : {false, true}) {
    for (const test::FaultPlace place : {test::FaultPlace::before, test::FaultPlace::behind}) {
      for (std::size_t n = 1; n <= 3; ++n) {
        CAPTURE(existed, n, place == test::FaultPlace::before);
        test::MemoryFileSystem disk;
        if (existed) disk.write_synced("d/env", "old", {});
        test::Faults faults;
        test::FailingFileSystem failing(disk, faults);
        faults.arm(n, place);
        const bool reached = n <= 2;  // a replacement is a write and a rename
        if (reached) CHECK_THROWS_AS(replace_file(failing, "d/env", "new"), Error);
        if (!reached) CHECK_NOTHROW(replace_file(failing, "d/env", "new"));
        const bool renamed = !reached || (n == 2 && place == test::FaultPlace::behind);
        const std::optional<std::string> before =
            existed ? std::optional<std::string>("old") : std::nullopt;
        CHECK(disk.read("d/env") == (renamed ? std::optional<std::string>("new") : before));
        faults.disarm();
        replace_file(failing, "d/env", "next");
        CHECK(disk.read("d/env") == "next");
        // The temporary file of a process that was killed is nobody's to remove.
        CHECK(disk.list("d").size() <= 2);
      }
    }
  }
}

TEST_CASE("a write that fills the disk is refused and leaves the file as it was") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  replace_file(files, folder.path("env"), "old");
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      replace_file(files, folder.path("env"), std::string(5000, 'n'));
    } catch (const Error& error) {
      const std::string_view text = error.what();
      return error.kind() == ErrorKind::preflight && text.find("env.") != text.npos ? 7 : 8;
    }
    return 9;
  });
  CHECK(code == 7);
  CHECK(files.read(folder.path("env")) == "old");
  CHECK(files.list(folder.path("")) == std::vector<std::string>{"env"});  // nor half a file
}

TEST_CASE("a full device is refused with what to do") {
  PosixFileSystem files;
  // /dev/full takes no bytes; only root may set its mode, so its own is asked for.
  const auto info = files.stat("/dev/full");
  if (!info || !info->writable) return;
  CHECK_THAT(error_of(files, "/dev/full", FileAttributes{info->mode, {}, {}}),
             Catch::StartsWith("preflight: /dev/full: ") &&
                 (Catch::Contains("No space left on device; free disk space") ||
                  Catch::Contains("its mode cannot be set")));
}

TEST_CASE("an unprivileged process is refused other owners and closed directories") {
  if (::geteuid() != 0) return;  // only root can set the scene
  const test::TempDirectory folder;
  PosixFileSystem files;
  std::filesystem::create_directories(folder.path("open"));
  std::filesystem::create_directories(folder.path("closed"));
  REQUIRE(::chmod(folder.path("open").c_str(), 0777) == 0);
  REQUIRE(::chmod(folder.path("closed").c_str(), 0700) == 0);
  const int code = in_child([&] {
    if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 1;
    const std::string owner = error_of(files, folder.path("open/a"), FileAttributes{0600, 0, {}});
    if (owner.find("open/a: its owner cannot be kept: Operation not permitted") == owner.npos)
      return 2;
    if (error_of(files, folder.path("open/b"), FileAttributes{0600, kNobody, kNobody}) != "(none)")
      return 3;
    const std::string closed = error_of(files, folder.path("closed/c"), {});
    if (closed.find("Permission denied; check the path") == closed.npos) return 4;
    return files.read(folder.path("open/a")) == "" ? 0 : 5;  // refused before any byte
  });
  CHECK(code == 0);
}

TEST_CASE("owner and mode asked for are set, and nothing is changed that was not asked for") {
  if (::geteuid() != 0) return;  // only root gives files away
  const test::TempDirectory folder;
  PosixFileSystem files;
  files.write_synced(folder.path("a"), "x", FileAttributes{0640, kNobody, kNobody});
  CHECK(files.stat(folder.path("a"))->uid == kNobody);
  CHECK(files.stat(folder.path("a"))->gid == kNobody);
  CHECK(files.stat(folder.path("a"))->mode == 0640);
  files.write_synced(folder.path("a"), "y", FileAttributes{0600, {}, {}});
  CHECK(files.stat(folder.path("a"))->uid == kNobody);
  CHECK(files.stat(folder.path("a"))->mode == 0600);
}

TEST_CASE("the mode asked for is set whatever the umask") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  const mode_t before = ::umask(0077);
  files.write_synced(folder.path("a"), "x", FileAttributes{0664, {}, {}});
  ::umask(before);
  CHECK(files.stat(folder.path("a"))->mode == 0664);
}

TEST_CASE("every refusal names the path") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  files.write_synced(folder.path("file"), "x", {});
  files.write_synced(folder.path("sub/file"), "x", {});
  const auto names = [](const std::string& path) {
    return Catch::StartsWith("preflight: " + path + ": ");
  };
  CHECK_THROWS_WITH(files.read(folder.path("sub")), names(folder.path("sub")));
  CHECK_THROWS_WITH(files.list(folder.path("file")), names(folder.path("file")));
  CHECK_THROWS_WITH(files.remove(folder.path("sub")), names(folder.path("sub")));
  CHECK_THROWS_WITH(
      files.rename_synced(folder.path("none"), folder.path("to"), RenameMode::replace),
      names(folder.path("to")));
  CHECK_THROWS_WITH(files.write_synced(folder.path("sub"), "", {}), names(folder.path("sub")));
  CHECK_THROWS_WITH(files.write_synced(folder.path("file/x"), "", {}), names(folder.path("file")));
  CHECK_THROWS_WITH(FileLock::try_acquire(folder.path("sub")), names(folder.path("sub")));
}

TEST_CASE("content of any length and any bytes reads back") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 300'000U}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 % 256);
    files.write_synced(folder.path("f"), content, {});
    CHECK(files.read(folder.path("f")) == content);
  }
}

TEST_CASE("names are listed sorted by bytes") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  for (const char* name : {"b", "a", "B", "a.tmp", ".hidden"})
    files.write_synced(folder.path(name), "", {});
  CHECK(files.list(folder.path("")) == std::vector<std::string>{".hidden", "B", "a", "a.tmp", "b"});
}

TEST_CASE("a lock excludes another process and is freed when its holder is killed") {
  const test::TempDirectory folder;
  const std::string path = folder.path("lock");
  const auto taken = [&] { return in_child([&] { return FileLock::try_acquire(path) ? 1 : 2; }); };
  {
    const auto held = FileLock::try_acquire(path);
    REQUIRE(held != nullptr);
    CHECK(taken() == 2);
  }
  CHECK(taken() == 1);
  const int killed = in_child([&] {
    const auto held = FileLock::try_acquire(path);
    return held ? ::raise(SIGKILL) : 3;
  });
  CHECK(killed == -1);
  CHECK(FileLock::try_acquire(path) != nullptr);
}

TEST_CASE("locks on different files do not exclude each other") {
  const test::TempDirectory folder;
  const auto one = FileLock::try_acquire(folder.path("one"));
  const auto two = FileLock::try_acquire(folder.path("two"));
  CHECK(one != nullptr);
  CHECK(two != nullptr);
}

}  // namespace dagloop
