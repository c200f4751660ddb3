// The evidence of a state: a document of its own, for which the state vouches.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/state/sqlite_store.hpp"
#include "journal_event.hpp"
#include "run_sql.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using test::journal_event;
using test::run_sql;
using test::TempDirectory;

const TimePoint kCollectedAt = *parse_time("2026-03-01T10:00:00.000001Z");

RateEvidence full_test() {
  RateEvidence test;
  test.open = {{{3, 1}, {1, 0}}, kCollectedAt, {{7, {3, 1}}}, {2, 1}, {{2, 1}, {1, 1}}, {}};
  const std::vector<std::uint64_t> above(kLatencyEdges, 1);
  test.open.strata = {{0, {{2, 1}, {1, 0}}, {{1, 1}, {1, 0}}, above}, {2, {{1, 0}, {}}, {}, {}}};
  test.total = {{10, 2}, {90, 9}};
  test.expectation = {90, 8};
  test.by_stratum = {{0, {{7, 2}, {70, 8}}, {60, 5}}, {2, {{3, 0}, {20, 1}}, {30, 3}}};
  test.starts = {kCollectedAt, kCollectedAt + Microseconds(1), 12, 0.25};
  test.log_wealth = {std::vector<double>(kDiscounts, 1.0 / 3),
                     std::vector<double>(kDiscounts, -std::numeric_limits<double>::infinity())};
  test.greatest_log_e = std::vector<double>(kDiscounts, 1e-17);
  test.stretches = {{0.5, test.open}, {}};
  return test;
}

// Evidence in which every member holds something.
Evidence full_evidence() {
  Evidence evidence;
  evidence.subject = "p1";
  evidence.percent = 30;
  evidence.percent_before = 10;
  evidence.percent_since = kCollectedAt;
  evidence.since = kCollectedAt;
  evidence.until = kCollectedAt + Microseconds(5);
  evidence.step = kCollectedAt + Microseconds(2);
  evidence.step_before = kCollectedAt + Microseconds(1);
  evidence.limits = {900.5, 1500.0};
  evidence.strata = StrataList{{"etl", "llm"}, {"etl", ""}};
  evidence.tests["success_drop"] = full_test();
  evidence.tests["promotion"] = {};
  evidence.latency.subject = {40, std::vector<std::uint64_t>(33, 3)};
  evidence.latency.slower = {full_test()};
  evidence.latency.greatest_log_e = std::vector<double>(kDiscounts, 0.3);
  const UserArm user{std::numeric_limits<std::uint64_t>::max() - 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  evidence.subject_users = {{{1, 2}, {3, 4}}, 3, {user}};
  evidence.reference_users.by_hash = {user};
  evidence.day_effects = {{"success_drop", 4.5}};
  evidence.tolerance = {1.5, 1.25};
  evidence.limits.tolerated = 1100.5;
  evidence.fixed = {"f1",    kCollectedAt, kCollectedAt + Microseconds(4),
                    {50, 4}, 0.125,        full_test()};
  return evidence;
}

Json document_of(const Evidence& evidence) {
  CycleState state;
  state.evidence = evidence;
  return parse_json(documents_of(state).evidence, "e");
}

// A state that vouches for whatever evidence this is.
Evidence read_back(const Json& document) {
  const std::string text = to_compact_json(document);
  Json state = cycle_state_to_json({});
  state["evidence_sha256"] = sha256_hex(text);
  return state_of({to_compact_json(state), text}, "e").evidence;
}

void check_unread(const Json& document, const std::string& what) {
  INFO(to_compact_json(document).substr(0, 2000));
  CHECK_THROWS_WITH(read_back(document), Catch::Contains(what));
}

Json lacking(Json object, const std::string& key) {
  std::erase_if(object.as_object(), [&](const Json::Member& each) { return each.first == key; });
  return object;
}

CycleState committed(SqliteStore& store) {
  CycleState state;
  state.evidence = full_evidence();
  store.commit(state, {journal_event("counted")});
  return state;
}

}  // namespace

