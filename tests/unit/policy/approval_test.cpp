#include "dagloop/policy/approval.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <functional>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/json_schema.hpp"
#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const TimePoint kNow = *parse_time("2026-03-01T12:00:00Z");
const std::string kDigest(64, 'a');

// A key pair of a fixed seed.
KeyPair pair_of(char seed) {
  KeyPair pair;
  pair.secret = "dagloop-ed25519-secret-1 " + to_base64(std::string(32, seed)) + "\n";
  pair.public_key = public_key_of(pair.secret);
  return pair;
}

Approver approver(const std::string& name, char seed) {
  return {name, pair_of(seed).public_key, {}, {}};
}

Approval signed_by(const std::string& name, char seed) {
  return sign_approval({kDigest, name, kNow - hours(1), kNow + hours(1), ""}, pair_of(seed).secret);
}

ApprovalDemand demand() {
  return {kDigest, kNow + hours(2), "loop", ApprovalDemand::People::one, kNow};
}

std::string fault(const Approval& approval, const std::vector<Approver>& approvers,
                  const ApprovalDemand& wanted = demand()) {
  return approval_fault(approval, approvers, wanted).value_or("");
}

std::vector<Approver> parse_entries(const std::string& text) {
  return parse_approvers(parse_json(text, "approvers.json"), "approvers.json");
}

void check_entries_refused(const std::string& entries, const std::string& path,
                           const std::string& what) {
  INFO(entries);
  const auto thrown = thrown_by([&] { parse_entries(R"({"approvers": [)" + entries + "]}"); });
  REQUIRE(thrown.has_value());
  CHECK(thrown->kind == ErrorKind::config);
  CHECK(contains(thrown->message, "approvers.json: " + path + ": "));
  CHECK(contains(thrown->message, what));
}

std::string entry(const Approver& who) { return to_compact_json(approver_entry(who)); }

}  // namespace

TEST_CASE("an approval holds when one of the approvers signed this very decision in time") {
  CHECK(fault(signed_by("alice", 'a'), {approver("bob", 'b'), approver("alice", 'a')}).empty());
}

TEST_CASE("an approval for another decision does not hold") {
  ApprovalDemand other = demand();
  other.decision_digest = std::string(63, 'a') + "b";
  CHECK(contains(fault(signed_by("alice", 'a'), {approver("alice", 'a')}, other),
                 "another decision"));
}

TEST_CASE("an approval of which anything was changed behind the signature does not hold") {
  const std::vector<Approver> approvers{approver("alice", 'a'), approver("alicf", 'b')};
  const std::vector<std::function<void(Approval&)>> edits{
      [](Approval& a) { a.approver = "alicf"; },
      [](Approval& a) { a.approved_at += Microseconds(1); },
      [](Approval& a) { a.approved_at -= hours(1); },
      [](Approval& a) { a.expires_at += seconds(1); },
      [](Approval& a) { a.expires_at -= Microseconds(1); },
      [](Approval& a) { a.signature.clear(); },
      [](Approval& a) { a.signature = to_base64(std::string(64, '\0')); },
      [](Approval& a) { a.signature = to_base64(*from_base64(a.signature) + "x"); },
      [](Approval& a) { a.signature = a.signature.substr(4); },
      [](Approval& a) { a.signature += "\n"; },
      [](Approval& a) { a.signature = "?" + a.signature.substr(1); }};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    INFO(i);
    Approval approval = signed_by("alice", 'a');
    edits[i](approval);
    CHECK(contains(fault(approval, approvers), "the signature is not that of"));
  }
}

TEST_CASE("an approval whose digest was changed to the wanted one does not hold") {
  Approval approval = signed_by("alice", 'a');
  ApprovalDemand other = demand();
  other.decision_digest = std::string(64, 'b');
  approval.decision_digest = other.decision_digest;
  CHECK(contains(fault(approval, {approver("alice", 'a')}, other), "the signature is not that of"));
}

TEST_CASE("a signature with any one bit changed does not hold") {
  const Approval approval = signed_by("alice", 'a');
  const std::string signature = *from_base64(approval.signature);
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    std::string bytes = signature;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    Approval edited = approval;
    edited.signature = to_base64(bytes);
    REQUIRE(fault(edited, {approver("alice", 'a')}) != "");
  }
}

TEST_CASE("an approval of somebody who is no approver does not hold") {
  CHECK(contains(fault(signed_by("mallory", 'm'), {approver("alice", 'a')}),
                 "mallory is not among the approvers"));
  CHECK(contains(fault(signed_by("alice", 'a'), {}), "alice is not among the approvers"));
  CHECK(contains(fault(signed_by("alice", 'a'), {approver("Alice", 'a')}), "not among"));
}

