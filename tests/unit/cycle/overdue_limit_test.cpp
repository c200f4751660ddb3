#include "dagloop/cycle/overdue_limit.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "../../support/memory_file_system.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;

namespace {

Microseconds limit_with(const std::string& env_text) {
  return under_policy(Config(), EnvFile::parse(env_text, "service.env")).input.overdue_after;
}

}  // namespace

TEST_CASE("a run is overdue after the policy's timeout where that is longer than the configured") {
  CHECK(limit_with("OTHER=1\n") == hours(1));
  CHECK(limit_with("DAG_PIPELINE_TIMEOUT_MS=120000\n") == hours(1));
  CHECK(limit_with("export DAG_PIPELINE_TIMEOUT_MS='7200000' # two hours\n") == hours(2));
}

TEST_CASE("a timeout that is no plain number does not count, and of several the longest does") {
  CHECK(limit_with("DAG_PIPELINE_TIMEOUT_MS=$LONG\n") == hours(1));
  CHECK(limit_with("DAG_PIPELINE_TIMEOUT_MS=2h\n") == hours(1));
  CHECK(limit_with("DAG_PIPELINE_TIMEOUT_MS=9223372036854775807\n") == hours(1));
  CHECK(limit_with("DAG_PIPELINE_TIMEOUT_MS=7200000\nDAG_PIPELINE_TIMEOUT_MS=1\n") == hours(2));
}

TEST_CASE("the key of the timeout is configured") {
  Config config;
  config.policy.pipeline_timeout_key = "RUN_LIMIT_MS";
  const EnvFile env =
      EnvFile::parse("DAG_PIPELINE_TIMEOUT_MS=7200000\nRUN_LIMIT_MS=10800000\n", "service.env");
  CHECK(under_policy(config, env).input.overdue_after == hours(3));
}

TEST_CASE("an env file that cannot be read leaves the configured limit, and is told") {
  MemoryFileSystem files;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& text) { warnings.push_back(text); };
  Config config;
  CHECK(under_configured_policy(files, config, warn).input.overdue_after == hours(1));
  config.policy.env_file = "service.env";
  CHECK(under_configured_policy(files, config, warn).input.overdue_after == hours(1));
  CHECK(warnings.empty());
  files.write_synced("service.env", "no assignment\n", {});
  CHECK(under_configured_policy(files, config, warn).input.overdue_after == hours(1));
  CHECK(warnings.size() == 1);
  files.write_synced("service.env", "DAG_PIPELINE_TIMEOUT_MS=7200000\n", {});
  CHECK(under_configured_policy(files, config, warn).input.overdue_after == hours(2));
}
