#include "dagloop/base/file_system.hpp"

#include "dagloop/base/digest.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t kByEverybody = 0002;

// Nothing is there under a name that nobody could guess; what is all the same is not ours.
void write_new(FileSystem& files, const std::string& path, const std::string& content,
               FileAttributes attributes) {
  attributes.existing = FileAttributes::Existing::refuse;
  files.write_synced(path, content, attributes);
}

// Whether what lies aside can be ours, or what the last writer of the file had put there.
bool can_be_ours(const FileInfo& aside, const FileInfo& file) {
  return aside.is_regular && !aside.is_symlink && !aside.is_directory && aside.links <= 1 &&
         (aside.mode & kByEverybody) == 0 && (aside.is_trusted || aside.uid == file.uid);
}

// nullopt: there is nothing that can be ours. What is looked at is what is read.
std::optional<std::string> read_aside(FileSystem& files, const std::string& path,
                                      const FileInfo& file) {
  const auto found = files.stat(path);
  if (!found || !can_be_ours(*found, file)) return std::nullopt;
  return files.read_checked(path, [&](const FileInfo& opened) {
    if (can_be_ours(opened, file)) return;
    throw Error(ErrorKind::preflight, path, "was replaced at this very moment",
                "look who else may write to that directory, and try again");
  });
}

[[noreturn]] void refuse_change(const std::string& path) {
  throw Error(ErrorKind::conflict, path, "was changed by another program at this very moment",
              "look at that change, and at " + path +
                  ".conflict if there is one, then decide again; what it wrote stands");
}

// Puts back what an exchange took out of its place, where `content` is ours that stands there now.
void give_back(FileSystem& files, const std::string& path, const std::string& temporary,
               const std::string& content) {
  files.rename_synced(temporary, path, RenameMode::exchange);
  if (files.read(temporary) == content) {
    files.remove(temporary);
    return;
  }
  // Somebody wrote once more in between, perhaps on top of ours: the last word stands, and what
  // was there before is kept beside it.
  files.rename_synced(temporary, path, RenameMode::exchange);
  files.rename_synced(temporary, path + ".conflict", RenameMode::replace);
}

}  // namespace

std::string temporary_path(const std::string& path, const std::string& word) {
  return path + "." + word + ".tmp";
}

void replace_file(FileSystem& files, const std::string& path, const std::string& content,
                  const FileAttributes& attributes, const std::string& word) {
  const std::string temporary = temporary_path(path, word);
  write_new(files, temporary, content, attributes);
  files.rename_synced(temporary, path, RenameMode::replace);
}

void exchange_file(FileSystem& files, const FileExchange& exchange) {
  const std::string& path = exchange.path;
  const std::string& temporary = exchange.temporary;
  write_new(files, temporary, exchange.content, exchange.attributes);
  // An exchange takes out what stood there, whatever it was. So an edit made between our look and
  // our rename is seen below and given back; a plain rename would have lost it.
  if (!files.rename_synced(temporary, path, RenameMode::exchange)) {
    if (files.read(path) == exchange.expected) {
      files.rename_synced(temporary, path, RenameMode::replace);
      return;
    }
    files.remove(temporary);
    refuse_change(path);
  }
  if (files.read(temporary) != exchange.expected) {
    give_back(files, path, temporary, exchange.content);
    refuse_change(path);
  }
  files.remove(temporary);
}

void discard_temporary(FileSystem& files, const std::string& temporary,
                       const std::string& content) {
  const auto info = files.stat(temporary);
  if (info && read_aside(files, temporary, *info) == content) files.remove(temporary);
}

Settled settle_exchange(FileSystem& files, const InterruptedExchange& interrupted) {
  const std::string& path = interrupted.path;
  const std::string& temporary = interrupted.temporary;
  if (!files.stat(temporary)) return Settled::nothing_there;
  const auto file = files.stat(path);
  const auto aside = file ? read_aside(files, temporary, *file) : std::nullopt;
  if (!aside) return Settled::left_as_it_is;
  const std::string hash = sha256_hex(*aside);
  const bool is_known = hash == interrupted.before_sha256 || hash == interrupted.after_sha256;
  if (!is_known && interrupted.name == TemporaryName::guessable) return Settled::left_as_it_is;
  const auto current = files.read(path);
  // The new content is in place only behind the exchange: what lies aside was the file, whole.
  if (!is_known && current && sha256_hex(*current) == interrupted.after_sha256) {
    give_back(files, path, temporary, *current);
  } else {
    files.remove(temporary);
  }
  return Settled::done;
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace dagloop