TEST_CASE("evidence with every member set reads back as it was, also what a bet has lost") {
  CHECK(read_back(document_of(full_evidence())) == full_evidence());
  CHECK(documents_of({}).evidence.empty());
}

TEST_CASE("evidence that lacks a member, or cannot be, is refused") {
  const Json document = document_of(full_evidence());
  for (const auto& [key, value] : document.as_object()) {
    // Not known: none, or what is usual.
    if (key == "slow_ms" || key == "threshold_ms" || key.starts_with("tolerated_") ||
        key == "fixed") {
      continue;
    }
    check_unread(lacking(document, key), key == "schema" ? "of this version" : key);
  }
  const Json& test = *document.find("tests")->find("success_drop");
  for (const auto& [key, value] : test.as_object()) {
    Json edited = document;
    edited["tests"]["success_drop"] = lacking(test, key);
    check_unread(edited, key);
  }
  for (const char* arm : {"[3]", "[3, 4]", "[-1, 0]", "[1, -1]", "[\"3\", 1]"}) {
    Json edited = document;
    edited["tests"]["success_drop"]["expectation"] = parse_json(arm, "d");
    check_unread(edited, "tests.success_drop.expectation");
  }
}

TEST_CASE("bets without a number a discount, and stakes that are none, are refused") {
  const Json document = document_of(full_evidence());
  Json edited = document;
  edited["tests"]["success_drop"]["log_wealth"].as_array()[1].as_array().pop_back();
  check_unread(edited, "has not a number a discount");
  edited = document;
  edited["tests"]["success_drop"]["greatest_log_e"].as_array().pop_back();
  check_unread(edited, "has not a number a discount");
  edited = document;
  edited["tests"]["success_drop"]["starts"]["unspent"] = 1.5;
  check_unread(edited, "is no part of a stake");
}

TEST_CASE("counts of strata that are none, or out of order, are refused") {
  const Json document = document_of(full_evidence());
  const auto with = [&](const char* member, const char* counts) {
    Json edited = document;
    edited["tests"]["success_drop"][member] = parse_json(counts, "d");
    return edited;
  };
  check_unread(with("by_stratum", "[[3,1,0,1,0,1,0]]"), "are not those of the counts");
  check_unread(with("by_stratum", "[[1,1,0,1,0,1,0],[0,1,0,1,0,1,0]]"), "are not those");
  check_unread(with("by_stratum", "[[17,1,0,1,0,1,0]]"), "are no counts of a stratum");
  check_unread(with("by_stratum", "[[0,1,0,1,0]]"), "are no counts of a stratum");
  check_unread(with("by_stratum", "[[0,1,2,1,0,1,0]]"), "more events than trials");
  Json edited = document;
  edited["strata"] = parse_json("[{\"pipeline\":\"etl\",\"plan_source\":\"\"}]", "d");
  check_unread(edited, "are not those of the counts");
  edited["strata"] = Json();
  check_unread(edited, "are not those of the counts");
}

TEST_CASE("users out of order, too many, or without a count are refused") {
  const Json document = document_of(full_evidence());
  Json edited = document;
  auto& sampled = edited["subject_users"]["by_hash"].as_array();
  std::reverse(sampled.begin(), sampled.end());
  check_unread(edited, "is no sample of users");
  edited = document;
  auto& heavy = edited["subject_users"]["heavy"].as_array();
  heavy.resize(kHeavyUsers + 1, Json(heavy.front()));
  check_unread(edited, "is no sample of users");
  edited = document;
  edited["subject_users"]["by_hash"].as_array()[0].as_array().pop_back();
  check_unread(edited, "is no list of counts");
}

TEST_CASE("latencies that cannot be are refused") {
  const Json document = document_of(full_evidence());
  Json edited = document;
  edited["latency"]["subject"] = parse_json("[40, 3]", "d");
  check_unread(edited, "is no list of counts above each latency");
  edited = document;
  edited["latency"]["subject"].as_array()[2] = 4;
  check_unread(edited, "is no list of counts above each latency");
  edited["latency"]["subject"].as_array()[2] = -1;
  check_unread(edited, "negative");
}

