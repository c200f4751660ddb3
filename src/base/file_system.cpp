#include "dagloop/base/file_system.hpp"

namespace dagloop {

void replace_file(FileSystem& files, const std::string& path, const std::string& content,
                  const FileAttributes& attributes) {
  const std::string temporary = path + ".tmp";
  files.write_synced(temporary, content, attributes);
  files.rename_synced(temporary, path);
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace dagloop
