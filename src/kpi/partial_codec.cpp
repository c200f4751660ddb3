#include "dagloop/kpi/partial_codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace dagloop {
namespace {

static_assert(sizeof(KpiPartial) ==
                  (kRunCounts.size() + kErrorClasses.size()) * sizeof(std::uint64_t) +
                      6 * sizeof(std::map<int, int>) + sizeof(std::vector<TimePoint>) +
                      sizeof(UserSums) + sizeof(DurationHistogram),
              "a new member belongs into encode() and decode(), and changes the format");

// Durations that are kept exactly are written in order, so that buckets are made of them in one go.
void encode_histogram(const DurationHistogram& histogram, ByteWriter& out) {
  std::vector<double> exact = histogram.exact();
  std::sort(exact.begin(), exact.end());
  out.number(exact.size());
  for (const double value : exact) out.real(value);
  if (!exact.empty()) return;
  out.number(histogram.buckets().size());
  std::int32_t before = -1;
  for (const auto& [bucket, count] : histogram.buckets()) {
    // Steps are small numbers, which take one byte.
    out.number(static_cast<std::uint64_t>(bucket - before));
    out.number(count);
    before = bucket;
  }
}

DurationHistogram decode_exact(ByteReader& in, std::uint64_t count) {
  std::vector<double> exact(count);
  double before = 0;
  for (double& value : exact) {
    value = in.real();
    // Written so that what is no number fails too.
    if (!(value >= before && std::isfinite(value)) || std::signbit(value)) in.fail();
    before = value;
  }
  if (count > DurationHistogram::kExactLimit) in.fail();
  return in.ok() ? DurationHistogram(std::move(exact)) : DurationHistogram();
}

DurationHistogram decode_buckets(ByteReader& in) {
  static const std::int64_t last = DurationHistogram::bucket_of(std::numeric_limits<double>::max());
  DurationHistogram::Buckets buckets(in.count(2));
  std::int64_t before = -1;
  for (auto& [bucket, count] : buckets) {
    const std::uint64_t step = in.number();
    count = in.number();
    if (step == 0 || count == 0 || step > static_cast<std::uint64_t>(last - before)) {
      in.fail();
      break;
    }
    before += static_cast<std::int64_t>(step);
    bucket = static_cast<std::int32_t>(before);
  }
  return in.ok() ? DurationHistogram(std::move(buckets)) : DurationHistogram();
}

DurationHistogram decode_histogram(ByteReader& in) {
  const std::uint64_t count = in.count(sizeof(double));
  return count > 0 ? decode_exact(in, count) : decode_buckets(in);
}

// Names come in ascending order: each bytes stand for one map alone.
template <typename Value, typename DecodeValue>
void decode_map(ByteReader& in, std::map<std::string, Value>& map, const DecodeValue& value) {
  map.clear();
  for (std::uint64_t left = in.count(1); left > 0 && in.ok(); --left) {
    const std::string_view name = in.text();
    if (!map.empty() && name <= map.rbegin()->first) in.fail();
    value(map.emplace_hint(map.end(), name, Value{})->second);
  }
}

using Parts = std::map<std::string, PlanSourcePartial>;

void encode_parts(const Parts& parts, ByteWriter& out) {
  out.number(parts.size());
  for (const auto& [name, part] : parts) {
    out.text(name);
    out.number(part.runs);
    out.number(part.succeeded);
  }
}

void decode_parts(ByteReader& in, Parts& parts) {
  decode_map(in, parts, [&](PlanSourcePartial& part) {
    part.runs = in.number();
    part.succeeded = in.number();
  });
}

constexpr std::array kStratumCounts{
    &StratumPartial::total_runs, &StratumPartial::succeeded, &StratumPartial::succeeded_unaided,
    &StratumPartial::fallback,   &StratumPartial::attempts,  &StratumPartial::failed_attempts};

static_assert(sizeof(StratumPartial) ==
                  (kStratumCounts.size() + kErrorClasses.size()) * sizeof(std::uint64_t) +
                      sizeof(std::vector<TimePoint>) + sizeof(DurationHistogram),
              "a new member belongs into encode_strata() and decode_strata()");

// Each as the step from the one before.
void encode_times(const std::vector<TimePoint>& times, ByteWriter& out) {
  out.number(times.size());
  TimePoint before;
  for (const TimePoint time : times) {
    out.signed_number((time - before).count());
    before = time;
  }
}

void decode_times(ByteReader& in, std::vector<TimePoint>& times) {
  times.clear();
  std::int64_t before = 0;
  for (std::uint64_t left = in.count(1); left > 0 && in.ok(); --left) {
    const std::int64_t step = in.signed_number();
    std::int64_t time = 0;
    if (__builtin_add_overflow(before, step, &time) || (!times.empty() && step < 0)) in.fail();
    times.emplace_back(Microseconds(before = time));
  }
}

void encode_strata(const std::map<Stratum, StratumPartial>& strata, ByteWriter& out) {
  out.number(strata.size());
  for (const auto& [stratum, partial] : strata) {
    out.text(stratum.pipeline);
    out.text(stratum.plan_source);
    for (const auto count : kStratumCounts) out.number(partial.*count);
    for (const std::uint64_t count : partial.error_classes) out.number(count);
    encode_times(partial.open_runs, out);
    encode_histogram(partial.latency, out);
  }
}

void decode_strata(ByteReader& in, std::map<Stratum, StratumPartial>& strata) {
  strata.clear();
  for (std::uint64_t left = in.count(1); left > 0 && in.ok(); --left) {
    Stratum stratum;
    stratum.pipeline = in.text();
    stratum.plan_source = in.text();
    if (!strata.empty() && stratum <= strata.rbegin()->first) in.fail();
    StratumPartial& partial =
        strata.emplace_hint(strata.end(), std::move(stratum), StratumPartial{})->second;
    for (const auto count : kStratumCounts) partial.*count = in.number();
    for (std::uint64_t& count : partial.error_classes) count = in.number();
    decode_times(in, partial.open_runs);
    partial.latency = decode_histogram(in);
  }
}

}  // namespace

