#include "dagloop/base/file_system.hpp"

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

std::string temporary_path(const std::string& path) { return path + ".tmp"; }

// What was left or planted there is removed, not written into.
void write_temporary(FileSystem& files, const std::string& temporary, const std::string& content,
                     FileAttributes attributes) {
  if (files.stat(temporary)) files.remove(temporary);
  attributes.existing = FileAttributes::Existing::refuse;
  files.write_synced(temporary, content, attributes);
}

[[noreturn]] void refuse_change(const std::string& path) {
  throw Error(ErrorKind::conflict, path, "was changed by another program at this very moment",
              "look at that change, and at " + path +
                  ".conflict if there is one, then decide again; what it wrote stands");
}

}  // namespace

void replace_file(FileSystem& files, const std::string& path, const std::string& content,
                  const FileAttributes& attributes) {
  write_temporary(files, temporary_path(path), content, attributes);
  files.rename_synced(temporary_path(path), path, RenameMode::replace);
}

void exchange_file(FileSystem& files, const std::string& path, const std::string& expected,
                   const std::string& content, const FileAttributes& attributes) {
  const std::string temporary = temporary_path(path);
  write_temporary(files, temporary, content, attributes);
  // An exchange takes out what stood there, whatever it was. So an edit made between our look and
  // our rename is seen below and given back; a plain rename would have lost it.
  if (!files.rename_synced(temporary, path, RenameMode::exchange)) {
    if (files.read(path) == expected) {
      files.rename_synced(temporary, path, RenameMode::replace);
      return;
    }
    files.remove(temporary);
    refuse_change(path);
  }
  const bool was_expected = files.read(temporary) == expected;
  if (!was_expected) {
    files.rename_synced(temporary, path, RenameMode::exchange);
    // Somebody wrote once more in between, perhaps on top of ours: the last word stands, and what
    // was there before is kept beside it.
    if (files.read(temporary) != content) {
      files.rename_synced(temporary, path, RenameMode::exchange);
      files.rename_synced(temporary, path + ".conflict", RenameMode::replace);
    }
  }
  files.remove(temporary);
  if (!was_expected) refuse_change(path);
}

void settle_exchange(FileSystem& files, const std::string& path, const std::string& before,
                     const std::string& after) {
  const std::string temporary = temporary_path(path);
  const auto swapped_out = files.read(temporary);
  if (!swapped_out) return;
  const auto current = files.read(path);
  // The new content is in place only behind the exchange: what lies aside was the file, whole.
  if (current && sha256_hex(*current) == after && sha256_hex(*swapped_out) != before &&
      sha256_hex(*swapped_out) != after) {
    files.rename_synced(temporary, path, RenameMode::exchange);
  }
  files.remove(temporary);
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace dagloop
