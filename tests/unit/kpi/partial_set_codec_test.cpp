#include "dagloop/kpi/partial_set_codec.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "../../support/fault_every.hpp"
#include "awkward_log.hpp"

namespace dagloop {
namespace {

using test::Random;

PartialSet awkward_set(Random& random) {
  RunTableOptions options{test::kRange, "", Dedupe::runs};
  options.users_from = test::kRange.start;
  PartialSet set = test::settle(test::awkward_log(random), options);
  InputCounts& input = set.input;
  if (random.chance(0.5)) input.newest_unread = test::awkward_time(random);
  if (random.chance(0.5)) input.mended_by_field[Field::user_id] = random.below(1000);
  for (std::uint64_t left = random.below(3); left > 0; --left) {
    input.mended_examples.push_back({"b.jsonl", left, Field::created_at, "a\nb", ""});
    input.examples.push_back(
        {"a.jsonl", left, RejectReason::bad_time, Field::created_at, "\xff", "a time", "{}"});
  }
  input.examples.push_back({"", 0, RejectReason::not_json_object, {}, "", "", ""});
  input.window.canary = {random.below(1U << 31U), random.below(7)};
  return set;
}

// More users than are kept.
UserSums many_users(Random& random) {
  std::vector<UserRuns> users;
  std::uint64_t hash = random.below(1000);
  for (int i = 0; i < 2000; ++i) {
    hash += 1 + random.below(~0ULL / 4000);
    UserRuns user{hash, static_cast<std::uint32_t>(1 + random.below(9)), 1, 1, 4, 2};
    user.error_classes = {{ErrorClass::auth, 1}, {ErrorClass::server, 2}};
    user.durations = {{-1, 1}, {3, 70'000}};
    users.push_back(user);
  }
  return UserSums(std::move(users));
}

}  // namespace

TEST_CASE("a set is the same after encoding and decoding, users and what was read included") {
  Random random(31);
  CHECK(decode_partial_set(encode(PartialSet{})) == PartialSet{});
  for (int round = 0; round < 200; ++round) {
    PartialSet set = awkward_set(random);
    if (round % 20 == 0) set.partials[{test::kRange.start}].users = many_users(random);
    const auto decoded = decode_partial_set(encode(set));
    REQUIRE(decoded);
    REQUIRE(*decoded == set);
  }
}

TEST_CASE("bytes that are cut short, or go on, are no set") {
  Random random(32);
  const std::string bytes = encode(awkward_set(random));
  CHECK_FALSE(decode_partial_set(""));
  for (std::size_t size = 1; size < bytes.size(); size += 1 + bytes.size() / 500) {
    CHECK_FALSE(decode_partial_set(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_partial_set(bytes + '\0'));
}

}  // namespace dagloop