void encode(const KpiPartial& partial, ByteWriter& out) {
  for (const auto count : kRunCounts) out.number(partial.*count);
  for (const std::uint64_t count : partial.error_classes) out.number(count);
  out.number(partial.error_codes.size());
  for (const auto& [code, count] : partial.error_codes) {
    out.text(code);
    out.number(count);
    out.byte(partial.named_codes.contains(code) ? 1 : 0);
  }
  out.number(partial.nodes.size());
  for (const auto& [name, node] : partial.nodes) {
    out.text(name);
    for (const auto count : kAttemptCounts) out.number(node.*count);
    encode_histogram(node.latency, out);
  }
  encode_parts(partial.plan_sources, out);
  encode_parts(partial.pipelines, out);
  encode_strata(partial.strata, out);
  encode_times(partial.open_runs, out);
  encode_histogram(partial.latency, out);
}

void encode(const std::map<PartialKey, KpiPartial>& partials, ByteWriter& out) {
  out.number(partials.size());
  for (const auto& [key, partial] : partials) {
    out.signed_number(key.slot.time_since_epoch().count());
    out.byte(static_cast<std::uint8_t>(key.population));
    out.byte(static_cast<std::uint8_t>(key.cohort));
    out.byte(key.age.number());
    encode(partial, out);
  }
}

void decode(ByteReader& in, KpiPartial& partial) {
  for (const auto count : kRunCounts) partial.*count = in.number();
  for (std::uint64_t& count : partial.error_classes) count = in.number();
  partial.named_codes.clear();
  decode_map(in, partial.error_codes, [&](std::uint64_t& count) {
    count = in.number();
    const std::uint8_t is_named = in.byte();
    if (is_named > 1) in.fail();
    if (is_named == 1) partial.named_codes.insert(partial.error_codes.rbegin()->first);
  });
  decode_map(in, partial.nodes, [&](NodePartial& node) {
    for (const auto count : kAttemptCounts) node.*count = in.number();
    node.latency = decode_histogram(in);
  });
  decode_parts(in, partial.plan_sources);
  decode_parts(in, partial.pipelines);
  decode_strata(in, partial.strata);
  decode_times(in, partial.open_runs);
  partial.latency = decode_histogram(in);
}

void decode(ByteReader& in, std::map<PartialKey, KpiPartial>& partials) {
  partials.clear();
  for (std::uint64_t left = in.count(1); left > 0 && in.ok(); --left) {
    PartialKey key{TimePoint(Microseconds(in.signed_number()))};
    const std::uint8_t population = in.byte();
    const std::uint8_t cohort = in.byte();
    const std::uint8_t age = in.byte();
    if (population > static_cast<std::uint8_t>(Population::non_dag)) in.fail();
    if (cohort > static_cast<std::uint8_t>(Cohort::control)) in.fail();
    if (age > AgeClass::kLast) in.fail();
    key.population = static_cast<Population>(population);
    key.cohort = static_cast<Cohort>(cohort);
    key.age = AgeClass(std::min(age, AgeClass::kLast));
    // Ascending, as names are: two sets never have the same bytes, nor one set two forms.
    if (!partials.empty() && key <= partials.rbegin()->first) in.fail();
    decode(in, partials.emplace_hint(partials.end(), key, KpiPartial{})->second);
  }
}

}  // namespace dagloop
