// Private to the source layer: looks for a few keys among very many.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dagloop {

/// Key prefixes of a few runs, to be looked for among those of very many.
class KeyFilter {
 public:
  explicit KeyFilter(std::vector<std::uint32_t> prefixes);
  /// Returns whether any of the prefixes in `bytes` (4 each) is one of them.
  bool matches(std::string_view bytes) const;
  bool empty() const { return prefixes_.empty(); }

 private:
  std::vector<std::uint32_t> prefixes_;  // ascending
  std::vector<std::uint64_t> bits_;
  unsigned shift_ = 32;
};

}  // namespace dagloop