TEST_CASE("an approval in the name of an approver with somebody else's key does not hold") {
  CHECK(contains(fault(signed_by("alice", 'm'), {approver("alice", 'a'), approver("bob", 'm')}),
                 "the signature is not that of alice"));
}

TEST_CASE("a name that nobody vouches for cannot write control characters into a message") {
  CHECK_FALSE(contains(fault(signed_by("\x1b[2Jx", 'm'), {}), "\x1b"));
}

TEST_CASE("an approval holds before its expiry and not from then on") {
  const std::vector<Approver> approvers{approver("alice", 'a')};
  ApprovalDemand wanted = demand();
  wanted.now = kNow + hours(1) - Microseconds(1);
  CHECK(fault(signed_by("alice", 'a'), approvers, wanted).empty());
  wanted.now = kNow + hours(1);
  CHECK(contains(fault(signed_by("alice", 'a'), approvers, wanted), "the approval expired at"));
}

TEST_CASE("an approval does not hold once the decision has expired, however long it is itself") {
  ApprovalDemand wanted = demand();
  wanted.decision_expires_at = kNow;
  CHECK(contains(fault(signed_by("alice", 'a'), {approver("alice", 'a')}, wanted),
                 "the decision expired at 2026-03-01T12:00:00Z"));
}

TEST_CASE("a key counts until it is revoked or expires, and not from then on") {
  Approver alice = approver("alice", 'a');
  SECTION("revoked") {
    alice.revoked_at = kNow + Microseconds(1);
    CHECK(fault(signed_by("alice", 'a'), {alice}).empty());
    alice.revoked_at = kNow;
    CHECK(contains(fault(signed_by("alice", 'a'), {alice}), "the key of alice was revoked"));
  }
  SECTION("expired") {
    alice.expires_at = kNow + Microseconds(1);
    CHECK(fault(signed_by("alice", 'a'), {alice}).empty());
    alice.expires_at = kNow;
    CHECK(contains(fault(signed_by("alice", 'a'), {alice}), "the key of alice has expired"));
  }
}

TEST_CASE("a revoked key does not count for what was signed before it was revoked") {
  Approver alice = approver("alice", 'a');
  alice.revoked_at = kNow - seconds(1);
  Approval approval{kDigest, "alice", kNow - hours(5), kNow + hours(1), ""};
  CHECK(fault(sign_approval(approval, pair_of('a').secret), {alice}) != "");
}

TEST_CASE("of a name's several keys the one that signed counts, in whatever order they stand") {
  Approver old_key = approver("alice", 'a');
  old_key.revoked_at = kNow - hours(1);
  const Approver new_key = approver("alice", 'n');
  for (const auto& approvers : {std::vector{old_key, new_key}, std::vector{new_key, old_key}}) {
    CHECK(fault(signed_by("alice", 'n'), approvers).empty());
    CHECK(contains(fault(signed_by("alice", 'a'), approvers), "was revoked"));
    CHECK(contains(fault(signed_by("alice", 'x'), approvers), "the signature is not that of"));
  }
}

TEST_CASE("two keys of one name are both good while both are valid") {
  const std::vector<Approver> approvers{approver("alice", 'a'), approver("alice", 'n')};
  CHECK(fault(signed_by("alice", 'a'), approvers).empty());
  CHECK(fault(signed_by("alice", 'n'), approvers).empty());
}

TEST_CASE("who proposed may not approve where two people are asked for") {
  ApprovalDemand wanted = demand();
  wanted.people = ApprovalDemand::People::two;
  const std::vector<Approver> approvers{approver("alice", 'a'), approver("bob", 'b')};
  wanted.proposed_by = "alice";
  CHECK(contains(fault(signed_by("alice", 'a'), approvers, wanted), "may not approve it"));
  CHECK(fault(signed_by("bob", 'b'), approvers, wanted).empty());
  wanted.people = ApprovalDemand::People::one;
  CHECK(fault(signed_by("alice", 'a'), approvers, wanted).empty());
}

TEST_CASE("one approval that holds allows a change, whatever others come with it") {
  const std::vector<Approver> approvers{approver("alice", 'a'), approver("bob", 'b')};
  const auto bad = signed_by("bob", 'x');
  const ApprovalFinding found =
      judge_approvals({bad, signed_by("alice", 'a')}, approvers, demand());
  CHECK(found.outcome == ApprovalFinding::Outcome::allowed);
  CHECK(approved_by(found.by) == "approved by alice");
  CHECK(judge_approvals({bad}, approvers, demand()).outcome == ApprovalFinding::Outcome::refused);
  CHECK(judge_approvals({}, approvers, demand()).outcome == ApprovalFinding::Outcome::incomplete);
}

