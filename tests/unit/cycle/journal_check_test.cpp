#include "dagloop/cycle/journal_check.hpp"

#include <catch2/catch.hpp>

#include "../../support/journal_story.hpp"
#include "../../support/temp_directory.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

const std::string kHeadFile = "/pins/planner.head";

/// A told story, and a file system for the head file.
struct CheckedStory {
  CheckedStory() : story(folder.path("s.db")) { story.tell(); }
  JournalCheck check(const KeptHead& kept = {}) {
    return check_journal(files, story.store(), "s.db", kept);
  }
  std::string fault(const KeptHead& kept) {
    try {
      check(kept);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::preflight);
      return error.what();
    }
    return "";
  }
  /// Returns the head as it was behind entry `sequence`.
  JournalHead head_at(std::uint64_t sequence) {
    return {sequence, story.store().journal()[sequence - 1].hash};
  }
  void go_on() {
    CycleState state = story.store().load();
    story.store().commit(state, {JournalEvent{}});
  }

  TempDirectory folder;
  JournalStory story;
  MemoryFileSystem files;
};

}  // namespace

TEST_CASE("a head prints as SEQUENCE:HASH and reads back, anything else is no head") {
  const JournalHead head{42, std::string(64, 'a')};
  CHECK(to_string(head) == "42:" + std::string(64, 'a'));
  CHECK(parse_head(to_string(head)) == head);
  CHECK(parse_head(to_string(JournalHead{})) == JournalHead{});
  const std::string hash(64, 'a');
  for (const std::string& text :
       {std::string(), std::string("42"), "42" + hash, "042:" + hash, "+42:" + hash, "-1:" + hash,
        ":" + hash, " 42:" + hash, "42:" + hash + " ", "42:" + hash + "a", "42:A" + hash.substr(1),
        "42:" + hash.substr(1), "99999999999999999999:" + hash}) {
    CAPTURE(text);
    CHECK_FALSE(parse_head(text));
    CHECK_THROWS_WITH(head_flag(text, "--head"), Catch::StartsWith("usage: --head: no head"));
  }
}

TEST_CASE("a journal holds every head that it had before, and no other") {
  CheckedStory world;
  const auto size = world.check().entry_count;
  for (std::uint64_t sequence = 1; sequence <= size; ++sequence) {
    JournalHead kept = world.head_at(sequence);
    CHECK(world.check({kept, ""}).head == world.head_at(size));
    kept.hash[7] = kept.hash[7] == 'a' ? 'b' : 'a';
    CHECK_THAT(world.fault({kept, ""}), Catch::Contains("it was written anew"));
  }
  CHECK(world.check({JournalHead{}, ""}).entry_count == size);
  CHECK_THAT(
      world.fault({JournalHead{size + 1, std::string(64, 'a')}, ""}),
      Catch::Contains("it ends at entry " + std::to_string(size) + ", before the kept head"));
  CHECK_FALSE(world.fault({JournalHead{0, std::string(64, 'a')}, ""}).empty());
}

TEST_CASE("a head file is made, moves on with the journal, and finds a journal told anew") {
  CheckedStory world;
  CHECK(world.check({{}, kHeadFile}).made_file);
  const JournalHead first = world.check().head;
  CHECK(world.files.read(kHeadFile) == to_string(first) + "\n");
  world.go_on();
  CHECK_FALSE(world.check({{}, kHeadFile}).made_file);
  CHECK(world.files.read(kHeadFile) == to_string(world.check().head) + "\n");
  CHECK(world.check().head.sequence == first.sequence + 1);
  // The same story once more is intact in itself: only the head tells it from the first.
  CheckedStory other;
  const std::string kept = *world.files.read(kHeadFile);
  other.files.write_synced(kHeadFile, kept, {});
  CHECK(other.fault({{}, ""}).empty());
  CHECK_THAT(other.fault({{}, kHeadFile}), Catch::StartsWith("preflight: s.db: the journal was "));
  CHECK(other.files.read(kHeadFile) == kept);
}

TEST_CASE("a head file that holds no head is refused and left as it is") {
  CheckedStory world;
  for (const std::string& text : {std::string(), std::string("\n"), std::string("nonsense\n"),
                                  to_string(world.check().head) + "\n\n"}) {
    world.files.write_synced(kHeadFile, text, {});
    CHECK_THAT(world.fault({{}, kHeadFile}), Catch::StartsWith("preflight: " + kHeadFile));
    CHECK(world.files.read(kHeadFile) == text);
  }
}

TEST_CASE("a head file that was kept is not moved when the ticket's head does not hold") {
  CheckedStory world;
  world.check({{}, kHeadFile});
  world.go_on();
  const std::string kept = *world.files.read(kHeadFile);
  CHECK_FALSE(world.fault({JournalHead{1, std::string(64, 'b')}, kHeadFile}).empty());
  CHECK(world.files.read(kHeadFile) == kept);
}

TEST_CASE("a store that was never written to is no intact journal, and no head of it is kept") {
  MemoryStateStore store;
  MemoryFileSystem files;
  CHECK_THROWS_WITH(check_journal(files, store, "memory", {{}, kHeadFile}),
                    Catch::StartsWith("preflight: memory: there is no state at memory; check"));
  CHECK_FALSE(files.read(kHeadFile));
}
