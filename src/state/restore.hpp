// Private to the state layer: what to do about a document of the state that cannot be believed.
#pragma once

#include <string_view>

namespace dagloop {

inline constexpr std::string_view kRestore = "restore the state from a backup";

}  // namespace dagloop
