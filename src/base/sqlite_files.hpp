// Private: what SQLite opens is checked as it is opened, not before: the file itself, and the logs
// beside it, which it would take for its own, whoever put them there.
#pragma once

namespace dagloop {

/// Makes SQLite open no file, from now on and in this process, that is no regular one, that belongs
/// to neither root nor the user who runs this, or that everybody may write. Thread-safe.
///
/// Errors: none here; SQLite's own where it may not open a file.
void check_files_of_sqlite();

}  // namespace dagloop
