#include "dagloop/cycle/evaluation.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "../../support/temp_directory.hpp"
#include "dagloop/cycle/configured_source.hpp"
#include "evaluation_world.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

std::uint64_t dag_runs(const WindowKpis& window) {
  return window.population(Population::dag).total_runs;
}

}  // namespace

TEST_CASE(
    "the window ends at as_of itself, begins at a slot, and its baseline lies right before it") {
  EvaluationWorld world;
  const Quality quality =
      world.run({kAsOf + minutes(4), hours(24), {BaselineKind::automatic, {}}, {}});
  CHECK(quality.as_of == kAsOf + minutes(4));
  CHECK(quality.generated_at == world.clock.now());
  CHECK(quality.current.window == Window{kAsOf - hours(24), kAsOf + minutes(4)});
  REQUIRE(quality.baseline);
  CHECK(quality.baseline->window == Window{kAsOf - hours(48), kAsOf - hours(24)});
  CHECK(dag_runs(quality.current) == 288);
  CHECK(dag_runs(*quality.baseline) == 288);
}

TEST_CASE("the source is asked for both windows, the horizon before them, and nothing later") {
  EvaluationWorld world;
  world.run({kAsOf, hours(6), {BaselineKind::previous, {}}, {}});
  REQUIRE(world.source.queries().size() == 1);
  const LogQuery query = world.source.queries().front();
  CHECK(query.range == Window{kAsOf - hours(12) - hours(24), kAsOf});
  CHECK(query.latest == world.clock.now() + minutes(5));
}

TEST_CASE("a window is cut at the policy in force, rounded up; its baseline keeps full length") {
  EvaluationWorld world;
  const TimePoint since = kAsOf - hours(3) + minutes(1);
  const Quality quality = world.run({kAsOf, hours(24), {BaselineKind::automatic, {}}, since});
  CHECK(quality.current.window == Window{kAsOf - hours(3) + minutes(5), kAsOf});
  CHECK(quality.baseline->window.end == quality.current.window.start);
  CHECK(quality.baseline->window.length() == hours(24));
}

TEST_CASE("a policy that is older than the window does not cut it") {
  EvaluationWorld world;
  const Quality quality =
      world.run({kAsOf, hours(24), {BaselineKind::automatic, {}}, kAsOf - hours(25)});
  CHECK(quality.current.window.length() == hours(24));
}

TEST_CASE("a policy that began in this very slot leaves an empty window, not one in the future") {
  EvaluationWorld world;
  const Quality quality =
      world.run({kAsOf + minutes(2), hours(24), {BaselineKind::automatic, {}}, kAsOf + minutes(1)});
  CHECK(quality.current.window == Window{kAsOf, kAsOf});
  CHECK(dag_runs(quality.current) == 0);
  CHECK(dag_runs(*quality.baseline) == 288);
}

TEST_CASE("against control there is no baseline window") {
  EvaluationWorld world;
  const Quality quality = world.run({kAsOf, hours(24), {BaselineKind::control, {}}, {}});
  CHECK_FALSE(quality.baseline);
  CHECK(world.source.queries().front().range.start == kAsOf - hours(48));
}

TEST_CASE("a baseline period is read wherever it lies") {
  EvaluationWorld world;
  const Window before{kAsOf - hours(90), kAsOf - hours(80)};
  const Quality quality = world.run({kAsOf, hours(6), {BaselineKind::period, before}, {}});
  CHECK(quality.baseline->window == before);
  CHECK(dag_runs(*quality.baseline) == 120);
  CHECK(world.source.queries().front().range.start == before.start - hours(24));
}

TEST_CASE("what a source throws ends the evaluation") {
  EvaluationWorld world;
  world.source.set_failure("the disk is gone");
  CHECK_THROWS_WITH(world.run({kAsOf, hours(24), {BaselineKind::automatic, {}}, {}}),
                    Catch::StartsWith("source: ") && Catch::Contains("the disk is gone"));
}

TEST_CASE("a configured rollup store is made, and what is wrong with it is told") {
  PosixFileSystem files;
  const test::TempDirectory folder;
  Config config;
  config.input.sources = {folder.path("log.jsonl")};
  std::ofstream(folder.path("log.jsonl")) << "{}\n";
  config.input.rollup = "sqlite:" + folder.path("r.db");
  const FixedClock clock(kAsOf);
  const EvaluationRequest request{kAsOf, hours(24), {BaselineKind::automatic, {}}, {}};
  evaluate(*open_configured_source(files, config), request, config, clock);
  CHECK(files.stat(folder.path("r.db"))->size_bytes > 0);
  config.input.rollup = "sqlite:" + folder.path("log.jsonl");
  std::vector<std::string> warnings;
  const auto source = open_configured_source(
      files, config, nullptr, [&](const std::string& text) { warnings.push_back(text); });
  evaluate(*source, request, config, clock);
  CHECK(warnings.size() == 1);
  config.input.rollup = "elsewhere";
  CHECK_THROWS_WITH(open_configured_source(files, config), Catch::StartsWith("usage: rollup: "));
}

TEST_CASE("a configuration without sources names the ways to give one") {
  PosixFileSystem files;
  CHECK_THROWS_WITH(open_configured_source(files, Config()),
                    Catch::StartsWith("usage: source: ") && Catch::Contains("--source"));
}
