#include "dagloop/cycle/report_files.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "../../support/loop_world.hpp"
#include "../../support/temp_directory.hpp"
#include "dagloop/report/documents.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using Names = std::vector<std::string>;

namespace {

const ReportsConfig kReports{"out", {ReportFormat::json}, hours(24 * 2)};

std::vector<ReportFile> two_files(const std::string& content) {
  return {{"dag_quality", "json", content}, {"dag_quality", "md", content}};
}

/// Lets another tool publish in the middle of each file, between its writing and its renaming.
class Interrupted final : public FileSystem {
 public:
  explicit Interrupted(FileSystem& inner) : inner_(inner) {}
  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    return inner_.read_checked(path, check);
  }
  std::optional<FileInfo> stat(const std::string& path) override { return inner_.stat(path); }
  std::vector<std::string> list(const std::string& path) override { return inner_.list(path); }
  void write_synced(const std::string& path, const std::string& content,
                    const FileAttributes& attributes) override {
    inner_.write_synced(path, content, attributes);
  }
  bool rename_synced(const std::string& from, const std::string& to, RenameMode mode) override {
    publish(inner_, kReports, kAsOf, two_files("theirs"));
    return inner_.rename_synced(from, to, mode);
  }
  void remove(const std::string& path) override { inner_.remove(path); }

 private:
  FileSystem& inner_;
};

}  // namespace

TEST_CASE("a report is published as the latest one and in the archive, under its time") {
  MemoryFileSystem files;
  publish(files, kReports, kAsOf, two_files("first"));
  CHECK(files.read("out/dag_quality_latest.json") == "first");
  CHECK(files.read("out/dag_quality_latest.md") == "first");
  CHECK(files.list("out/archive") ==
        Names{"dag_quality_20260225T060000Z.json", "dag_quality_20260225T060000Z.md"});
}

TEST_CASE("a later report replaces the latest one and leaves the archive") {
  MemoryFileSystem files;
  publish(files, kReports, kAsOf, two_files("first"));
  publish(files, kReports, kAsOf + hours(1), two_files("second"));
  CHECK(files.read("out/dag_quality_latest.json") == "second");
  CHECK(files.read("out/archive/dag_quality_20260225T060000Z.json") == "first");
  CHECK(files.list("out/archive").size() == 4);
}

TEST_CASE("archived files older than the retention are removed, at its very end not yet") {
  MemoryFileSystem files;
  publish(files, kReports, kAsOf, two_files("first"));
  publish(files, kReports, kAsOf + kReports.retention, two_files("second"));
  CHECK(files.list("out/archive").size() == 4);
  publish(files, kReports, kAsOf + kReports.retention + std::chrono::seconds(1),
          two_files("third"));
  CHECK(files.list("out/archive").size() == 4);
  CHECK_FALSE(files.read("out/archive/dag_quality_20260225T060000Z.json"));
}

TEST_CASE("what a killed tick left half written in the archive goes with the files of its time") {
  MemoryFileSystem files;
  files.write_synced("out/archive/dag_quality_20260225T060000Z.json.tmp", "ha", {});
  publish(files, kReports, kAsOf + kReports.retention, {});
  CHECK(files.list("out/archive").size() == 1);
  publish(files, kReports, kAsOf + kReports.retention + std::chrono::seconds(1), {});
  CHECK(files.list("out/archive").empty());
}

TEST_CASE("files that the archive does not name are never removed") {
  MemoryFileSystem files;
  const Names foreign{"README.md", "notes_of_a_day.txt", "x_20260230T060000Z.json",
                      "y_2026-02-25.json", "noext_20200101T000000Z"};
  for (const std::string& name : foreign) files.write_synced("out/archive/" + name, "x", {});
  publish(files, kReports, kAsOf, {});
  CHECK(files.list("out/archive").size() == foreign.size());
}

TEST_CASE("another program's files are never removed, whatever time their names end in") {
  MemoryFileSystem files;
  const Names foreign{"customers_20250101T000000Z.dump",
                      "invoice_20200101T000000Z.pdf",
                      "other_20200101T000000Z.json",
                      "other_20200101T000000Z.tmp",
                      "dag_quality_20200101T000000Z.json.bak",
                      "dag_quality_20200101T000000Z.pdf",
                      "my_dag_quality_20200101T000000Z.json",
                      "dag_quality_backup_20200101T000000Z.json",
                      "dag_quality_latest.json-a/b_20200101T000000Z.tmp",
                      "dag_quality_latest.json-_x_20200101T000000Z.tmp",
                      "dag_quality.json_20200101T000000Z.tmp",
                      "dag_quality_20201301T000000Z.json"};
  for (const char* directory : {"out/", "out/archive/"}) {
    for (const std::string& name : foreign) files.write_synced(directory + name, "x", {});
  }
  publish(files, kReports, kAsOf, {});
  for (const char* directory : {"out/", "out/archive/"}) {
    for (const std::string& name : foreign) CHECK(files.read(directory + name) == "x");
  }
}

TEST_CASE("every kind of document and its temporary files go with the retention") {
  MemoryFileSystem files;
  const Names reports{"dag_quality_20200101T000000Z.md",
                      "dag_quality_gate_20200101T000000Z.json",
                      "dag_policy_decision_20200101T000000Z.json",
                      "dag_policy_approval_second_20200101T000000Z.json",
                      "dag_trends_20200101T000000Z.json",
                      "dag_quality_20200101T000000Z.html-12-3_20200101T000000Z.tmp"};
  for (const std::string& name : reports) files.write_synced("out/archive/" + name, "x", {});
  files.write_synced("out/dag_quality_latest.json-77-1_20200101T000000Z.tmp", "x", {});
  publish(files, kReports, kAsOf, {}, OldReports::kept);
  CHECK(files.list("out/archive").size() == reports.size());
  publish(files, kReports, kAsOf, {});
  CHECK(files.list("out/archive").empty());
  CHECK(files.list("out").empty());
}

