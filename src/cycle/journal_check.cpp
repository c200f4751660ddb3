#include "dagloop/cycle/journal_check.hpp"

#include "cycle/replaced_file.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

void check_goes_on(const std::vector<JournalEntry>& entries, const JournalHead& earlier,
                   const std::string& where) {
  const auto fault = head_fault(entries, earlier);
  if (!fault) return;
  throw Error(ErrorKind::preflight, where, "the journal was tampered with: " + *fault,
              kTamperedRemedy);
}

// The file's one line; nullopt where there is no file yet.
std::optional<JournalHead> read_head_file(FileSystem& files, const std::string& path) {
  auto text = files.read(path);
  if (!text) return std::nullopt;
  if (text->ends_with('\n')) text->pop_back();
  auto head = parse_head(*text);
  if (head) return head;
  throw Error(ErrorKind::preflight, path, "holds no head of a journal (SEQUENCE:HASH)",
              "restore it from a backup, or compare with a ticket's --head and remove it");
}

}  // namespace

JournalCheck check_journal(FileSystem& files, StateStore& store, const std::string& where,
                           const KeptHead& kept) {
  const StoredRecords records = store.records();
  if (!records.state && records.journal.empty()) {
    throw Error(ErrorKind::preflight, where, "there is no state at " + where,
                "check --state, `state` in the configuration, and the working directory");
  }
  if (const auto fault = records_fault(records)) {
    throw Error(ErrorKind::preflight, where, "the journal was tampered with: " + *fault,
                kTamperedRemedy);
  }
  const std::vector<JournalEntry> entries = read_entries(records.journal);
  JournalCheck check;
  check.entry_count = entries.size();
  if (records.state) check.head = records.state->head;
  if (kept.head) check_goes_on(entries, *kept.head, where);
  if (kept.file.empty()) return check;
  const auto earlier = read_head_file(files, kept.file);
  if (earlier) check_goes_on(entries, *earlier, where);
  check.made_file = !earlier;
  // Only behind all checks: a head that does not fit must not replace the one that shows it.
  if (earlier != check.head) replace_wholly(files, kept.file, to_string(check.head) + "\n");
  return check;
}

JournalHead head_flag(const std::string& text, const std::string& flag) {
  const auto head = parse_head(text);
  if (head) return *head;
  throw Error(ErrorKind::usage, flag, "no head of a journal: \"" + redact_text(text) + "\"",
              "give SEQUENCE:HASH as --verify-journal printed it");
}

}  // namespace dagloop
