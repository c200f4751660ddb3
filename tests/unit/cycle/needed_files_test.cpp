#include "dagloop/cycle/needed_files.hpp"

#include <catch2/catch.hpp>

#include "../../support/memory_file_system.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

std::string needed_fault(FileSystem& files, const NeededFiles& needed) {
  const auto missing = missing_files(files, needed);
  return missing ? missing->what() : "";
}

NeededFile log_file(const std::string& path) {
  return {path, "log", "check the path", ErrorKind::source, "there is no such file"};
}

}  // namespace

TEST_CASE("nothing is missing where every file is there, or none is asked for") {
  MemoryFileSystem files;
  files.write_synced("/a.json", "{}", {});
  CHECK(needed_fault(files, {}).empty());
  CHECK(needed_fault(files, {{"/a.json", "gate file"}, {"", "mapping file"}, {"-", "report file"}})
            .empty());
  CHECK_NOTHROW(check_present(files, {{"/a.json", "gate file"}}));
}

TEST_CASE("one missing file is named alone, in its own words") {
  MemoryFileSystem files;
  files.write_synced("/a.json", "{}", {});
  CHECK(needed_fault(files, {{"/a.json", "gate file"}, {"/b.json", "rules file"}}) ==
        "config: /b.json: the rules file does not exist; create it, or give the path of the right "
        "one");
  CHECK(needed_fault(files, {log_file("/x.jsonl")}) ==
        "source: /x.jsonl: there is no such file; check the path");
}

TEST_CASE("several missing files are named at once, each with what to do") {
  MemoryFileSystem files;
  const NeededFiles needed{log_file("/x.jsonl"), {"/b.json", "rules file", "write it"}};
  CHECK(needed_fault(files, needed) ==
        "config: /x.jsonl, /b.json: 2 files do not exist; log: check the path; rules file: write "
        "it");
  CHECK_THROWS_WITH(check_present(files, needed), Catch::StartsWith("config: "));
}

TEST_CASE("the error is of the first one's kind where none is of the kind of config") {
  MemoryFileSystem files;
  const NeededFile env{"/app.env", "env file", "give it", ErrorKind::preflight};
  CHECK(missing_files(files, {log_file("/x"), env})->kind() == ErrorKind::source);
  CHECK(missing_files(files, {env, log_file("/x")})->kind() == ErrorKind::preflight);
  CHECK(missing_files(files, {env, {"/b", "rules file"}})->kind() == ErrorKind::config);
}

TEST_CASE("of the sources only plain paths are looked for") {
  InputConfig input;
  input.mapping = "map.json";
  input.sources = {"logs/*.jsonl", "-", "a.jsonl", "b?.jsonl"};
  MemoryFileSystem files;
  const std::string all = needed_fault(files, source_files(input));
  CHECK_THAT(all,
             Catch::StartsWith("config: map.json, a.jsonl: 2 files do not exist (looked for in /"));
  input.sources.emplace_back("postgresql://db/x");
  CHECK_THAT(
      needed_fault(files, source_files(input)),
      Catch::StartsWith("config: map.json: the mapping file does not exist (looked for in /"));
}

TEST_CASE("a path that only looks like a database is looked for, as it is opened as a file") {
  InputConfig input;
  input.sources = {"/logs/of x://y.jsonl"};
  MemoryFileSystem files;
  CHECK(needed_fault(files, source_files(input)) ==
        "source: /logs/of x://y.jsonl: there is no such file; check the path or the glob");
}

TEST_CASE("an approvers file that is missing comes with what to put there") {
  MemoryFileSystem files;
  PolicyConfig policy;
  policy.approvers = "/etc/approvers.json";
  CHECK_THAT(needed_fault(files, {approvers_file(policy)}),
             Catch::StartsWith("config: /etc/approvers.json: the approvers file does not exist; "
                               "put {\"approvers\": [ENTRY]} there") &&
                 Catch::Contains("--init-key"));
}
