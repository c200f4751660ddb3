#include "dagloop/source/source_process.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <new>

#include "../../support/make_quality.hpp"
#include "../../support/scripted_source.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using test::kAsOf;
using test::ScriptedSource;

const LogQuery kQuery{{kAsOf - std::chrono::hours(1), kAsOf}, kAsOf};

// A source whose reading does something first, in a child.
SourceProcess acting(std::function<void()> act, const ChildLimits& limits = {}) {
  const auto open = [act = std::move(act)](Reading) {
    auto source = std::make_unique<ScriptedSource>();
    source->add(kAsOf - std::chrono::minutes(30), test::make_runs(20, 17));
    source->set_meanwhile([act](std::size_t) { act(); });
    return source;
  };
  return SourceProcess({open, "the log", CutCost::nothing, limits});
}

}  // namespace

TEST_CASE("a log that is read in a child gives what it gives here") {
  ScriptedSource here;
  here.add(kAsOf - std::chrono::minutes(30), test::make_runs(20, 17));
  SourceProcess there = acting([] {});
  CHECK(there.read(kQuery) == here.read(kQuery));
  CHECK(there.read(kQuery).partials.size() == 1);
  CHECK(there.describe() == "the log");
  CHECK(there.cut_cost() == CutCost::nothing);
}

TEST_CASE("an error of the child is told as it is") {
  SourceProcess source =
      acting([] { throw Error(ErrorKind::config, "mapping.json", "is no object", "write {}"); });
  try {
    source.read(kQuery);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::config);
    CHECK(std::string(error.what()) == "config: mapping.json: is no object; write {}");
  }
  SourceProcess full = acting([] { throw std::bad_alloc(); });
  CHECK_THROWS_WITH(full.read(kQuery), "std::bad_alloc");
}

TEST_CASE("a log that hangs, or is read for too long, is an error of the source with its name") {
  const auto hang = [] {
    for (;;) ::pause();
  };
  SourceProcess silent = acting(hang, {0ms, 500ms});
  CHECK_THROWS_WITH(silent.read(kQuery), Catch::StartsWith("source: the log: gave no sign of life "
                                                           "for 1s"));
  SourceProcess slow = acting(hang, {500ms, 0ms});
  CHECK_THROWS_WITH(slow.read(kQuery),
                    Catch::StartsWith("source: the log: is not read within 1s") &&
                        Catch::Contains("input.read_timeout"));
}

TEST_CASE("a reader that is killed for memory does not take the caller along") {
  SourceProcess source = acting([] { std::raise(SIGKILL); });
  CHECK_THROWS_WITH(source.read(kQuery), Catch::StartsWith("source: the log: the process that "
                                                           "reads it was killed"));
}

TEST_CASE("what is told once is told at the first reading") {
  const auto open = [](Reading reading) {
    if (reading == Reading::again) throw Error(ErrorKind::source, "x", "again", "y");
    return std::make_unique<ScriptedSource>();
  };
  SourceProcess source({open, "the log", CutCost::nothing, {}});
  CHECK_NOTHROW(source.read(kQuery));
  CHECK_THROWS_WITH(source.read(kQuery), Catch::Contains("again"));
}

}  // namespace dagloop
