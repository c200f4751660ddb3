#include "dagloop/cycle/preflight.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "dagloop/base/error.hpp"

using namespace dagloop;

namespace {

/// A file system that has what the test says, and refuses to be written.
class StatedFiles final : public FileSystem {
 public:
  StatedFiles() {
    for (const char* directory : {"/", "/srv", "/var", "/reports"}) set(directory, true);
    set("/srv/app.env", false);
    env_ = "A=1\n";
  }
  FileInfo& set(const std::string& path, bool is_directory) {
    FileInfo info;
    info.is_directory = is_directory;
    info.writable = true;
    info.free_bytes = std::uint64_t{1} << 30;
    return infos_[path] = info;
  }
  FileInfo& at(const std::string& path) { return infos_.at(path); }
  void set_env(std::optional<std::string> text) { env_ = std::move(text); }

  std::optional<std::string> read_checked(const std::string& path,
                                          const FileCheck& check) override {
    if (env_ && check) check(infos_.at(path));
    return env_;
  }
  std::optional<FileInfo> stat(const std::string& path) override {
    const auto found = infos_.find(path);
    return found == infos_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> list(const std::string&) override { return {}; }
  void write_synced(const std::string&, const std::string&, const FileAttributes&) override {
    FAIL("preflight writes nothing");
  }
  bool rename_synced(const std::string&, const std::string&, RenameMode) override {
    FAIL("preflight writes nothing");
    return false;
  }
  void remove(const std::string&) override { FAIL("preflight writes nothing"); }

 private:
  std::map<std::string, FileInfo> infos_;
  std::optional<std::string> env_;
};

Config config() {
  Config config;
  config.policy.env_file = "/srv/app.env";
  config.reports.dir = "/reports";
  config.state = "sqlite:/var/state/loop.db";
  return config;
}

std::string fault(StatedFiles& files, EnvFileUse use, const Config& checked = config()) {
  try {
    check_preflight(files, checked, use);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("preflight passes where everything is there, missing directories included") {
  StatedFiles files;
  CHECK(fault(files, EnvFileUse::read) == "");
  CHECK(fault(files, EnvFileUse::write) == "");
  Config deeper = config();
  deeper.reports.dir = "/reports/of/today";
  CHECK(fault(files, EnvFileUse::write, deeper) == "");
}

TEST_CASE("preflight fails without an env file") {
  StatedFiles files;
  CHECK_THAT(fault(files, EnvFileUse::read, Config()),
             Catch::StartsWith("usage: policy.env_file: "));
  files.set_env(std::nullopt);
  CHECK_THAT(fault(files, EnvFileUse::read),
             Catch::StartsWith("preflight: /srv/app.env: ") && Catch::Contains("does not exist"));
  files.set_env(std::string("A=1\n\0\n", 6));
  CHECK_THAT(fault(files, EnvFileUse::read), Catch::StartsWith("config: /srv/app.env:2: "));
}

TEST_CASE("preflight fails where reports cannot be written, dry run or not") {
  StatedFiles files;
  files.at("/reports").writable = false;
  CHECK_THAT(fault(files, EnvFileUse::read), Catch::Contains("/reports: the report directory"));
  files.at("/reports").writable = true;
  files.at("/reports").free_bytes = (std::uint64_t{16} << 20) - 1;
  CHECK_THAT(fault(files, EnvFileUse::read), Catch::Contains("15 MiB free"));
  files.at("/reports").free_bytes = std::uint64_t{16} << 20;
  CHECK(fault(files, EnvFileUse::read) == "");
  files.at("/reports").is_directory = false;
  CHECK_THAT(fault(files, EnvFileUse::read), Catch::Contains("cannot be made"));
}

TEST_CASE("preflight demands a writable env file only where it is going to be written") {
  StatedFiles files;
  files.at("/srv/app.env").writable = false;
  CHECK(fault(files, EnvFileUse::read) == "");
  CHECK_THAT(fault(files, EnvFileUse::write), Catch::Contains("the env file is not writable"));
}

TEST_CASE("preflight demands writable directories of env file and state before an apply") {
  for (const char* directory : {"/srv", "/var"}) {
    StatedFiles files;
    files.at(directory).writable = false;
    CHECK(fault(files, EnvFileUse::read) == "");
    CHECK_THAT(fault(files, EnvFileUse::write),
               Catch::Contains(directory) && Catch::Contains("not writable"));
  }
}

TEST_CASE("preflight asks for no state directory where the state is no file") {
  StatedFiles files;
  files.at("/var").writable = false;
  Config elsewhere = config();
  elsewhere.state = "memory";
  CHECK(fault(files, EnvFileUse::write, elsewhere) == "");
}

TEST_CASE("preflight finds an env file that cannot be replaced, or would lose a name by it") {
  StatedFiles files;
  files.at("/srv/app.env").is_mount_point = true;
  CHECK(fault(files, EnvFileUse::read) == "");
  CHECK_THAT(fault(files, EnvFileUse::write),
             Catch::Contains("is mounted by itself") && Catch::Contains("mount the directory"));
  files.at("/srv/app.env").is_mount_point = false;
  files.at("/srv/app.env").links = 2;
  CHECK_THAT(fault(files, EnvFileUse::write), Catch::Contains("has 2 names (hard links)") &&
                                                  Catch::Contains("-samefile /srv/app.env"));
  files.at("/srv/app.env").links = 1;
  files.at("/srv/app.env").can_be_given = false;
  files.at("/srv/app.env").uid = 33;
  CHECK_THAT(fault(files, EnvFileUse::write), Catch::Contains("belongs to uid 33 and gid 0"));
}

TEST_CASE(
    "preflight refuses every place where somebody else can put another file, dry run or not") {
  Config where = config();
  where.file = "/conf/loop.json";
  where.policy.allowlist = "/list/allow.json";
  where.policy.rules = "/rule/rules.json";
  where.policy.approvers = "/who/approvers.json";
  const std::vector<std::string> directories{"/srv", "/var", "/conf", "/list", "/rule", "/who"};
  for (const std::string& directory : directories) {
    StatedFiles files;
    for (const std::string& each : directories) files.set(each, true).is_regular = false;
    files.set("/conf/loop.json", false);
    CHECK(fault(files, EnvFileUse::read, where) == "");
    for (const std::uint32_t mode : {01777U, 0777U, 0775U}) {
      files.at(directory).mode = mode;
      for (const EnvFileUse use : {EnvFileUse::read, EnvFileUse::write}) {
        CHECK_THAT(fault(files, use, where),
                   Catch::StartsWith("preflight: " + directory + "/") && Catch::Contains("; "));
      }
    }
    files.at(directory).mode = 0775;
    where.policy.trusted_group = "0";
    CHECK(fault(files, EnvFileUse::read, where) == "");
    where.policy.trusted_group.clear();
  }
}
