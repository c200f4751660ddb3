#include "dagloop/base/closed_directory.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "memory_file_system.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kSomebody = 65534;

/// A directory a/b with a file, below a temporary directory that is ours alone.
class Place {
 public:
  Place() {
    files.write_synced(path("a/b/file"), "x", {0640, {}, {}});
    for (const char* each : {"a", "a/b"}) chmod(each, 0755);
  }
  std::string path(const std::string& name) const { return folder_.path(name); }
  void chmod(const std::string& name, mode_t mode) const {
    REQUIRE(::chmod(path(name).c_str(), mode) == 0);
  }
  void chown(const std::string& name, std::uint32_t uid, std::uint32_t gid) const {
    REQUIRE(::lchown(path(name).c_str(), uid, gid) == 0);
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, path(name));
  }
  /// Returns why a file is refused, nothing where it is not.
  std::string fault(const std::string& name, const ClosedPlace& place = {"state file"}) {
    try {
      check_closed(files, path(name), place);
    } catch (const Error& error) {
      CHECK(error.kind() == place.kind);
      CHECK_THAT(error.what(), Catch::Contains(path(name) + ": the state file "));
      return error.what();
    }
    return "";
  }

  PosixFileSystem files;

 private:
  test::TempDirectory folder_;
};

std::string own_group() { return std::to_string(::getegid()); }

}  // namespace

TEST_CASE("a file below directories that others may only read is accepted, there or to be made") {
  Place place;
  CHECK(place.fault("a/b/file") == "");
  CHECK(place.fault("a/b/new") == "");
  CHECK(place.fault("a/b/new/deeper") == "");
  CHECK(place.fault("a/b/../b/./file") == "");
  place.chmod("a", 0500);
  CHECK(place.fault("a/b/file") == "");
}

TEST_CASE("the directory of a file is refused where everybody may write to it, sticky or not") {
  Place place;
  for (const char* name : {"a/b/file", "a/b/new", "a/b/new/deeper"}) {
    place.chmod("a/b", 0777);
    CHECK_THAT(place.fault(name), Catch::Contains("chmod o-w " + place.path("a/b")));
    place.chmod("a/b", 01777);
    CHECK_THAT(place.fault(name), Catch::Contains("lies in " + place.path("a/b") +
                                                  ", where everybody may put files") &&
                                      Catch::Contains("mkdir -m 700"));
  }
  CHECK_THAT(place.fault("a/../a/b/file"), Catch::Contains("where everybody"));
}

TEST_CASE("a directory further up may be sticky, and not open to everybody otherwise") {
  Place place;
  place.chmod("a", 01777);
  CHECK(place.fault("a/b/file") == "");
  place.chmod("a", 0777);
  CHECK_THAT(place.fault("a/b/file"), Catch::Contains("everybody may write to " + place.path("a")));
}

TEST_CASE("members of a group are others unless the group is the trusted one") {
  Place place;
  const ClosedPlace trusted{"state file", own_group()};
  const ClosedPlace other{"state file", "4294967294"};
  const ClosedPlace unknown{"state file", "no such group"};
  for (const char* name : {"a", "a/b"}) {
    place.chmod(name, 0775);
    // A user's private group holds nobody else.
    if (::geteuid() == 0) {
      for (const ClosedPlace& each : {ClosedPlace{"state file"}, other, unknown}) {
        CHECK_THAT(place.fault("a/b/file", each),
                   Catch::Contains("may be replaced by the group ") &&
                       Catch::Contains("chmod g-w " + place.path(name)));
      }
      CHECK_THAT(place.fault("a/b/file", unknown), Catch::Contains("is no group of this machine"));
    }
    CHECK(place.fault("a/b/file", trusted) == "");
    place.chmod(name, 0755);
  }
  const group* named = ::getgrgid(::getegid());
  place.chmod("a/b", 0775);
  if (named != nullptr) CHECK(place.fault("a/b/file", {"state file", named->gr_name}) == "");
}

