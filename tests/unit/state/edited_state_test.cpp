// The state is vouched for by the journal; stores that dagloop 0.1 wrote are read and carried on.
#include <catch2/catch.hpp>

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

std::string load_fault(const std::string& path) {
  for (const StateAccess access : {StateAccess::read_only, StateAccess::read_write}) {
    SqliteStore store(path, access);
    try {
      static_cast<void>(store.load());
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::preflight);
      if (access == StateAccess::read_write) return error.what();
      continue;
    }
    return "";
  }
  return "";
}

// A store as version 1 wrote it: no entry says which state it was committed with.
void make_earlier_store(const std::string& path, const CycleState& state) {
  { const SqliteStore tables(path, StateAccess::read_write); }
  JournalHead head;
  std::string rows;
  for (const std::string why : {"one", "two"}) {
    const JournalEntry entry = chain_event(head, journal_event(why));
    head = {entry.sequence, entry.hash};
    rows += "INSERT INTO journal VALUES (" + std::to_string(entry.sequence) + ", '" +
            to_canonical_json(journal_entry_to_json(entry)) + "');";
  }
  run_sql(path, rows + "INSERT INTO state VALUES (1, 2, '" +
                    to_compact_json(cycle_state_to_json(state)) + "', 2, '" + head.hash +
                    "'); PRAGMA user_version = 1");
}

}  // namespace

TEST_CASE("a state that was edited, exchanged or put back is refused by every load") {
  const auto sql =
      GENERATE(as<std::string>{}, "UPDATE state SET document = replace(document, 'd1', 'd2')",
               "UPDATE state SET document = replace(document, '\"used_decisions\":[\"d1\"]', "
               "'\"used_decisions\":[]')",
               "UPDATE state SET document = document || ' '",
               "UPDATE state SET document = replace(document, '\"phase\"', ' \"phase\"')",
               "UPDATE state SET version = version - 1",
               "UPDATE state SET head_sequence = head_sequence - 1",
               "UPDATE state SET head_hash = replace(head_hash, '0', '1')", "DELETE FROM state",
               "DELETE FROM journal", "DELETE FROM journal WHERE sequence = 3",
               "INSERT INTO journal SELECT 4, document FROM journal WHERE sequence = 3",
               "UPDATE state SET document = (SELECT document FROM earlier)");
  INFO(sql);
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  {
    SqliteStore store(path, StateAccess::read_write);
    CycleState state;
    store.commit(state, {journal_event("one"), journal_event("two")});
    run_sql(path, "CREATE TABLE earlier AS SELECT document FROM state");
    state.used_decisions = {"d1"};
    store.commit(state, {journal_event("three")});
    CHECK(store.load().used_decisions == state.used_decisions);
  }
  run_sql(path, sql + "; DROP TABLE earlier");
  CHECK_THAT(load_fault(path), Catch::StartsWith("preflight: " + path + ": ") &&
                                   Catch::Contains("restore it from a backup"));
  SqliteStore store(path, StateAccess::read_only);
  CHECK(records_fault(store.records()).has_value());
}

TEST_CASE("a store of version 1 is read as it was, and its next commit makes it one of version 2") {
  const TempDirectory folder;
  const std::string path = folder.path("s.db");
  CycleState before;
  before.used_decisions = {"d1"};
  make_earlier_store(path, before);
  SqliteStore store(path, StateAccess::read_write);
  CycleState state = store.load();
  CHECK(state.used_decisions == before.used_decisions);
  CHECK(state.version == 2);
  CHECK_FALSE(records_fault(store.records()));
  store.commit(state, {journal_event("three")});
  CHECK_FALSE(records_fault(store.records()));
  CHECK(store.journal()[1].state_sha256.empty());
  CHECK(store.journal()[2].state_sha256 == state_sha256(3, store.records().state->document));
  run_sql(path, "UPDATE state SET document = replace(document, 'd1', 'd2')");
  CHECK_FALSE(load_fault(path).empty());
}

TEST_CASE("an entry that vouches for no state behind one that does is told") {
  const JournalEntry first = chain_event({}, journal_event("one"), std::string(64, 'a'));
  const JournalHead middle{first.sequence, first.hash};
  const JournalEntry second = chain_event(middle, journal_event("two"));
  const auto fault = journal_fault({first, second}, {second.sequence, second.hash});
  REQUIRE(fault);
  CHECK(*fault == "entry 2: does not say which state it was committed with");
}

TEST_CASE("each entry says the digest of version and document of the state it came with") {
  const TempDirectory folder;
  SqliteStore store(folder.path("s.db"), StateAccess::read_write);
  CycleState state;
  store.commit(state, {journal_event("one"), journal_event("two")});
  const auto entries = store.journal();
  // sha256sum of "1\n" and the document.
  CHECK(entries[0].state_sha256 == state_sha256(1, store.records().state->document));
  CHECK(entries[1].state_sha256 == entries[0].state_sha256);
  CHECK(state_sha256(1, "{}") ==
        "2abb749635de1a7f1d45ce3a27636ef330ff16dee7fdaa274fc681af89860e52");
}

}  // namespace dagloop