TEST_CASE("no link is followed: neither an archive that is one nor a report in it") {
  const TempDirectory directory;
  const std::filesystem::path out = directory.path("out");
  const std::filesystem::path other = directory.path("other");
  std::filesystem::create_directories(other);
  std::filesystem::create_directories(out);
  const auto put = [](const std::filesystem::path& path) { std::ofstream(path) << "x"; };
  put(other / "dag_quality_20200101T000000Z.json");
  std::filesystem::create_directory_symlink(other, out / "archive");
  PosixFileSystem files;
  const ReportsConfig reports{out.string(), {}, hours(48)};
  CHECK_THROWS_WITH(publish(files, reports, kAsOf, two_files("new")),
                    Catch::Contains("archive: is a link"));
  CHECK(files.list(other.string()) == Names{"dag_quality_20200101T000000Z.json"});
  CHECK(files.list(out.string()) == Names{"archive"});
  std::filesystem::remove(out / "archive");
  std::filesystem::create_directory(out / "archive");
  std::filesystem::create_symlink(other / "dag_quality_20200101T000000Z.json",
                                  out / "archive" / "dag_quality_20200101T000000Z.json");
  publish(files, reports, kAsOf, {});
  CHECK(files.list((out / "archive").string()).size() == 1);
  CHECK(files.list(other.string()).size() == 1);
}

TEST_CASE("a publication that fails anywhere leaves whole files only") {
  const auto whole = [](const std::optional<std::string>& content) {
    return !content || *content == "first" || *content == "second";
  };
  std::size_t n = 1;
  for (bool completed = false; !completed; ++n) {
    REQUIRE(n < 50);
    for (const FaultPlace place : {FaultPlace::before, FaultPlace::behind}) {
      MemoryFileSystem memory;
      publish(memory, kReports, kAsOf, two_files("first"));
      Faults faults;
      FailingFileSystem files(memory, faults);
      faults.arm(n, place);
      try {
        publish(files, kReports, kAsOf + kReports.retention + hours(1), two_files("second"));
        completed = true;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::preflight);
      }
      CAPTURE(n);
      CHECK(whole(memory.read("out/dag_quality_latest.json")));
      CHECK(memory.read("out/dag_quality_latest.json").has_value());
      for (const std::string& name : memory.list("out/archive")) {
        CHECK(whole(memory.read("out/archive/" + name)));
      }
      // Archive first: what is the latest is always in the archive, too.
      if (memory.read("out/dag_quality_latest.json") == "second") {
        CHECK(memory.read("out/archive/dag_quality_20260227T070000Z.json") == "second");
      }
    }
  }
  CHECK(n > 8);
}

TEST_CASE("a quality report is rendered in each format asked for, in that order") {
  const Quality quality = QualityBuilder().current(make_runs(40, 39)).build();
  const auto files = render_quality_files(
      {quality, nullptr, nullptr, {}}, {ReportFormat::html, ReportFormat::json, ReportFormat::md});
  REQUIRE(files.size() == 3);
  CHECK(files[0].extension == "html");
  CHECK_THAT(files[0].content, Catch::Contains("<html"));
  CHECK(files[1].extension == "json");
  CHECK(quality_from_json(parse_json(files[1].content, "f"), "f").current.window ==
        quality.current.window);
  CHECK(files[2].extension == "md");
  CHECK_THAT(files[2].content, Catch::StartsWith("# "));
  CHECK(render_quality_files({quality, nullptr, nullptr, {}}, {}).empty());
}

TEST_CASE("two tools that publish at once do not meet in a temporary file") {
  MemoryFileSystem files;
  Interrupted interrupted(files);
  publish(interrupted, kReports, kAsOf, two_files("mine"));
  CHECK(files.read("out/dag_quality_latest.md") == "mine");  // the last to be renamed
  CHECK(files.read("out/dag_quality_latest.json") == "theirs");
  CHECK(files.list("out/archive").size() == 2);
  CHECK(files.list("out").size() == 2);
}

TEST_CASE("a temporary file is removed when its report cannot be written, or with its retention") {
  for (std::size_t n = 1; n <= 2; ++n) {
    MemoryFileSystem memory;
    Faults faults;
    FailingFileSystem files(memory, faults);
    faults.arm(n, FaultPlace::behind, FaultLength::once);
    CHECK_THROWS_AS(publish(files, kReports, kAsOf, two_files("x")), Error);
    for (const std::string& name : memory.list("out/archive")) {
      CHECK_THAT(name, !Catch::EndsWith(".tmp"));
    }
  }
  MemoryFileSystem files;
  const Names left{"out/dag_quality_latest.json-7-1_20260225T060000Z.tmp",
                   "out/archive/dag_quality_20260225T060000Z.json-7-1_20260225T060000Z.tmp"};
  for (const std::string& path : left) files.write_synced(path, "half", {});
  publish(files, kReports, kAsOf + kReports.retention, two_files("x"));
  for (const std::string& path : left) CHECK(files.read(path));
  publish(files, kReports, kAsOf + kReports.retention + std::chrono::seconds(1), two_files("x"));
  for (const std::string& path : left) CHECK_FALSE(files.read(path));
}
