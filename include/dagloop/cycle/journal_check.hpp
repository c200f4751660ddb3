// What `apply_dag_policy --verify-journal` does: checks journal and state, and that the journal
// still goes on from a head that an operator kept elsewhere. Values; touches the world by seams.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "dagloop/base/file_system.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// What the journal is compared with, besides itself.
struct KeptHead {
  std::optional<JournalHead> head;  // e.g. from a ticket
  std::string file;                 // holds the head of the last check; empty: none
};

/// What was found intact.
struct JournalCheck {
  std::size_t entry_count = 0;
  JournalHead head;
  bool made_file = false;  // there was no head file yet: nothing was compared with it
};

/// Checks what `store` holds, at `where`, and then keeps the present head in the head file.
///
/// Errors: Error{preflight} when journal or state are not what was committed, when the journal does
///         not go on from a head that was kept, or when the head file holds none; the file is left
///         as it is then.
JournalCheck check_journal(FileSystem& files, StateStore& store, const std::string& where,
                           const KeptHead& kept);

/// Reads the head of a ticket.
///
/// Errors: Error{usage} naming `flag`.
JournalHead head_flag(const std::string& text, const std::string& flag);

}  // namespace dagloop
