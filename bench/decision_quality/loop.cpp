#include "loop.hpp"

#include "engine_loop.hpp"
#include "other_loops.hpp"
#include "tool_loop.hpp"

namespace dagloop::bench {

const std::vector<std::string>& loop_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"this engine"};
    all.insert(all.end(), other_names().begin(), other_names().end());
    return all;
  }();
  return names;
}

std::unique_ptr<Loop> make_loop(const std::string& name, const Story& story, TimePoint start,
                                const std::string& tools) {
  if (name == "the executables") return make_tool_loop(story, tools);
  if (name == "this engine") return make_engine_loop(story, start);
  return make_other_loop(name, story, start);
}

}  // namespace dagloop::bench