TEST_CASE("a file that its group may write is refused, but where the group may or is trusted") {
  if (::geteuid() != 0) return;  // a private group holds nobody else
  Place place;
  place.chmod("a/b/file", 0660);
  CHECK_THAT(place.fault("a/b/file"), Catch::Contains("may be written by the group ") &&
                                          Catch::Contains("policy.trusted_group"));
  CHECK(place.fault("a/b/file", {"state file", "", GroupWrite::allowed}) == "");
  CHECK(place.fault("a/b/file", {"state file", own_group()}) == "");
  // What names the trusted group is not made trusted by it.
  const ClosedPlace configuration{"state file", own_group(), GroupWrite::not_allowed};
  CHECK_THAT(place.fault("a/b/file", configuration),
             Catch::Contains("may be written by the group"));
  place.chmod("a/b/file", 0640);
  place.chmod("a/b", 0770);
  CHECK(place.fault("a/b/file", configuration) == "");
}

TEST_CASE("a stranger's directory is refused at every depth, but that of the file's own owner") {
  if (::geteuid() != 0) return;  // only root gives files away
  Place place;
  for (const char* name : {"a", "a/b"}) {
    place.chown(name, kSomebody, kSomebody);
    CHECK_THAT(place.fault("a/b/file"),
               Catch::Contains("lies below " + place.path(name) + ", which belongs to uid 65534"));
    CHECK(place.fault("a/b/file", {"state file", "", GroupWrite::allowed, kSomebody}) == "");
    place.chown(name, 0, 0);
  }
  // Sticky, but not root's.
  place.chown("a", kSomebody, 0);
  place.chmod("a", 01777);
  CHECK_THAT(place.fault("a/b/file"), Catch::Contains("belongs to uid 65534"));
}

TEST_CASE("links on the way are followed: where they stand and where they lead is looked at") {
  Place place;
  place.link("a", "relative");
  place.link(place.path("a/b"), "absolute");
  place.link("absolute/file", "to_link");
  for (const char* name : {"relative/b/file", "absolute/file", "to_link"}) {
    CAPTURE(name);
    CHECK(place.fault(name) == "");
    place.chmod("a", 0777);
    CHECK_THAT(place.fault(name), Catch::Contains("everybody may write to " + place.path("a")));
    place.chmod("a", 0755);
    place.chmod("a/b", 01777);
    CHECK_THAT(place.fault(name), Catch::Contains("where everybody may put files beside it"));
    place.chmod("a/b", 0755);
  }
  std::filesystem::create_directory(place.path("open"));
  place.link("../a/b", "open/link");
  place.chmod("open", 0777);
  CHECK_THAT(place.fault("open/link/file"), Catch::Contains("may write to " + place.path("open")));
  place.chmod("open", 01777);
  CHECK(place.fault("open/link/file") == "");
  place.link("circle", "circle");
  CHECK_THAT(place.fault("circle/file"), Catch::Contains("circle of symbolic links"));
  if (::geteuid() != 0) return;
  place.chown("open/link", kSomebody, kSomebody);
  CHECK_THAT(place.fault("open/link/file"), Catch::Contains("a symbolic link of somebody else"));
}

TEST_CASE("a relative path is one below the working directory") {
  Place place;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(place.path("a"));
  place.chmod("a", 01777);
  const ClosedPlace state{"state file"};
  CHECK_NOTHROW(check_closed(place.files, "b/file", state));
  CHECK_THROWS_WITH(check_closed(place.files, "new.db", state),
                    Catch::StartsWith("preflight: new.db: ") &&
                        Catch::Contains("where everybody may put files beside it"));
  std::filesystem::current_path(before);
}

TEST_CASE("a double that knows no absolute paths is asked for those that it knows") {
  test::MemoryFileSystem files;
  files.write_synced("/srv/file", "x", {});
  CHECK_NOTHROW(check_closed(files, "/srv/file", {"state file"}));
  CHECK_NOTHROW(check_closed(files, "srv/file", {"state file"}));
}

}  // namespace dagloop
