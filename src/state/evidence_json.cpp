#include "state/evidence_json.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "dagloop/base/struct_codec.hpp"
#include "state/restore.hpp"

namespace dagloop {
namespace {

constexpr std::string_view kEvidenceSchema = "dagloop.evidence/1";
constexpr Count kNatural{"a count is negative", kRestore};

// A rate above 1 would make the logarithms of the sequential tests NaN, and NaN fires no trigger.
ArmCounts checked_arm(const JsonReader& place, std::uint64_t trials, std::uint64_t events) {
  if (events > trials) place.fail("has more events than trials", kRestore);
  return {trials, events};
}

Json arm_to_json(const ArmCounts& arm) { return Json(Json::Array{arm.trials, arm.events}); }

ArmCounts read_arm(const JsonReader& reader) {
  if (reader.elements().size() != 2) reader.fail("is no pair of counts", kRestore);
  const auto pair = read_json<std::vector<std::uint64_t>>(kNatural, reader);
  return checked_arm(reader, pair[0], pair[1]);
}

// The runs first, then those above each edge.
Json latency_counts_to_json(const LatencyCounts& counts) {
  std::vector<std::uint64_t> all = counts.above;
  if (counts.runs > 0) all.insert(all.begin(), counts.runs);
  return write_json(kNatural, all);
}

LatencyCounts read_latency_counts(const JsonReader& reader) {
  const auto all = read_json<std::vector<std::uint64_t>>(kNatural, reader);
  if (all.empty()) return {};
  LatencyCounts counts{all.front(), {all.begin() + 1, all.end()}};
  if (!are_counts_above_edges(counts.above, counts.runs)) {
    reader.fail("is no list of counts above each latency", kRestore);
  }
  return counts;
}

// A hash has all 64 bits; a whole number of JSON has them with a sign.
Json hash_to_json(std::uint64_t hash) { return std::bit_cast<std::int64_t>(hash); }

std::uint64_t read_hash(const JsonReader& place) {
  return std::bit_cast<std::uint64_t>(place.integer());
}

constexpr ByHand<std::uint64_t> kHash{+[](const std::uint64_t& hash) { return hash_to_json(hash); },
                                      &read_hash};

// Hundreds of users are kept: their counts stand by place, not by name.
constexpr std::array kUserCounts{
    &UserArm::runs,           &UserArm::failed,   &UserArm::auth_errors,
    &UserArm::server_errors,  &UserArm::timed,    &UserArm::slow,
    &UserArm::over_threshold, &UserArm::attempts, &UserArm::failed_attempts,
    &UserArm::aided};

Json user_to_json(const UserArm& user) {
  Json::Array all{hash_to_json(user.hash)};
  for (const auto count : kUserCounts) all.emplace_back(static_cast<std::int64_t>(user.*count));
  return Json(std::move(all));
}

UserArm read_user(const JsonReader& place) {
  const auto elements = place.elements();
  if (elements.size() != kUserCounts.size() + 1) place.fail("is no list of counts", kRestore);
  constexpr Count kOfUser{"is no count", kRestore, std::numeric_limits<std::uint32_t>::max()};
  UserArm user;
  user.hash = read_hash(elements.front());
  for (std::size_t i = 0; i < kUserCounts.size(); ++i) {
    kOfUser.read(elements[i + 1], user.*kUserCounts[i]);
  }
  return user;
}

Json user_counts_to_json(const UserCounts& user) {
  return Json(Json::Array{hash_to_json(user.hash), user.counts.trials, user.counts.events});
}

UserCounts read_user_counts(const JsonReader& place) {
  const auto elements = place.elements();
  if (elements.size() != 3) place.fail("is no list of counts", kRestore);
  UserCounts user{read_hash(elements[0]), {}};
  std::uint64_t trials = 0;
  std::uint64_t events = 0;
  kNatural.read(elements[1], trials);
  kNatural.read(elements[2], events);
  user.counts = checked_arm(place, trials, events);
  return user;
}

// What a bet has lost may be all of it: minus infinity, for which JSON has no number.
Json log_to_json(const double& log) { return std::isfinite(log) ? Json(log) : Json(); }

double read_log(const JsonReader& place) {
  if (place.value().is_null()) return -std::numeric_limits<double>::infinity();
  return place.number();
}

constexpr ByHand<ArmCounts> kArm{&arm_to_json, &read_arm};
constexpr ByHand<LatencyCounts> kLatencyCounts{&latency_counts_to_json, &read_latency_counts};
constexpr ByHand<UserArm> kUser{&user_to_json, &read_user};
constexpr ByHand<UserCounts> kUserPair{&user_counts_to_json, &read_user_counts};
constexpr ByHand<double> kLog{&log_to_json, &read_log};

bool is_one_a_discount(const std::vector<double>& logs) {
  return logs.empty() || logs.size() == kDiscounts;
}

bool is_by_discount(const RateEvidence& test) {
  return is_one_a_discount(test.greatest_log_e) &&
         std::ranges::all_of(test.log_wealth,
                             [](const auto& logs) { return logs.size() == kDiscounts; });
}

bool is_part(const Starts& starts) { return starts.unspent >= 0 && starts.unspent <= 1; }

template <typename Counts>
bool are_by_stratum(const std::vector<Counts>& strata) {
  const auto is_behind = [](const Counts& a, const Counts& b) { return a.stratum >= b.stratum; };
  return std::ranges::adjacent_find(strata, is_behind) == strata.end();
}

// Counts of a stratum that is none would be held against nothing.
bool are_strata_known(const Evidence& evidence) {
  const std::size_t known = evidence.strata ? evidence.strata->size() + 1 : 0;
  const auto are_of = [&](const auto& strata) {
    return are_by_stratum(strata) && (strata.empty() || strata.back().stratum < known);
  };
  const auto is_fine = [&](const RateEvidence& test) {
    return are_of(test.by_stratum) && are_of(test.open.strata) &&
           std::ranges::all_of(test.stretches,
                               [&](const Stretch& each) { return are_of(each.seen.strata); });
  };
  return (!evidence.strata || evidence.strata->size() <= kMostStrata) &&
         std::ranges::all_of(evidence.tests,
                             [&](const auto& each) { return is_fine(each.second); }) &&
         std::ranges::all_of(evidence.latency.slower, is_fine);
}

bool is_sample(const UserSample& sample) {
  const auto hash = [](const UserArm& user) { return user.hash; };
  return sample.by_hash.size() <= kSampledUsers && sample.heavy.size() <= kHeavyUsers &&
         std::ranges::is_sorted(sample.by_hash, {}, hash) &&
         std::ranges::is_sorted(sample.heavy, {}, hash);
}

constexpr auto kBlock = fields_of<Block>(field("subject", &Block::subject, kArm),
                                         field("reference", &Block::reference, kArm));

// Every test has some of each stratum: they stand by place, not by name.
void add_block(const Block& block, std::vector<std::uint64_t>& all) {
  for (const ArmCounts& arm : {block.subject, block.reference}) {
    all.push_back(arm.trials);
    all.push_back(arm.events);
  }
}

/// Reads the numbers of a stratum, its place first.
class StratumNumbers {
 public:
  explicit StratumNumbers(const JsonReader& place)
      : place_(place), all_(read_json<std::vector<std::uint64_t>>(kNatural, place)) {}