TEST_CASE("two people are two names with two keys, neither of whom proposed") {
  using Outcome = ApprovalFinding::Outcome;
  ApprovalDemand wanted = demand();
  wanted.people = ApprovalDemand::People::two;
  wanted.proposed_by = "dave";
  // alice has two keys; bob has one of his own, and alice's.
  const std::vector<Approver> approvers{approver("alice", 'a'), approver("alice", 'n'),
                                        approver("bob", 'b'), approver("bob", 'a'),
                                        approver("dave", 'd')};
  const auto alice = signed_by("alice", 'a');
  const auto alice_new = signed_by("alice", 'n');
  const auto bob = signed_by("bob", 'b');
  const auto bob_as_alice = signed_by("bob", 'a');
  const auto judged = [&](const std::vector<Approval>& approvals) {
    return judge_approvals(approvals, approvers, wanted);
  };
  CHECK(judged({alice, bob}).outcome == Outcome::allowed);
  CHECK(approved_by(judged({alice, bob}).by) == "approved by alice and bob");
  CHECK(judged({alice}).outcome == Outcome::incomplete);
  CHECK(judged({alice, alice}).outcome == Outcome::incomplete);
  CHECK(judged({alice, alice_new}).outcome == Outcome::incomplete);
  CHECK(judged({alice, bob_as_alice}).outcome == Outcome::incomplete);
  CHECK(contains(judged({alice, bob_as_alice}).why, "each with a key of their own"));
  CHECK(judged({alice, bob_as_alice, alice_new}).outcome == Outcome::allowed);
  CHECK(judged({alice, signed_by("dave", 'd')}).outcome == Outcome::refused);
  CHECK(judged({alice, signed_by("dave", 'd'), bob}).outcome == Outcome::allowed);
  CHECK(judged({alice, signed_by("bob", 'x')}).outcome == Outcome::refused);
}

TEST_CASE("a public key of small order, or not canonical, is refused") {
  const std::string zeros(31, '\0');
  const std::string ones(30, '\xFF');
  for (const std::string& bytes :
       {'\0' + zeros, '\1' + zeros,                 // order 4, the neutral element
        std::string(1, '\xEC') + ones + '\x7F',     // order 2
        std::string(1, '\xED') + ones + '\x7F',     // zero, written as p
        std::string(1, '\xEE') + ones + '\x7F'}) {  // one, written as p + 1
    check_entries_refused(R"({"name": "a", "public_key": ")" + to_base64(bytes) + "\"}",
                          "approvers[0].public_key", "weak Ed25519 public key");
  }
}

TEST_CASE("a signature that is all zeros, or was made to look different, does not hold") {
  const std::vector<Approver> approvers{approver("alice", 'a')};
  const Approval good = signed_by("alice", 'a');
  std::string bytes = *from_base64(good.signature);
  Approval other = good;
  other.signature = to_base64(std::string(64, '\0'));
  CHECK_FALSE(fault(other, approvers).empty());
  // The response plus the group's order: the same modulo the order, and refused (RFC 8032, 5.1.7).
  constexpr std::array<unsigned, 32> kOrder{0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58,
                                            0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
                                            0,    0,    0,    0,    0,    0,    0,    0,
                                            0,    0,    0,    0,    0,    0,    0,    0x10};
  unsigned carry = 0;
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    carry += kOrder[i] + static_cast<unsigned char>(bytes[32 + i]);
    bytes[32 + i] = static_cast<char>(carry & 0xFFU);
    carry >>= 8U;
  }
  other.signature = to_base64(bytes);
  CHECK_FALSE(fault(other, approvers).empty());
  CHECK(fault(good, approvers).empty());
}

TEST_CASE("each fault says what to do") {
  Approver revoked = approver("alice", 'a');
  revoked.revoked_at = kNow;
  ApprovalDemand late = demand();
  late.now = kNow + hours(1);
  for (const std::string& sentence :
       {fault(signed_by("alice", 'a'), {}), fault(signed_by("alice", 'a'), {revoked}),
        fault(signed_by("alice", 'a'), {approver("alice", 'x')}),
        fault(signed_by("alice", 'a'), {approver("alice", 'a')}, late)}) {
    INFO(sentence);
    CHECK(contains(sentence, ": "));
    CHECK(sentence.find(": ") + 2 < sentence.size());
  }
}

