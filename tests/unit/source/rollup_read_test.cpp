#include "source/rollup_read.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "../../support/fault_every.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/source/file_source.hpp"
#include "growing_log.hpp"
#include "log_text.hpp"
#include "memory_rollup_store.hpp"
#include "source/file_scan.hpp"
#include "source/rollup_format.hpp"

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
    set.partials[{as, key.population, key.cohort, key.age}].merge(partial);
  }
  return set;
}

LogQuery query_of(GrowingLog& log) {
  Random& random = log.random();
  LogQuery query;
  const TimePoint end = floor_to_slot(log.now());
  // A range ends now; what is settled ends with the last whole slot.
  query.range = {end - std::chrono::hours(4), random.chance(0.5) ? log.now() : end};
  query.latest = log.now() + std::chrono::minutes(5);
  if (random.chance(0.5)) query.window = {end - std::chrono::hours(1), query.range.end};
  const auto slots = end.time_since_epoch() / kSlot;
  if (slots % 2 == 0) query.users_in = {{end - 7 * slots % 60 * kSlot, query.range.end}};
  if (random.chance(0.7)) {
    query.cuts = {end - std::chrono::minutes(190), end - std::chrono::minutes(90), end};
  }
  return query;
}

// So many seeds, or more where one looks for what is rare.
std::uint64_t seeds(std::uint64_t usual) {
  const char* times = std::getenv("DAGLOOP_SEED_TIMES");
  return times == nullptr ? usual : usual * std::stoul(times);
}

struct World {
  explicit World(std::uint64_t seed) : log(seed) {
    options.rollup = store;
    options.mapping.outcome_node = seed % 2 == 0 ? "evaluate" : "";
    if (seed % 2 == 1) {  // classes of a configuration of one's own
      const Json classes = parse_json(R"({"auth": ["TOOL_*"]})", "classes");
      options.classes = ErrorClasses::parse(JsonReader(classes, "classes"));
    }
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
    for (const auto& [key, partial] : found->partials) users += partial.users.users().size();
    return true;
  }

  GrowingLog log;
  std::shared_ptr<MemoryRollupStore> store = std::make_shared<MemoryRollupStore>();
  SourceOptions options;
  RollupLimits limits;
  std::size_t users = 0;  // that were compared
};

}  // namespace

TEST_CASE("every tick over a growing log gives what reading it all gives") {
  int used = 0;
  int all = 0;
  std::uint64_t begun = 0;
  std::size_t users = 0;
  for (std::uint64_t seed = 1; seed <= seeds(60); seed += test::fault_every()) {
    World world(seed);
    for (int tick = 0; tick < 25; ++tick) {
      world.log.tick();
      CAPTURE(seed, tick);
      used += world.read(query_of(world.log)) ? 1 : 0;
      ++all;
    }
    begun += world.store->erasures;
    users += world.users;
  }
  CHECK(used == all);
  CHECK(users > static_cast<std::size_t>(20 * all) / 30);
  // Each log once; a few again, when a day's folder goes that held records of another day.
  CHECK(begun < seeds(70));
}

