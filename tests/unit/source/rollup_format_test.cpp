#include "source/rollup_format.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "rollout_generator.hpp"
#include "source/key_filter.hpp"

namespace dagloop::test {
namespace {

TimePoint some_slot(Random& random) {
  return *parse_time("2026-02-25T00:00:00Z") + random.below(1000) * kSlot;
}

LineCounts some_counts(Random& random) {
  LineCounts counts;
  counts.records = random.below(1'000'000);
  counts.run_records = random.next();
  counts.node_records = random.below(5);
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    const auto reason = static_cast<RejectReason>(random.below(11));
    counts.malformed_by_reason[reason] = random.below(9);
    const auto field = static_cast<Field>(random.below(kFieldCount));
    const ShownLine shown{reason, field, "a number", "a text", "a mapping"};
    counts.examples[random.below(99)] = shown;
    counts.examples[random.below(99)].reason = reason;
    counts.mended_by_field[field] = i;
    counts.mended_examples[{random.below(99), field}] = shown;
  }
  for (std::uint64_t i = random.below(9); i > 0; --i) {
    counts.by_slot[some_slot(random)] = {{i, 1}, {random.below(3), 0}, {2, random.below(3)}};
  }
  counts.before = random.below(3);
  counts.set_aside = random.below(3);
  if (random.chance(0.5)) counts.newest = some_slot(random);
  if (random.chance(0.5)) counts.newest_unread = some_slot(random);
  return counts;
}

RollupRoot some_root(Random& random) {
  RollupRoot root;
  root.kept_from = some_slot(random);
  root.consumed_before = some_slot(random);
  root.latest = some_slot(random) + Microseconds(1);
  root.reach = std::chrono::hours(random.below(99));
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    LogFile file;
    file.path = "logs/" + std::to_string(i);
    file.inode = random.next();
    file.size = random.below(1U << 30U);
    file.mtime_ns = -static_cast<std::int64_t>(random.below(99));
    file.was_fresh = random.chance(0.5);
    file.form = random.chance(0.5) ? FileForm::plain : FileForm::compressed;
    file.hash.tail = random.next();
    file.counts = some_counts(random);
    if (random.chance(0.5)) file.times.add({random.below(99), some_slot(random)});
    if (random.chance(0.5)) file.times.add({random.below(99), some_slot(random)});
    file.pending = {{1, 2, 3, 4}, {random.next(), 6, 7, 8, TimedLine{5, some_slot(random)}}};
    root.files.push_back(file);
  }
  for (std::uint64_t i = random.below(9); i > 0; --i) {
    const TimePoint slot = some_slot(random);
    root.slots[slot] = {slot - std::chrono::hours(1), slot + Microseconds(5), i, random.below(300)};
    root.hours[std::chrono::floor<std::chrono::hours>(slot)] = i;
  }
  return root;
}

}  // namespace

TEST_CASE("a root is the same after encoding and decoding, and no part of it is one") {
  Random random(51);
  for (int round = 0; round < 100; ++round) {
    const RollupRoot root = some_root(random);
    const std::string bytes = encode(root);
    const auto decoded = decode_root(bytes);
    REQUIRE(decoded);
    REQUIRE(*decoded == root);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      REQUIRE_FALSE(decode_root(std::string_view(bytes).substr(0, size)));
    }
    REQUIRE_FALSE(decode_root(bytes + '\0'));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(random.next());
      decode_root(changed);  // perhaps another root, perhaps none
    }
  }
}

TEST_CASE("a log has another name where a mapping makes other values of its lines") {
  SourceOptions options;
  FieldMapping& status = options.mapping.fields["status"];
  status = {FieldSource::column, "a", {}};
  status.others = {{FieldSource::column, "b"}};
  std::set<std::string> names{log_name("log", options)};
  status.when_null = "";
  names.insert(log_name("log", options));
  status.when_null = "running";
  names.insert(log_name("log", options));
  status.others.push_back({FieldSource::column, "c"});
  names.insert(log_name("log", options));
  status.form = FieldForm::joined;
  names.insert(log_name("log", options));
  CHECK(names.size() == 5);
}

TEST_CASE("names of values order by time") {
  const TimePoint slot = *parse_time("2026-02-25T00:00:00Z");
  CHECK(value_name(ValueKind::slot_rows, slot) == "r:1771977600");
  CHECK(value_name(ValueKind::slot_rows, TimePoint()) < value_name(ValueKind::slot_rows, slot));
  CHECK(value_name(ValueKind::slot_rows, slot) <
        value_name(ValueKind::slot_rows, *parse_time("2261-01-01T00:00:00Z")));
}

TEST_CASE("counts of lines add up in any order, with the first examples") {
  Random random(52);
  for (int round = 0; round < 100; ++round) {
    const LineCounts a = some_counts(random);
    const LineCounts b = some_counts(random);
    LineCounts ab = a;
    ab.merge(b);
    CHECK(ab.records == a.records + b.records);
    CHECK(ab.examples.size() <= InputCounts::kMaxExamples);
    LineCounts nothing;
    nothing.merge(a);
    LineCounts first = a;
    keep_first(first.mended_examples);
    keep_first(first.examples);
    CHECK(nothing == first);
  }
}

TEST_CASE("a key filter finds exactly its prefixes, wherever they stand") {
  Random random(53);
  for (const std::size_t count : {0U, 1U, 20U, 5000U}) {
    std::vector<std::uint32_t> prefixes;
    for (std::size_t i = 0; i < count; ++i) {
      prefixes.push_back(static_cast<std::uint32_t>(random.next()));
    }
    const KeyFilter filter(prefixes);
    CHECK(filter.empty() == (count == 0));
    for (int round = 0; round < 300; ++round) {
      ByteWriter others;
      const std::size_t size = random.below(40);
      for (std::size_t i = 0; i < size; ++i) {
        auto prefix = static_cast<std::uint32_t>(random.next());
        while (std::ranges::find(prefixes, prefix) != prefixes.end()) ++prefix;
        others.fixed32(prefix);
      }
      std::string bytes = others.bytes();
      REQUIRE_FALSE(filter.matches(bytes));
      if (count == 0) continue;
      ByteWriter one;
      one.fixed32(prefixes[random.below(count)]);
      bytes.insert(kKeyPrefixBytes * random.below(size + 1), one.bytes());
      REQUIRE(filter.matches(bytes));
    }
  }
}

}  // namespace dagloop::test
