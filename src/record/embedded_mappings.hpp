// Private to the record layer: the generated table of shipped mappings.
#pragma once

#include <string_view>
#include <vector>

namespace dagloop {

/// A shipped mapping: its name and its JSON text.
struct EmbeddedMapping {
  std::string_view name;
  std::string_view text;
};

/// Returns all shipped mappings (generated at configure time from config/mappings/).
const std::vector<EmbeddedMapping>& embedded_mappings();

}  // namespace dagloop
