#include "source/rollup_read.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "dagloop/source/file_source.hpp"
#include "growing_log.hpp"
#include "memory_rollup_store.hpp"
#include "source/parallel_read.hpp"

namespace dagloop::test {
namespace {

// The twin's partials, where those between two cuts fall together.
PartialSet coarse(const PartialSet& fine, const LogQuery& query) {
  if (query.cuts.empty()) return fine;
  PartialSet set;
  set.input = fine.input;
  for (const auto& [key, partial] : fine.partials) {
    TimePoint as = query.range.start;
    for (const TimePoint cut : query.cuts) {
      if (cut <= key.slot) as = cut;
    }
    set.partials[{as, key.population, key.cohort}].merge(partial);
  }
  return set;
}

LogQuery query_of(GrowingLog& log) {
  Random& random = log.random();
  LogQuery query;
  const TimePoint end = floor_to_slot(log.now());
  query.range = {end - std::chrono::hours(4), end};
  query.latest = log.now() + std::chrono::minutes(5);
  if (random.chance(0.7)) {
    query.cuts = {end - std::chrono::minutes(190), end - std::chrono::minutes(90), end};
  }
  return query;
}

struct World {
  explicit World(std::uint64_t seed) : log(seed) {
    options.rollup = store;
    options.mapping.outcome_node = seed % 2 == 0 ? "evaluate" : "";
    options.threads = 1 + static_cast<unsigned>(seed % 3);
    limits.chunk_bytes = 300;
    limits.commit_bytes = seed % 5 == 0 ? 0 : 5000;
  }

  // Reads both ways and compares; returns whether the store was of use.
  bool read(const LogQuery& query) {
    const auto paths = paths_of_range(log.paths(), query.range);
    const auto found = read_with_rollup("log", paths, options, query, limits);
    if (!found) return false;
    const PartialSet expected = coarse(read_files(paths, options, query, 5000), query);
    REQUIRE(found->input == expected.input);
    REQUIRE(found->partials == expected.partials);
    return true;
  }

  GrowingLog log;
  std::shared_ptr<MemoryRollupStore> store = std::make_shared<MemoryRollupStore>();
  SourceOptions options;
  RollupLimits limits;
};

}  // namespace

TEST_CASE("every tick over a growing log gives what reading it all gives") {
  int used = 0;
  int all = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    World world(seed);
    for (int tick = 0; tick < 25; ++tick) {
      world.log.tick();
      CAPTURE(seed, tick);
      used += world.read(query_of(world.log)) ? 1 : 0;
      ++all;
    }
  }
  CHECK(used == all);
}

TEST_CASE("whatever happens to the files, a tick gives what reading them all gives") {
  int used = 0;
  int all = 0;
  for (std::uint64_t seed = 101; seed <= 200; ++seed) {
    World world(seed);
    for (int tick = 0; tick < 25; ++tick) {
      world.log.tick();
      if (world.log.random().chance(0.3)) world.log.disturb();
      CAPTURE(seed, tick);
      used += world.read(query_of(world.log)) ? 1 : 0;
      ++all;
    }
  }
  CHECK(used == all);
}

}  // namespace dagloop::test
