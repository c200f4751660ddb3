// Private to the base layer: the generated table of shipped schemas.
#pragma once

#include <string_view>
#include <vector>

namespace dagloop {

/// A shipped schema: its name and its JSON text.
struct EmbeddedSchema {
  std::string_view name;
  std::string_view text;
};

/// Returns all shipped schemas (generated at configure time from config/schemas/).
const std::vector<EmbeddedSchema>& embedded_schemas();

}  // namespace dagloop
