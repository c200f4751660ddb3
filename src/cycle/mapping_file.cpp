#include "dagloop/cycle/mapping_file.hpp"

#include "dagloop/cycle/needed_files.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/record/shipped_mappings.hpp"

namespace dagloop {

Mapping load_mapping(FileSystem& files, const std::string& name) {
  if (name.empty()) return {};
  if (const auto shipped = shipped_mapping(name)) {
    return parse_mapping(parse_json(*shipped, name), "the mapping " + name);
  }
  check_present(files, mapping_files(name));
  return parse_mapping(read_json_file(files, name, "mapping"), name);
}

}  // namespace dagloop
