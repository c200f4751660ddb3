// An entry of the journal for tests that look at why it was written, and at nothing else.
#pragma once

#include <string>

#include "dagloop/state/state_store.hpp"

namespace dagloop::test {

inline JournalEvent journal_event(const std::string& why) {
  JournalEvent made;
  made.actor = "alice";
  made.why = why;
  return made;
}

}  // namespace dagloop::test
