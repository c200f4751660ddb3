#include <catch2/catch.hpp>

#include "dagloop/base/digest.hpp"
#include "dagloop/policy/approval.hpp"
#include "errors.hpp"

using namespace dagloop;
using namespace dagloop::test;

namespace {

// RFC 8032, section 7.1, tests 1 and 2: secret and public key.
constexpr const char* kSeed1 = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
constexpr const char* kPublic1 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr const char* kSeed2 = "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=";
constexpr const char* kPublic2 = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";

std::string secret_of(const std::string& seed) { return "dagloop-ed25519-secret-1 " + seed + "\n"; }

}  // namespace

TEST_CASE("public keys are those of RFC 8032 for its secret keys") {
  CHECK(public_key_of(secret_of(kSeed1)) == kPublic1);
  CHECK(public_key_of(secret_of(kSeed2)) == kPublic2);
}

TEST_CASE("the signed bytes are those of the format, signed as another Ed25519 signs them") {
  // openssl pkeyutl -sign -rawin, with the key of RFC 8032's test 1, over the line
  // dagloop.policy_approval/1 and {"approved_at":"2026-03-01T10:00:00Z","approver":"alice",...}.
  Approval approval;
  approval.approver = "alice";
  for (int i = 0; i < 32; ++i) approval.decision_digest += "ab";
  approval.approved_at = *parse_time("2026-03-01T10:00:00Z");
  approval.expires_at = *parse_time("2026-03-02T10:00:00Z");
  CHECK(sign_approval(approval, secret_of(kSeed1)).signature ==
        "D1/yc+O3MxyS9u/w/IN1IFfeGr+/uSQhC4oW1Nw4888qzSOA3vj9Uf9tSdWRSbnExKtG+8pQUc3l0j9HTxzHCw==");
}

TEST_CASE("a private key is one line of the format, and no two are the same") {
  const KeyPair pair = generate_key_pair();
  REQUIRE(pair.secret.starts_with("dagloop-ed25519-secret-1 "));
  CHECK(pair.secret.ends_with("\n"));
  const std::string seed = pair.secret.substr(25, pair.secret.size() - 26);
  CHECK(from_base64(seed).value().size() == 32);
  CHECK(from_base64(pair.public_key).value().size() == 32);
  CHECK(public_key_of(pair.secret) == pair.public_key);
  const KeyPair other = generate_key_pair();
  CHECK(other.secret != pair.secret);
  CHECK(other.public_key != pair.public_key);
}

TEST_CASE("a private key is read with any line end, or none") {
  const std::string line = "dagloop-ed25519-secret-1 " + std::string(kSeed1);
  for (const std::string end : {"", "\n", "\r\n", "\n\n"}) {
    CHECK(public_key_of(line + end) == kPublic1);
  }
}

TEST_CASE("what is no private key of this format signs nothing and is not shown") {
  const std::string seed = kSeed1;
  for (const std::string& secret :
       {std::string(), std::string("\n"), seed, "dagloop-ed25519-secret-2 " + seed,
        "dagloop-ed25519-secret-1" + seed, "dagloop-ed25519-secret-1  " + seed,
        "dagloop-ed25519-secret-1 " + seed.substr(4), "dagloop-ed25519-secret-1 AAAA" + seed,
        "dagloop-ed25519-secret-1 " + seed.substr(0, 43), "dagloop-ed25519-secret-1 ?" + seed,
        secret_of(kSeed1) + secret_of(kSeed2), " " + secret_of(kSeed1),
        std::string("-----BEGIN PRIVATE KEY-----\n")}) {
    INFO(secret);
    for (const auto& thrown : {thrown_by([&] { static_cast<void>(public_key_of(secret)); }),
                               thrown_by([&] { static_cast<void>(sign_approval({}, secret)); })}) {
      REQUIRE(thrown.has_value());
      CHECK(thrown->kind == ErrorKind::approval);
      CHECK(contains(thrown->message, "is no key of this format"));
      CHECK_FALSE(contains(thrown->message, seed.substr(4, 8)));
    }
  }
}
