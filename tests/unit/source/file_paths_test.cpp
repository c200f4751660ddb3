#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/source/file_source.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

using Paths = std::vector<std::string>;

std::string paths_fault_of(const Paths& patterns) {
  try {
    expand_paths(patterns);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::source);
    return error.what();
  }
  return "no error";
}

TEST_CASE("paths are sorted and named once") {
  const TempFiles files;
  const std::string a = files.write("a.jsonl", "");
  const std::string b = files.write("b.jsonl", "");
  CHECK(expand_paths({b, a, b}) == Paths{a, b});
  CHECK(expand_paths({b, files.path("*.jsonl")}) == Paths{a, b});
}

TEST_CASE("one file under two names is read once") {
  const TempFiles files;
  const std::string a = files.write("a.jsonl", "");
  std::filesystem::create_symlink("a.jsonl", files.path("latest.jsonl"));
  CHECK(expand_paths({files.path("latest.jsonl"), a}) == Paths{a});
  CHECK(expand_paths({files.path("./a.jsonl"), a}).size() == 1);
}

TEST_CASE("globs take stars, question marks and sets") {
  const TempFiles files;
  const std::string a1 = files.write("a1.log", "");
  const std::string a2 = files.write("a2.log", "");
  const std::string b1 = files.write("b1.log", "");
  CHECK(expand_paths({files.path("a*")}) == Paths{a1, a2});
  CHECK(expand_paths({files.path("?1.log")}) == Paths{a1, b1});
  CHECK(expand_paths({files.path("[ab][13].log")}) == Paths{a1, b1});
}

TEST_CASE("a path with the letters of a glob is itself where it exists") {
  const TempFiles files;
  const std::string odd = files.write("a[1].jsonl", "");
  files.write("a1.jsonl", "");
  CHECK(expand_paths({odd}) == Paths{odd});
}

TEST_CASE("a directory stands for its logs and those of its day directories") {
  const TempFiles files;
  const Paths logs{files.write("logs/a.jsonl", ""), files.write("logs/b.jsonl.gz", ""),
                   files.write("logs/c.jsonl.zst", ""),
                   files.write("logs/dt=2026-02-24/x.jsonl", ""),
                   files.write("logs/dt=2026-02-25/x.jsonl.gz", "")};
  files.write("logs/notes.txt", "");
  files.write("logs/d.json", "");
  files.write("logs/old/e.jsonl", "");
  files.write("logs/dt=2026-02/f.jsonl", "");
  files.write("logs/dt=2026-02-24/deep/g.jsonl", "");
  std::filesystem::create_directories(files.path("logs/h.jsonl"));
  CHECK(expand_paths({files.path("logs")}) == logs);
  CHECK(expand_paths({files.path("logs/")}).size() == logs.size());
  CHECK(expand_paths({files.path("lo*")}) == logs);
}

TEST_CASE("a glob of day directories takes the logs of each") {
  const TempFiles files;
  const std::string first = files.write("dt=2026-02-24/x.jsonl", "");
  const std::string second = files.write("dt=2026-02-25/x.jsonl", "");
  files.write("dt=2026-03-01/x.jsonl", "");
  CHECK(expand_paths({files.path("dt=2026-02-*")}) == Paths{first, second});
}

TEST_CASE("what is named as a log is and is no regular file is refused, with its name") {
  const TempFiles files;
  files.write("logs/a.jsonl", "");
  ::mkfifo(files.path("logs/agent.pipe").c_str(), 0600);  // nobody takes it for a log
  REQUIRE(paths_fault_of({files.path("logs")}) == "no error");
  const std::string odd = files.path("logs/z.jsonl");
  const auto check_refused = [&] {
    for (const std::string& pattern : {files.path("logs"), files.path("logs/*.jsonl"), odd}) {
      const std::string fault = paths_fault_of({pattern});
      INFO(fault);
      CHECK(fault.find(odd) != std::string::npos);
      CHECK(fault.find("no regular file") != std::string::npos);
    }
    std::filesystem::remove(odd);
  };
  REQUIRE(::mkfifo(odd.c_str(), 0600) == 0);
  check_refused();
  std::filesystem::create_symlink("/dev/zero", odd);
  check_refused();
  std::filesystem::create_symlink(files.path("logs/agent.pipe"), odd);
  check_refused();
}

TEST_CASE("standard input stays as it is") {
  const TempFiles files;
  const std::string a = files.write("a.jsonl", "");
  CHECK(expand_paths({"-"}) == Paths{"-"});
  CHECK(expand_paths({a, "-", "-"}) == Paths{"-", a});
}

TEST_CASE("a pattern that matches nothing is an error that names it") {
  const TempFiles files;
  const std::string a = files.write("a.jsonl", "");
  std::filesystem::create_directories(files.path("empty"));
  for (const char* name : {"missing.jsonl", "*.zst", "empty", "none/*.jsonl"}) {
    const std::string fault = paths_fault_of({a, files.path(name)});
    INFO(fault);
    CHECK(fault.find(files.path(name)) != std::string::npos);
  }
  CHECK(paths_fault_of({""}) != "no error");
  CHECK(paths_fault_of({a + "/x"}) != "no error");
}

TEST_CASE("day directories a day or more outside the range are left out, all else is read") {
  const Window range{*parse_time("2026-02-24T12:00:00Z"), *parse_time("2026-02-25T12:00:00Z")};
  const Paths near{"/log/a.jsonl",
                   "/log/dt=2026-02-23/x.jsonl",
                   "/log/dt=2026-02-24/x.jsonl",
                   "/log/dt=2026-02-26/x.jsonl",
                   "/log/dt=2026-99-99/x.jsonl",
                   "dt=2026-01-01.jsonl",
                   "-"};
  Paths all = near;
  all.insert(all.end(), {"/log/dt=2026-02-22/x.jsonl", "/log/dt=2026-02-27/x.jsonl",
                         "/dt=2026-02-24/dt=2020-01-01/x.jsonl"});
  CHECK(paths_of_range(all, range) == near);
}

}  // namespace
}  // namespace dagloop::test
