#include "dagloop/record/shipped_mappings.hpp"

#include "record/embedded_mappings.hpp"

namespace dagloop {

std::optional<std::string_view> shipped_mapping(std::string_view name) {
  for (const EmbeddedMapping& mapping : embedded_mappings()) {
    if (mapping.name == name) return mapping.text;
  }
  return std::nullopt;
}

std::vector<std::string_view> shipped_mappings() {
  std::vector<std::string_view> names;
  for (const EmbeddedMapping& mapping : embedded_mappings()) names.push_back(mapping.name);
  return names;
}

}  // namespace dagloop
