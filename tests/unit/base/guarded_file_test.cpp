#include "dagloop/base/guarded_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "memory_file_system.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kStranger = 65534;

/// A directory with one file, "env", that passes.
class Scene {
 public:
  Scene() { write("env", "A=1\n"); }

  std::string path(const std::string& name) const { return folder_.path(name); }
  void write(const std::string& name, const std::string& content) {
    files.write_synced(path(name), content, FileAttributes{0640, {}, {}});
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, path(name));
  }
  void chmod(const std::string& name, mode_t mode) const {
    REQUIRE(::chmod(path(name).c_str(), mode) == 0);
  }
  void give_away(const std::string& name) const {
    REQUIRE(::chown(path(name).c_str(), kStranger, kStranger) == 0);
  }

  /// Returns why the file is refused, the same for reading and for writing; its content where it
  /// is not.
  std::string outcome(const std::string& name, const FileGuard& guard = {"env file"}) {
    std::string read;
    try {
      read = read_guarded(files, path(name), guard).value_or("(none)");
    } catch (const Error& error) {
      read = error.what();
    }
    try {
      static_cast<void>(guarded_target(files, path(name), guard));
    } catch (const Error& error) {
      CHECK(read == error.what());
      return read;
    }
    CHECK_THAT(read, !Catch::StartsWith("preflight: "));
    return read;
  }

  PosixFileSystem files;

 private:
  test::TempDirectory folder_;
};

constexpr FileGuard kSameTree{"env file", Symlinks::same_tree};

}  // namespace

TEST_CASE("a guarded file that only its owner and group may write is read") {
  Scene scene;
  for (const mode_t mode : {0400U, 0600U, 0640U, 0660U, 0664U}) {
    scene.chmod("env", mode);
    CHECK(scene.outcome("env") == "A=1\n");
  }
  CHECK(scene.outcome("none") == "(none)");
  CHECK(guarded_target(scene.files, scene.path("env"), {"env file"}) == scene.path("env"));
  CHECK(guarded_target(scene.files, scene.path("none"), {"env file"}) == scene.path("none"));
}

TEST_CASE("a guarded file that everybody may write is refused with what to do") {
  Scene scene;
  scene.chmod("env", 0602);
  CHECK(scene.outcome("env") == "preflight: " + scene.path("env") +
                                    ": the env file may be written by everybody; look at what it "
                                    "holds, then chmod o-w it");
}

TEST_CASE("a guarded file in a directory where everybody may replace it is refused") {
  Scene scene;
  scene.write("sub/env", "A=1\n");
  scene.chmod("sub", 0777);
  CHECK_THAT(scene.outcome("sub/env"), Catch::Contains("may be replaced by everybody") &&
                                           Catch::Contains("chmod o-w " + scene.path("sub")));
  // One that is yet to be made, too: whoever makes it first owns it.
  CHECK_THROWS_AS(guarded_target(scene.files, scene.path("sub/none"), {"env file"}), Error);
  scene.chmod("sub", 01777);  // as /tmp
  CHECK(scene.outcome("sub/env") == "A=1\n");
}

TEST_CASE("what is no regular file is refused, and a pipe is not waited for") {
  Scene scene;
  REQUIRE(::mkfifo(scene.path("pipe").c_str(), 0600) == 0);
  std::filesystem::create_directory(scene.path("sub"));
  for (const char* name : {"pipe", "sub"}) {
    CHECK_THAT(scene.outcome(name), Catch::Contains("is no regular file"));
  }
  CHECK_THROWS_WITH(read_guarded(scene.files, "/dev/null", {"env file"}),
                    Catch::Contains("is no regular file"));
}

