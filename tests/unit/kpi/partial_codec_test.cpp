#include "dagloop/kpi/partial_codec.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "../../support/fault_every.hpp"
#include "awkward_log.hpp"

namespace dagloop {
namespace {

using test::Random;
using Partials = std::map<PartialKey, KpiPartial>;

// Partials of an awkward log, some with durations in buckets.
Partials awkward_partials(Random& random) {
  Partials partials = test::settle(test::awkward_log(random)).partials;
  for (auto& [key, partial] : partials) {
    if (!random.chance(0.1)) continue;
    for (std::size_t i = 0; i <= DurationHistogram::kExactLimit; ++i) {
      partial.latency.add(static_cast<double>(random.below(100'000)) / 7);
    }
  }
  return partials;
}

}  // namespace

TEST_CASE("partials are the same after encoding and decoding") {
  Random random(21);
  CHECK(decode_partials(encode(Partials{})).value().empty());
  for (int round = 0; round < 300; ++round) {
    const Partials partials = awkward_partials(random);
    const auto decoded = decode_partials(encode(partials));
    REQUIRE(decoded);
    REQUIRE(*decoded == partials);
  }
}

TEST_CASE("equal partials have equal bytes, in whatever order their runs came") {
  Random random(22);
  for (int round = 0; round < 300; ++round) {
    auto records = test::awkward_log(random);
    const std::string bytes = encode(test::settle(records).partials);
    test::shuffle(records, random);
    REQUIRE(encode(test::settle(records).partials) == bytes);
  }
}

TEST_CASE("the greatest counts and durations are kept") {
  Partials partials;
  KpiPartial& partial = partials[{TimePoint::max(), Population::non_dag, Cohort::control}];
  partial.total_runs = ~std::uint64_t{0};
  partial.error_codes[std::string("\0\xff", 2)] = std::uint64_t{1} << 63U;
  partial.latency.add(std::numeric_limits<double>::max());
  partial.nodes["n"].latency = DurationHistogram(DurationHistogram::Buckets{
      {0, 1}, {DurationHistogram::bucket_of(std::numeric_limits<double>::max()), ~0U}});
  CHECK(decode_partials(encode(partials)).value() == partials);
}

TEST_CASE("bytes that are cut off or go on are no partials") {
  Random random(23);
  const std::string bytes = encode(awkward_partials(random));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(decode_partials(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_partials(bytes + '\0'));
}

TEST_CASE("any changed byte gives other partials, of these very bytes, or none") {
  Random random(24);
  for (std::size_t round = 0; round < 20; round += test::fault_every()) {
    const Partials partials = awkward_partials(random);
    const std::string bytes = encode(partials);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] =
          static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << random.below(8)));
      const auto decoded = decode_partials(changed);
      if (!decoded) continue;
      REQUIRE(encode(*decoded) == changed);
      REQUIRE_FALSE(*decoded == partials);
    }
  }
}

TEST_CASE("a count of more than there can be takes no memory") {
  ByteWriter out;
  out.number(~std::uint64_t{0});
  CHECK_FALSE(decode_partials(out.bytes()));
}

}  // namespace dagloop