  void demand(bool is_fine) const {
    if (!is_fine) place_.fail("are no counts of a stratum", kRestore);
  }
  std::size_t size() const { return all_.size(); }
  std::uint8_t stratum() const {
    demand(!all_.empty() && all_.front() <= kMostStrata);
    return static_cast<std::uint8_t>(all_.front());
  }
  ArmCounts arm(std::size_t at) const { return checked_arm(place_, all_.at(at), all_.at(at + 1)); }
  Block block(std::size_t at) const { return {arm(at), arm(at + 2)}; }
  std::vector<std::uint64_t> from(std::size_t at) const {
    return {all_.begin() + static_cast<std::ptrdiff_t>(at), all_.end()};
  }

 private:
  JsonReader place_;
  std::vector<std::uint64_t> all_;
};

constexpr std::size_t kBlockNumbers = 5;   // with the place
constexpr std::size_t kFailedNumbers = 9;  // and those that failed

Json stratum_counts_to_json(const StratumCounts& counts) {
  std::vector<std::uint64_t> all{counts.stratum};
  add_block(counts.counts, all);
  if (counts.failed != Block() || !counts.above.empty()) add_block(counts.failed, all);
  all.insert(all.end(), counts.above.begin(), counts.above.end());
  return write_json(kNatural, all);
}

StratumCounts read_stratum_counts(const JsonReader& place) {
  const StratumNumbers numbers(place);
  const std::size_t size = numbers.size();
  numbers.demand(size == kBlockNumbers || size == kFailedNumbers ||
                 size == kFailedNumbers + kLatencyEdges);
  StratumCounts counts{numbers.stratum(), numbers.block(1), {}, {}};
  if (size >= kFailedNumbers) counts.failed = numbers.block(kBlockNumbers);
  if (size > kFailedNumbers) counts.above = numbers.from(kFailedNumbers);
  return counts;
}

Json stratum_evidence_to_json(const StratumEvidence& evidence) {
  std::vector<std::uint64_t> all{evidence.stratum};
  add_block(evidence.total, all);
  all.push_back(evidence.expectation.trials);
  all.push_back(evidence.expectation.events);
  return write_json(kNatural, all);
}

StratumEvidence read_stratum_evidence(const JsonReader& place) {
  const StratumNumbers numbers(place);
  numbers.demand(numbers.size() == kBlockNumbers + 2);
  return {numbers.stratum(), numbers.block(1), numbers.arm(kBlockNumbers)};
}

constexpr ByHand<StratumCounts> kStratumCounts{&stratum_counts_to_json, &read_stratum_counts};
constexpr ByHand<StratumEvidence> kStratumEvidence{&stratum_evidence_to_json,
                                                   &read_stratum_evidence};

constexpr auto kStratum = fields_of<Stratum>(field("pipeline", &Stratum::pipeline),
                                             field("plan_source", &Stratum::plan_source));

constexpr auto kStep =
    fields_of<StepCounts>(inlined(&StepCounts::counts, kBlock), field("start", &StepCounts::start),
                          field_or_default("users", &StepCounts::users, kUserPair),
                          field_or_default("above", &StepCounts::above, kNatural),
                          field("failed", &StepCounts::failed, kBlock),
                          field_or_default("strata", &StepCounts::strata, kStratumCounts));

constexpr auto kStarts = fields_of<Starts>(
    field("first", &Starts::first), field("last", &Starts::last),
    field("trials_since", &Starts::trials_since, kNatural), field("unspent", &Starts::unspent),
    must_hold(&is_part, "unspent", "is no part of a stake", kRestore));

constexpr auto kStretch =
    fields_of<Stretch>(field("log_gain", &Stretch::log_gain), field("seen", &Stretch::seen, kStep));

constexpr auto kTest = fields_of<RateEvidence>(
    field("open", &RateEvidence::open, kStep), field("total", &RateEvidence::total, kBlock),
    field("expectation", &RateEvidence::expectation, kArm),
    field("by_stratum", &RateEvidence::by_stratum, kStratumEvidence),
    field("starts", &RateEvidence::starts, kStarts),
    field("log_wealth", &RateEvidence::log_wealth, kLog),
    field("greatest_log_e", &RateEvidence::greatest_log_e, kLog),
    field("stretches", &RateEvidence::stretches, kStretch),
    must_hold(&is_by_discount, "log_wealth", "has not a number a discount", kRestore));

constexpr auto kFixed = fields_of<FixedBaseline>(
    field("policy", &FixedBaseline::policy), field("since", &FixedBaseline::since),
    field("until", &FixedBaseline::until), field("counted", &FixedBaseline::counted, kArm),
    field("bound", &FixedBaseline::bound), field("later", &FixedBaseline::later, kTest));

constexpr auto kLatency =
    fields_of<LatencyEvidence>(field("subject", &LatencyEvidence::subject, kLatencyCounts),
                               field("reference", &LatencyEvidence::reference, kLatencyCounts),
                               field("slower", &LatencyEvidence::slower, kTest),
                               field("greatest_log_e", &LatencyEvidence::greatest_log_e, kLog));

constexpr auto kSample = fields_of<UserSample>(
    field("by_hash", &UserSample::by_hash, kUser),
    field("last_hash", &UserSample::last_hash, kHash), field("heavy", &UserSample::heavy, kUser),
    must_hold(&is_sample, "", "is no sample of users", kRestore));

constexpr auto kCollected = fields_of<Evidence>(
    shown("schema", [](const Evidence&) { return kEvidenceSchema; }),
    field("subject", &Evidence::subject), field("percent", &Evidence::percent, kNatural),
    field("percent_before", &Evidence::percent_before, kNatural),
    field("percent_since", &Evidence::percent_since), field("since", &Evidence::since),
    field("until", &Evidence::until), field("step", &Evidence::step),
    field("step_before", &Evidence::step_before),
    inlined(&Evidence::limits,
            fields_of<SlowLimits>(field_or_default("slow_ms", &SlowLimits::usual),
                                  field_or_default("threshold_ms", &SlowLimits::absolute),
                                  field_or_default("tolerated_ms", &SlowLimits::tolerated))),
    inlined(&Evidence::tolerance,
            fields_of<RatioTolerance>(
                field_or_default("tolerated_errors", &RatioTolerance::errors),
                field_or_default("tolerated_attempts", &RatioTolerance::attempts))),
    field("strata", &Evidence::strata, kStratum), field("tests", &Evidence::tests, kTest),
    field("latency", &Evidence::latency, kLatency),
    field_or_default("fixed", &Evidence::fixed, kFixed),
    field("subject_users", &Evidence::subject_users, kSample),
    field("reference_users", &Evidence::reference_users, kSample),
    field("day_effects", &Evidence::day_effects),
    must_hold(&are_strata_known, "strata", "are not those of the counts", kRestore));

}  // namespace

Json evidence_to_json(const Evidence& evidence) {
  return evidence.subject.empty() ? Json() : write_json(kCollected, evidence);
}

Evidence read_evidence(const JsonReader& reader) {
  const auto schema = reader.find("schema");
  if (!schema || schema->string() != kEvidenceSchema) {
    reader.fail("is no evidence of this version", kRestore);
  }
  return read_json<Evidence>(kCollected, reader);
}

}  // namespace dagloop
