#include "cycle/replaced_file.hpp"

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

void try_to_discard(FileSystem& files, const std::string& temporary, const std::string& content) {
  try {
    discard_temporary(files, temporary, content);
  } catch (const Error&) {
    // the fault that led here is told
  }
}

}  // namespace

void replace_wholly(FileSystem& files, const std::string& path, const std::string& content,
                    const FileAttributes& attributes) {
  const std::string word = unguessable_word();
  try {
    replace_file(files, path, content, attributes, word);
  } catch (const Error&) {
    try_to_discard(files, temporary_path(path, word), content);
    throw;
  }
}

void exchange_wholly(FileSystem& files, const FileExchange& exchange) {
  try {
    exchange_file(files, exchange);
  } catch (const Error&) {
    try_to_discard(files, exchange.temporary, exchange.content);
    throw;
  }
}

}  // namespace dagloop
