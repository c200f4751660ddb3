// Standard input that is read more than once. One a process; called before anything reads it, by
// one thread.
#pragma once

namespace dagloop {

/// Makes standard input readable again from where it stands: what comes through a pipe goes into a
/// file without a name first (of TMPDIR, else /tmp; gone with the process).
///
/// Errors: Error{source} where it cannot be read, or there is no room for the file.
void keep_standard_input();

/// Goes back to where standard input stood when it was kept; nothing where it was not.
void rewind_standard_input();

}  // namespace dagloop
