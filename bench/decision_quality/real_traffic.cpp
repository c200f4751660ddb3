// Rollouts on real traffic under this engine and the rules that others use: one CSV line a story
// and rule; see docs/decision-quality.md.
// usage: real_traffic [-n ROLLOUTS] [-t no-change|faults] [-s STORY] [-r RULE] [-b BIN_DIR]
// (RULE "the executables" runs those of BIN_DIR; ROLLOUTS of this engine, a fifth of that of each
// other rule)
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <thread>

#include "loop.hpp"
#include "story_figures.hpp"

namespace dagloop::bench {
namespace {

struct Asked {
  std::size_t rollouts = 1000;
  std::string table;
  std::string story;
  std::string rule;
  std::string tools = "build/release/bin";
};

bool is_asked(const std::string& asked, const std::string& name) {
  return asked.empty() || asked == name;
}

std::vector<StoryOutcome> tell_all(const Story& story, const std::string& rule,
                                   std::size_t rollouts, const std::string& tools) {
  std::vector<StoryOutcome> outcomes(rollouts);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < rollouts; i = next++) {
      outcomes[i] = tell(story, rule, 20260301 + i, tools);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

void print_story(const Story& story, const Asked& asked) {
  std::vector<std::string> rules = loop_names();
  if (!asked.rule.empty()) rules = {asked.rule};
  for (const std::string& rule : rules) {
    const bool is_first = rule == rules.front();
    const std::size_t count =
        is_first ? asked.rollouts : std::max<std::size_t>(1, asked.rollouts / 5);
    const auto outcomes = tell_all(story, rule, count, asked.tools);
    fmt::print("{}", csv_line(story, rule, figures_of_story(story, outcomes)));
    std::fflush(stdout);
  }
}

int print_tables(const Asked& asked) {
  bool has_printed = false;
  for (const auto& [name, stories] :
       {std::pair<std::string, const std::vector<Story>&>{"no-change", stories_of_no_change()},
        {"faults", stories_of_faults()}}) {
    if (!is_asked(asked.table, name)) continue;
    for (const Story& story : stories) {
      if (!is_asked(asked.story, story.name)) continue;
      if (!has_printed) fmt::print("{}", csv_head());
      has_printed = true;
      print_story(story, asked);
    }
  }
  return has_printed ? 0 : 2;
}

}  // namespace
}  // namespace dagloop::bench

int main(int argc, char** argv) {
  using namespace dagloop::bench;
  Asked asked;
  for (int option = 0; (option = ::getopt(argc, argv, "n:t:s:r:b:")) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    if (option == 'n') asked.rollouts = std::strtoull(value.c_str(), nullptr, 10);
    if (option == 't') asked.table = value;
    if (option == 's') asked.story = value;
    if (option == 'r') asked.rule = value;
    if (option == 'b') asked.tools = value;
    if (option == '?') return 2;
  }
  const auto& names = loop_names();
  const bool is_rule = asked.rule.empty() || asked.rule == "the executables" ||
                       std::find(names.begin(), names.end(), asked.rule) != names.end();
  if (asked.rollouts == 0 || !is_rule || print_tables(asked) != 0) {
    fmt::print(stderr,
               "usage: real_traffic [-n ROLLOUTS] [-t no-change|faults] [-s STORY] [-r RULE] "
               "[-b BIN_DIR]\n");
    return 2;
  }
  return 0;
}
