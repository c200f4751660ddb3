// An executable that has a bug, to see how the shared main function ends it.
#include <stdexcept>

#include "dagloop/base/assert.hpp"
#include "tool_main.hpp"

int main(int argc, char** argv) {
  bool asserts = false;
  return dagloop::tool_main(
      argc, argv,
      {"tool_with_a_bug", "Ends by a bug.",
       [&](CLI::App& app) { app.add_flag("--assert", asserts, "by an assertion"); },
       [&]() -> dagloop::ExitCode {
         DAGLOOP_ASSERT(!asserts);
         throw std::logic_error("an index went astray");
       }});
}