TEST_CASE("a stranger's file or directory is refused where the owner counts") {
  if (::geteuid() != 0) return;  // only root gives files away
  Scene scene;
  scene.write("sub/env", "A=1\n");
  const FileGuard anyone{"env file", Symlinks::refuse, TrustedOwner::anyone};
  scene.give_away("sub/env");
  CHECK_THAT(scene.outcome("sub/env"),
             Catch::Contains("belongs to uid 65534, neither root nor the user who runs this"));
  CHECK(scene.outcome("sub/env", anyone) == "A=1\n");
  REQUIRE(::chown(scene.path("sub/env").c_str(), 0, 0) == 0);
  scene.give_away("sub");
  CHECK_THAT(scene.outcome("sub/env"), Catch::Contains("lies in " + scene.path("sub")));
  CHECK(scene.outcome("sub/env", anyone) == "A=1\n");
}

TEST_CASE("a symbolic link is refused unless it is allowed") {
  Scene scene;
  scene.link("env", "link");
  CHECK_THAT(scene.outcome("link"), Catch::Contains("is a symbolic link; ") &&
                                        Catch::Contains("policy.symlinks to \"same_tree\""));
  CHECK(scene.outcome("link", kSameTree) == "A=1\n");
  CHECK(guarded_target(scene.files, scene.path("link"), kSameTree) ==
        scene.files.stat(scene.path("env"))->real_path);
}

TEST_CASE("a link may lead on through other links as long as it ends below its directory") {
  Scene scene;
  scene.write("..2026_02/env", "A=2\n");
  scene.link("..2026_02", "..data");
  scene.link("..data/env", "mounted");
  CHECK(scene.outcome("mounted", kSameTree) == "A=2\n");
}

TEST_CASE("a link that ends elsewhere is refused, however alike the names are") {
  Scene scene;
  scene.write("tree/env", "A=1\n");
  scene.write("tree2/env", "A=2\n");
  scene.link("../env", "tree/up");
  scene.link("../tree2/env", "tree/beside");
  scene.link("../tree/env", "tree/around");
  for (const char* name : {"tree/up", "tree/beside"}) {
    CHECK_THAT(scene.outcome(name, kSameTree), Catch::Contains("leads out of its directory, to "));
  }
  CHECK(scene.outcome("tree/around", kSameTree) == "A=1\n");
  CHECK(scene.outcome("tree/up", {"configuration", Symlinks::follow}) == "A=1\n");
}

TEST_CASE("a link to a file that everybody may write or replace is refused") {
  Scene scene;
  scene.write("sub/env", "A=1\n");
  scene.link("sub/env", "link");
  scene.chmod("sub/env", 0666);
  CHECK_THAT(scene.outcome("link", kSameTree), Catch::Contains("may be written by everybody"));
  scene.chmod("sub/env", 0640);
  scene.chmod("sub", 0777);
  CHECK_THAT(scene.outcome("link", kSameTree), Catch::Contains("may be replaced by everybody"));
}

TEST_CASE("a link to nothing and a link in a circle are no files") {
  Scene scene;
  scene.link("nowhere", "dangling");
  scene.link("circle", "circle");
  for (const Symlinks symlinks : {Symlinks::refuse, Symlinks::same_tree}) {
    CHECK_THROWS_AS(guarded_target(scene.files, scene.path("dangling"), {"env file", symlinks}),
                    Error);
    CHECK_THROWS_AS(read_guarded(scene.files, scene.path("circle"), {"env file", symlinks}), Error);
  }
}

TEST_CASE("the file that was checked is the file that is read") {
  Scene scene;
  scene.write("evil", "A=2\n");
  const auto text = scene.files.read_checked(scene.path("env"), [&](const FileInfo& opened) {
    CHECK(opened.size_bytes == 4);
    scene.files.rename_synced(scene.path("evil"), scene.path("env"),
                              RenameMode::replace);  // too late
  });
  CHECK(text == "A=1\n");
}

TEST_CASE("the kind of a refusal is the one that was asked for") {
  Scene scene;
  scene.chmod("env", 0666);
  try {
    static_cast<void>(
        read_guarded(scene.files, scene.path("env"),
                     {"private key", Symlinks::refuse, TrustedOwner::ours, ErrorKind::approval}));
    FAIL("was not refused");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::approval);
  }
}

}  // namespace dagloop