TEST_CASE("an approval document reads back the same, fits its schema and still holds") {
  Approval approval{kDigest, "alice \"a\" \xC3\xA9", kNow - Microseconds(123456), kNow + hours(1),
                    ""};
  approval = sign_approval(approval, pair_of('a').secret);
  const Json document = approval_to_json(approval);
  CHECK_NOTHROW(validate_schema(document, "approval", "a.json"));
  const Json reread = parse_json(to_pretty_json(document), "a.json");
  const Approval read = approval_from_json(reread, "a.json");
  CHECK(read.decision_digest == approval.decision_digest);
  CHECK(read.approver == approval.approver);
  CHECK(read.approved_at == approval.approved_at);
  CHECK(read.expires_at == approval.expires_at);
  CHECK(read.signature == approval.signature);
  CHECK(fault(read, {approver(approval.approver, 'a')}).empty());
}

TEST_CASE("an approval document with a member missing, unknown or malformed is refused") {
  const Json document = approval_to_json(signed_by("alice", 'a'));
  for (const auto& [name, value] : document.as_object()) {
    INFO(name);
    Json less = document;
    std::erase_if(less.as_object(),
                  [&name = name](const Json::Member& member) { return member.first == name; });
    Json number = document;
    number[name] = 5;
    Json empty = document;
    empty[name] = "";
    for (const Json& bad : {less, number, empty}) {
      const auto thrown = thrown_by([&] { static_cast<void>(approval_from_json(bad, "a.json")); });
      REQUIRE(thrown.has_value());
      CHECK(thrown->kind == ErrorKind::config);
      CHECK(contains(thrown->message, "a.json"));
    }
  }
  Json more = document;
  more["comment"] = "x";
  CHECK(thrown_by([&] { static_cast<void>(approval_from_json(more, "a.json")); }).has_value());
  Json other = document;
  other["schema"] = "dagloop.policy_approval/2";
  CHECK(thrown_by([&] { static_cast<void>(approval_from_json(other, "a.json")); }).has_value());
}

TEST_CASE("an approver's entry reads back the same and fits the schema") {
  Approver alice = approver("alice", 'a');
  Approver bob = approver("bob", 'b');
  bob.expires_at = kNow;
  bob.revoked_at = kNow - hours(1);
  const Json document =
      Json::object({{"approvers", Json::Array{approver_entry(alice), approver_entry(bob)}}});
  CHECK_NOTHROW(validate_schema(document, "approvers", "approvers.json"));
  const auto read = parse_approvers(document, "approvers.json");
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "alice");
  CHECK(read[0].public_key == alice.public_key);
  CHECK_FALSE(read[0].expires_at.has_value());
  CHECK_FALSE(read[0].revoked_at.has_value());
  CHECK(read[1].expires_at == bob.expires_at);
  CHECK(read[1].revoked_at == bob.revoked_at);
}

TEST_CASE("an approvers file without approvers is valid: nobody may approve") {
  CHECK(parse_entries(R"({"approvers": []})").empty());
}

TEST_CASE("an approvers file with a fault is refused with its place") {
  const std::string alice = entry(approver("alice", 'a'));
  check_entries_refused(R"({"name": "a"})", "approvers[0]", "\"public_key\" is missing");
  check_entries_refused(R"({"name": "a", "public_key": "AAAA"})", "approvers[0].public_key",
                        "no Ed25519 public key");
  check_entries_refused(R"({"name": "a", "public_key": "not base64!"})", "approvers[0].public_key",
                        "no Ed25519 public key");
  check_entries_refused(R"({"name": "", "public_key": ")" + pair_of('a').public_key + "\"}",
                        "approvers[0].name", "is empty");
  check_entries_refused(alice + "," + alice, "approvers[1]", "stands twice");
  check_entries_refused(R"({"name": "a", "public_key": ")" + pair_of('a').public_key +
                            R"(", "revoked_at": "yesterday"})",
                        "approvers[0].revoked_at", "");
  check_entries_refused(
      R"({"name": "a", "public_key": ")" + pair_of('a').public_key + R"(", "revoked": true})",
      "approvers[0].revoked", "");
  CHECK(thrown_by([] { parse_entries("{}"); }).has_value());
}

TEST_CASE("one name with two keys, and two names with one key, are both allowed") {
  CHECK(parse_entries(R"({"approvers": [)" + entry(approver("a", 'a')) + "," +
                      entry(approver("a", 'n')) + "," + entry(approver("b", 'a')) + "]}")
            .size() == 3);
}