TEST_CASE("evidence is kept beside the state, and as small as it may be") {
  const TempDirectory folder;
  SqliteStore store(folder.path("s.db"), StateAccess::read_write);
  const CycleState state = committed(store);
  CHECK(store.load() == state);
  const StoredState stored = *store.records().state;
  CHECK(stored.document.find("success_drop") == std::string::npos);
  CHECK(stored.evidence == documents_of(state).evidence);
  CHECK(SqliteStore(folder.path("s.db"), StateAccess::read_only).load() == state);
  CycleState next = state;
  next.evidence = {};
  store.commit(next, {journal_event("begins anew")});
  CHECK(store.records().state->evidence.empty());
  CHECK(store.load() == next);
}

TEST_CASE("evidence that was edited, exchanged or taken away is refused by every load") {
  const auto sql = GENERATE(
      as<std::string>{}, "UPDATE evidence SET document = replace(document, 'p1', 'p2')",
      "UPDATE evidence SET document = document || ' '", "UPDATE evidence SET document = ''",
      "DELETE FROM evidence", "UPDATE evidence SET document = (SELECT document FROM earlier)");
  INFO(sql);
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  SqliteStore store(path, StateAccess::read_write);
  CycleState state = committed(store);
  run_sql(path, "CREATE TABLE earlier AS SELECT document FROM evidence");
  state.evidence.until += Microseconds(1);
  store.commit(state, {journal_event("counted on")});
  CHECK_FALSE(records_fault(store.records()));
  run_sql(path, sql);
  CHECK(records_fault(store.records()));
  CHECK_THROWS_WITH(store.load(), Catch::StartsWith("preflight: " + path + ": ") &&
                                      Catch::Contains("restore it from a backup"));
}

TEST_CASE(
    "a way back goes without evidence that was edited, and everything else refuses it still") {
  const auto sql = GENERATE(as<std::string>{}, "UPDATE evidence SET document = document || ' '",
                            "DELETE FROM evidence");
  INFO(sql);
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  SqliteStore store(path, StateAccess::read_write);
  CycleState state = committed(store);
  CHECK_FALSE(state_but_for_evidence(store.records(), path));  // as load() reads it
  run_sql(path, sql);
  for (int i = 0; i < 2; ++i) {
    auto found = state_but_for_evidence(store.newest_records(), path);
    REQUIRE(found);
    CHECK(found->evidence == Evidence());
    CHECK(found->in_force == state.in_force);
    store.commit(*found, {journal_event("rolled back")});
    CHECK(records_fault(store.records()));
    CHECK_THROWS(store.load());
  }
  run_sql(path, "UPDATE state SET document = replace(document, 'idle', 'proposed')");
  CHECK_FALSE(state_but_for_evidence(store.records(), path));
}

TEST_CASE("the evidence of an earlier version is left behind, and the state says so") {
  Json document = cycle_state_to_json({});
  document["evidence"] = parse_json(R"({"subject": "p1", "tests": {}})", "e");
  const CycleState state = state_of({to_compact_json(document), ""}, "s.db");
  CHECK(state.has_earlier_evidence);
  CHECK(state.evidence == Evidence());
  document["evidence"] = Json();
  CHECK_FALSE(state_of({to_compact_json(document), ""}, "s.db").has_earlier_evidence);
  CHECK_FALSE(state_of(documents_of({}), "s.db").has_earlier_evidence);
}

TEST_CASE("a store without a row for evidence gets one with its first commit, and is read before") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  CycleState state;
  {
    SqliteStore store(path, StateAccess::read_write);
    store.commit(state, {journal_event("one")});
  }
  run_sql(path, "DROP TABLE evidence; PRAGMA user_version = 2");
  CHECK(SqliteStore(path, StateAccess::read_only).load() == state);
  SqliteStore store(path, StateAccess::read_write);
  state = store.load();
  state.evidence = full_evidence();
  store.commit(state, {journal_event("two")});
  CHECK(store.load() == state);
  CHECK_FALSE(records_fault(store.records()));
}

}  // namespace dagloop
