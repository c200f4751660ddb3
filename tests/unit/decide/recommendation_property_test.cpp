#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "decide_case.hpp"

namespace dagloop {
namespace {

using test::make_enum;
using test::make_key;
using test::make_node;
using test::make_rule;
using test::make_runs_with_errors;
using test::QualityBuilder;
using Operation = PolicyRule::Operation;

/// Random rules, keys, values and figures from one seed.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) add_key("K" + std::to_string(i));
    keys_.push_back(make_enum("MODE", {"a", "b", "c"}));
    values_["MODE"] = "a";
    for (int i = 0; i < 15; ++i) add_rule("r" + std::to_string(i));
  }

  const std::vector<KeySpec>& keys() const { return keys_; }
  const PolicyValues& values() const { return values_; }

  RecommendationSet recommend_once() {
    const auto errors = static_cast<std::uint64_t>(number(0, 100));
    KpiPartial runs = make_runs_with_errors(100, 100 - errors, {{"TOOL_TIMEOUT", errors}});
    runs.nodes["n"] = make_node(100, static_cast<std::uint64_t>(number(0, 100)), 50, 25);
    return recommend(rules_, QualityBuilder().current(runs).build(), keys_, values_);
  }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  void add_key(const std::string& name) {
    const int a = number(0, 1000);
    const int b = number(0, 1000);
    const auto type = number(0, 1) == 0 ? KeyType::int_ : KeyType::float_;
    std::optional<double> max_step;
    if (number(0, 2) > 0) max_step = number(1, 400) / 2.0;
    keys_.push_back(make_key(name, type, std::min(a, b), std::max(a, b), max_step));
    // One in ten stands outside its bounds; one in ten is not in the env file.
    const int kind = number(0, 9);
    const int value = kind == 0 ? number(0, 1000) : number(std::min(a, b), std::max(a, b));
    if (kind != 1) values_[name] = std::to_string(value);
  }

  void add_rule(const std::string& id) {
    const std::string key = number(0, 9) == 0 ? "UNKNOWN" : keys_[index(keys_.size())].name;
    const auto operation = static_cast<Operation>(number(0, 2));
    std::string operand = std::to_string(number(1, 3000) / 1000.0);
    if (operation == Operation::add) operand = std::to_string(number(-500, 500));
    if (operation == Operation::set) operand = number(0, 1) == 0 ? "b" : "500";
    PolicyRule rule = make_rule(id, number(1, 5), "error_rate.timeout", number(0, 100) / 100.0, key,
                                operation, operand);
    if (number(0, 3) == 0)
      rule.when[0] = {RuleCondition::Scope::node, "failure_rate", Comparator::at_least,
                      number(0, 100) / 100.0, 20};
    rules_.push_back(rule);
  }

  std::size_t index(std::size_t size) {
    return static_cast<std::size_t>(number(0, static_cast<int>(size) - 1));
  }

  std::mt19937_64 random_;
  std::vector<KeySpec> keys_;
  std::vector<PolicyRule> rules_;
  PolicyValues values_;
};

TEST_CASE("every recommendation is an allowed step of an allowlisted key that the env file has") {
  std::size_t seen = 0;
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    World world(seed);
    for (const Recommendation& r : world.recommend_once().recommendations) {
      CAPTURE(seed, r.rule, r.env_key, r.current, r.suggested);
      const KeySpec* spec = find_key(world.keys(), r.env_key);
      REQUIRE(spec != nullptr);
      REQUIRE(world.values().count(r.env_key) == 1);
      CHECK(world.values().at(r.env_key) == r.current);
      CHECK(value_fault(*spec, r.suggested) == std::nullopt);
      CHECK(step_fault(*spec, r.current, r.suggested) == std::nullopt);
      CHECK(r.suggested != r.current);
      CHECK_FALSE(r.evidence.empty());
      ++seen;
    }
  }
  CHECK(seen > 1500);
}

TEST_CASE("there are never two recommendations for one key, and ranks never fall") {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    World world(seed);
    const auto recommendations = world.recommend_once().recommendations;
    std::set<std::string> keys;
    for (const Recommendation& r : recommendations) {
      CAPTURE(seed, r.env_key);
      CHECK(keys.insert(r.env_key).second);
    }
    CHECK(std::is_sorted(recommendations.begin(), recommendations.end(),
                         [](const auto& a, const auto& b) { return a.rank < b.rank; }));
  }
}

TEST_CASE("the same rules, figures and values give the same recommendations") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World first(seed);
    World second(seed);
    const RecommendationSet a = first.recommend_once();
    const RecommendationSet b = second.recommend_once();
    CHECK(a.recommendations == b.recommendations);
    CHECK(a.dropped == b.dropped);
  }
}

}  // namespace
}  // namespace dagloop