TEST_CASE("whatever happens to the files, a tick gives what reading them all gives") {
  int used = 0;
  int all = 0;
  for (std::uint64_t seed = 101; seed <= 100 + seeds(100); seed += test::fault_every()) {
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

TEST_CASE("a value that is missing or older than the rest costs time, never a figure") {
  for (std::uint64_t seed = 201; seed <= 200 + seeds(60); seed += test::fault_every()) {
    World world(seed);
    MemoryRollupStore::Log older;
    for (int tick = 0; tick < 15; ++tick) {
      world.log.tick();
      if (tick > 3) {
        auto& values = world.store->logs.begin()->second.values;
        auto at = values.begin();
        std::advance(at, world.log.random().below(values.size()));
        if (tick % 2 == 0) values.erase(at);
        if (tick % 2 == 1 && older.values.contains(at->first)) {
          at->second = older.values[at->first];
        }
      }
      if (tick % 4 == 0 && !world.store->logs.empty()) older = world.store->logs.begin()->second;
      CAPTURE(seed, tick);
      REQUIRE(world.read(query_of(world.log)));
    }
  }
}

TEST_CASE("a store that refuses or loses every commit costs time, never a figure") {
  for (std::uint64_t seed = 301; seed <= 300 + seeds(20); ++seed) {
    World world(seed);
    for (int tick = 0; tick < 10; ++tick) {
      world.log.tick();
      world.store->refuses_commits = world.log.random().chance(0.4);
      if (world.log.random().chance(0.2)) world.store->logs.clear();
      CAPTURE(seed, tick);
      REQUIRE(world.read(query_of(world.log)));
    }
  }
}

TEST_CASE("a range that ends before what was consumed is read without the store") {
  World world(401);
  for (int tick = 0; tick < 5; ++tick) world.log.tick();
  LogQuery query = query_of(world.log);
  REQUIRE(world.read(query));
  const auto before = world.store->logs.begin()->second;
  LogQuery earlier = query;
  earlier.range.end -= kSlot;
  earlier.cuts.clear();
  CHECK_FALSE(world.read(earlier));
  LogQuery clock_set_back = query;
  clock_set_back.latest -= Microseconds(1);
  CHECK_FALSE(world.read(clock_set_back));
  CHECK(world.store->logs.begin()->second.values == before.values);
  CHECK(world.read(query));
}

TEST_CASE("a shorter range is read from the store of a longer one, and leaves it as it is") {
  int looked_at = 0;
  int begun_anew = 0;
  for (std::uint64_t seed = 501; seed <= 500 + seeds(40); ++seed) {
    World world(seed);
    bool are_same_files = true;
    for (int tick = 0; tick < 20; ++tick) {
      world.log.tick();
      LogQuery query = query_of(world.log);
      const auto paths = paths_of_range(world.log.paths(), query.range);
      if (tick % 3 > 0) {
        query.range.start += std::chrono::hours(1 + tick % 2);
        query.cuts.clear();
      }
      // A day's directory that the range does not touch is not looked into: its file seems gone.
      are_same_files = are_same_files && paths_of_range(world.log.paths(), query.range) == paths;
      CAPTURE(seed, tick);
      REQUIRE(world.read(query));
    }
    if (!are_same_files) continue;
    ++looked_at;
    if (world.store->erasures > 1) ++begun_anew;
  }
  CHECK(looked_at > 20);
  CHECK(begun_anew * 10 <= looked_at);  // seldom: where a day ends, files go out of sight, too
}

TEST_CASE("a tick without news reads little and writes nothing") {
  World world(601);
  for (int tick = 0; tick < 30; ++tick) world.log.tick();
  // A file that was written just now is looked at again a moment later, and that is written down.
  for (const std::string& path : world.log.paths()) {
    const auto written = std::filesystem::last_write_time(path);
    std::filesystem::last_write_time(path, written - std::chrono::hours(1));
  }
  const LogQuery query = query_of(world.log);
  REQUIRE(world.read(query));
  REQUIRE(world.read(query));  // the hours are added up by now
  const std::uint64_t commits = world.store->commits;
  REQUIRE(world.read(query));
  CHECK(world.store->commits == commits);
}

TEST_CASE("values of long ago are erased") {
  World world(602);
  std::size_t most = 0;
  const int ticks = test::fault_every() == 1 ? 400 : 130;
  for (int tick = 0; tick < ticks; ++tick) {
    world.log.tick();
    REQUIRE(world.read(query_of(world.log)));
    if (tick <= ticks / 2) most = std::max(most, world.store->logs.begin()->second.values.size());
  }
  CHECK(world.store->logs.begin()->second.values.size() < 2 * most);
}

TEST_CASE("what a store cannot answer for is read without one") {
  World world(701);
  world.log.tick();
  world.log.tick();
  const LogQuery query = query_of(world.log);
  const auto paths = world.log.paths();
  const auto is_used = [&](const std::vector<std::string>& read, const SourceOptions& options,
                           const LogQuery& asked, const RollupLimits& limits) {
    return read_with_rollup("log", read, options, asked, limits).has_value();
  };
  CHECK(is_used(paths, world.options, query, {}));
  CHECK_FALSE(is_used({"-"}, world.options, query, {}));
  CHECK_FALSE(is_used({world.log.path("missing")}, world.options, query, {}));
  SourceOptions records = world.options;
  records.dedupe = Dedupe::records;
  CHECK_FALSE(is_used(paths, records, query, {}));
  SourceOptions none = world.options;
  none.rollup = nullptr;
  CHECK_FALSE(is_used(paths, none, query, {}));
  world.store->usable = false;
  CHECK_FALSE(is_used(paths, world.options, query, {}));
  world.store->usable = true;
  LogQuery odd = query;
  odd.range.start += Microseconds(1);
  CHECK_FALSE(is_used(paths, world.options, odd, {}));
}

TEST_CASE("of too many lines that are not settled none is kept in mind") {
  const TempFiles files;
  std::string text;
  for (int i = 0; i < 100; ++i) text += log_line(1, 3) + "\n" + log_line(2, 9) + "\n";
  SourceOptions options;
  const auto store = std::make_shared<MemoryRollupStore>();
  options.rollup = store;
  LogQuery query = log_query();
  query.range.end = query.range.start + std::chrono::hours(5);
  RollupLimits limits;
  limits.max_pending = 99;
  const std::string path = files.write("a.jsonl", text);
  CHECK_FALSE(read_with_rollup("log", {path}, options, query, limits));
  CHECK(store->commits == 0);
  limits.max_pending = 100;
  const auto found = read_with_rollup("log", {path}, options, query, limits);
  REQUIRE(found);
  CHECK(*found == read_files({path}, options, query, 1000));
}

TEST_CASE("a log that an earlier version counted is counted anew, and that is said once") {
  World world(1);
  std::vector<std::string> warnings;
  world.options.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  world.log.tick();
  REQUIRE(world.read(query_of(world.log)));
  CHECK(warnings.empty());
  auto& logs = world.store->logs;  // with an empty one of the former name, which was asked for
  logs[former_log_name("log", world.options)] = logs.at(log_name("log", world.options));
  logs.erase(log_name("log", world.options));
  REQUIRE(world.read(query_of(world.log)));
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().starts_with("rollup: an earlier version"));
  world.log.tick();
  REQUIRE(world.read(query_of(world.log)));
  CHECK(warnings.size() == 1);
}

TEST_CASE("another mapping, outcome node or map of error classes is another log") {
  SourceOptions options;
  const std::string name = log_name("a", options);
  CHECK(log_name("a", options) == name);
  CHECK(log_name("b", options) != name);
  SourceOptions other = options;
  other.mapping.outcome_node = "evaluate";
  CHECK(log_name("a", other) != name);
  other = options;
  other.mapping.fields["status"].name = "state";
  CHECK(log_name("a", other) != name);
  other = options;
  const Json classes = parse_json(R"({"auth": ["NO_ENTRY"]})", "test");
  other.classes = ErrorClasses::parse(JsonReader(classes, "test"));
  CHECK(log_name("a", other) != name);
}

}  // namespace dagloop::test
