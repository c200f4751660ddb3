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

std::string encoded(const Partials& partials) {
  ByteWriter out;
  encode(partials, out);
  return out.take();
}

// Returns the partials that all of the bytes give.
std::optional<Partials> decoded_whole(std::string_view bytes) {
  ByteReader in(bytes);
  Partials partials;
  decode(in, partials);
  return in.done() ? std::optional(std::move(partials)) : std::nullopt;
}

}  // namespace

TEST_CASE("partials are the same after encoding and decoding") {
  Random random(21);
  CHECK(decoded_whole(encoded(Partials{})).value().empty());
  for (int round = 0; round < 300; ++round) {
    const Partials partials = awkward_partials(random);
    const auto decoded = decoded_whole(encoded(partials));
    REQUIRE(decoded);
    REQUIRE(*decoded == partials);
  }
}

TEST_CASE("equal partials have equal bytes, in whatever order their runs came") {
  Random random(22);
  for (int round = 0; round < 300; ++round) {
    auto records = test::awkward_log(random);
    const std::string bytes = encoded(test::settle(records).partials);
    test::shuffle(records, random);
    REQUIRE(encoded(test::settle(records).partials) == bytes);
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
  CHECK(decoded_whole(encoded(partials)).value() == partials);
}

TEST_CASE("bytes that are cut off or go on are no partials") {
  Random random(23);
  const std::string bytes = encoded(awkward_partials(random));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(decoded_whole(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decoded_whole(bytes + '\0'));
}

TEST_CASE("any changed byte gives other partials, of these very bytes, or none") {
  Random random(24);
  for (std::size_t round = 0; round < 20; round += test::fault_every()) {
    const Partials partials = awkward_partials(random);
    const std::string bytes = encoded(partials);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] =
          static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << random.below(8)));
      const auto decoded = decoded_whole(changed);
      if (!decoded) continue;
      REQUIRE(encoded(*decoded) == changed);
      REQUIRE_FALSE(*decoded == partials);
    }
  }
}

TEST_CASE("a count of more than there can be takes no memory") {
  ByteWriter out;
  out.number(~std::uint64_t{0});
  CHECK_FALSE(decoded_whole(out.bytes()));
}

}  // namespace dagloop
