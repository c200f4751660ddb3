#include "dagloop/cycle/policy_files.hpp"

#include <catch2/catch.hpp>

#include "../../support/loop_world.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

const std::string kDigest(64, '1');
const WantedApproval kWanted{kDigest, "/reports/dag_policy_decision_latest.json"};

Approval approval_for(const std::string& digest) {
  return sign_approval({digest, "alice", kAsOf, kAsOf + std::chrono::hours{1}, ""},
                       approver_key().secret);
}

void put(LoopWorld& world, const std::string& name, const Approval& approval) {
  world.write("/approvals/" + name, to_pretty_json(approval_to_json(approval)));
}

}  // namespace

TEST_CASE("a file that is missing is named with what it is for") {
  LoopWorld world;
  CHECK_THROWS_WITH(read_json_file(world.memory, "no.json", "gate"),
                    Catch::StartsWith("config: no.json: the gate file does not exist; "));
  CHECK_THROWS_WITH(read_env_file(world.memory, "no.env"),
                    Catch::StartsWith("preflight: no.env: "));
  world.config.policy.rules = "no.json";
  CHECK_THROWS_WITH(read_rules(world.memory, world.config.policy), Catch::Contains("policy rules"));
}

TEST_CASE("a document is checked against its schema, naming file and place") {
  LoopWorld world;
  world.write(world.config.policy.allowlist,
              R"({"schema": "dagloop.policy_allowlist/1", "keys": [{"name": "A"}]})");
  CHECK_THROWS_WITH(read_allowlist(world.memory, world.config.policy),
                    Catch::StartsWith("config: /etc/allowlist.json: "));
  world.write(world.config.policy.approvers, "{\n\n broken");
  CHECK_THROWS_WITH(read_approvers(world.memory, world.config.policy),
                    Catch::StartsWith("config: /etc/approvers.json:3: "));
}

TEST_CASE("approvals of the digest are found under any name of theirs, each once") {
  LoopWorld world;
  const Approval wanted = approval_for(kDigest);
  put(world, "dag_policy_approval_latest.json", wanted);
  put(world, "dag_policy_approval_20260225.json", wanted);
  put(world, "dag_policy_approval_other.json", approval_for(std::string(64, '2')));
  put(world, "approval.json", wanted);
  put(world, "dag_policy_approval_latest.json.tmp", wanted);
  std::vector<std::string> notes;
  const auto found = find_approvals(world.memory, world.config.policy, kWanted, notes);
  REQUIRE(found.size() == 1);
  CHECK(found.front().decision_digest == kDigest);
  CHECK(notes.empty());
}

TEST_CASE("approvals of other decisions are told, each once, where none of this one is found") {
  LoopWorld world;
  put(world, "dag_policy_approval_latest.json", approval_for(std::string(64, '2')));
  std::vector<std::string> notes;
  CHECK(find_approvals(world.memory, world.config.policy, kWanted, notes).empty());
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes.front(),
             Catch::StartsWith("/approvals/dag_policy_approval_latest.json is an approval of "
                               "another decision (222222222222…); approve the present one: ") &&
                 Catch::EndsWith("--decision /reports/dag_policy_decision_latest.json"));
  notes.clear();
  put(world, "dag_policy_approval_a.json", approval_for(kDigest));
  CHECK(find_approvals(world.memory, world.config.policy, kWanted, notes).size() == 1);
  CHECK(notes.empty());
}

TEST_CASE("an approval that cannot be read is told and passed over") {
  LoopWorld world;
  world.write("/approvals/dag_policy_approval_a.json", "{");
  world.write("/approvals/dag_policy_approval_b.json", "{}");
  put(world, "dag_policy_approval_c.json", approval_for(kDigest));
  std::vector<std::string> notes;
  CHECK(find_approvals(world.memory, world.config.policy, kWanted, notes).size() == 1);
  REQUIRE(notes.size() == 2);
  CHECK_THAT(notes.front(), Catch::Contains("dag_policy_approval_a.json"));
}

TEST_CASE("an approval that the system refuses to read is an error where none other is found") {
  class Unreadable : public MemoryFileSystem {
   public:
    std::optional<std::string> read_checked(const std::string& path,
                                            const FileCheck& check) override {
      if (!path.ends_with("_a.json")) return MemoryFileSystem::read_checked(path, check);
      throw Error(ErrorKind::preflight, path, "cannot be read: Input/output error", "check it");
    }
  };
  LoopWorld world;
  Unreadable files;
  files.write_synced("/approvals/dag_policy_approval_a.json", "x", {});
  std::vector<std::string> notes;
  CHECK_THROWS_WITH(find_approvals(files, world.config.policy, kWanted, notes),
                    Catch::Contains("dag_policy_approval_a.json: cannot be read"));
  files.write_synced("/approvals/dag_policy_approval_b.json",
                     to_pretty_json(approval_to_json(approval_for(kDigest))), {});
  CHECK(find_approvals(files, world.config.policy, kWanted, notes).size() == 1);
}

TEST_CASE("no directory of approvals means no approvals") {
  LoopWorld world;
  world.config.policy.approvals_dir = "/nowhere";
  std::vector<std::string> notes;
  CHECK(find_approvals(world.memory, world.config.policy, kWanted, notes).empty());
}

TEST_CASE("a second person's approval of one decision gets a name of its own, no other does") {
  LoopWorld world;
  const Approval alice = approval_for(kDigest);
  const auto stem_of = [&](const Approval& approval) {
    return approval_stem(world.memory, "/approvals", approval);
  };
  CHECK(stem_of(alice) == "dag_policy_approval");
  put(world, "dag_policy_approval_latest.json", alice);
  CHECK(stem_of(alice) == "dag_policy_approval");
  Approval other = alice;
  other.approver = "bob";
  CHECK(stem_of(other) == "dag_policy_approval_second");
  other.decision_digest = std::string(64, 'b');
  CHECK(stem_of(other) == "dag_policy_approval");
  world.write("/approvals/dag_policy_approval_latest.json", "{ broken");
  other.decision_digest = alice.decision_digest;
  CHECK(stem_of(other) == "dag_policy_approval");
}

TEST_CASE("a private key is written for its owner alone, read back, and never overwritten") {
  LoopWorld world;
  write_secret_key(world.memory, "/keys/alice.key", "secret");
  CHECK(world.memory.stat("/keys/alice.key")->mode == 0600);
  CHECK(read_secret_key(world.memory, "/keys/alice.key") == "secret");
  CHECK_THROWS_WITH(write_secret_key(world.memory, "/keys/alice.key", "another"),
                    Catch::Contains("never overwritten"));
  CHECK(read_secret_key(world.memory, "/keys/alice.key") == "secret");
}

TEST_CASE("a private key that is missing or that others may read is refused") {
  LoopWorld world;
  CHECK_THROWS_WITH(read_secret_key(world.memory, "/keys/none"),
                    Catch::StartsWith("approval: /keys/none: the private key does not exist"));
  world.memory.write_synced("/keys/open", "secret", FileAttributes{0640, {}, {}});
  CHECK_THROWS_WITH(read_secret_key(world.memory, "/keys/open"), Catch::Contains("chmod 600"));
  world.memory.write_synced("/keys/theirs", "secret", FileAttributes{0600, 1234, {}});
  CHECK_THROWS_WITH(
      read_secret_key(world.memory, "/keys/theirs"),
      Catch::StartsWith("approval: /keys/theirs: the private key belongs to uid 1234"));
}
