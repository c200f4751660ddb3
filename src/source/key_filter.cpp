#include "source/key_filter.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "dagloop/kpi/settled_slot.hpp"

namespace dagloop {

KeyFilter::KeyFilter(std::vector<std::uint32_t> prefixes) : prefixes_(std::move(prefixes)) {
  std::ranges::sort(prefixes_);
  // One bit of 256 is set, where that is no more than 128 KiB: few get as far as the search.
  const std::uint64_t bits =
      std::clamp<std::uint64_t>(std::bit_ceil(256 * prefixes_.size()), 64, std::uint64_t{1} << 20U);
  shift_ = 32U - static_cast<unsigned>(std::countr_zero(bits));
  bits_.resize(bits / 64);
  for (const std::uint32_t prefix : prefixes_) {
    const std::uint32_t bit = prefix >> shift_;
    bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

bool KeyFilter::matches(std::string_view bytes) const {
  const auto prefix_at = [&bytes](std::size_t at) {
    std::uint32_t prefix = 0;
    std::memcpy(&prefix, bytes.data() + at * kKeyPrefixBytes, sizeof prefix);
    return prefix;
  };
  const auto bit_of = [this](std::uint32_t prefix) {
    const std::uint32_t bit = prefix >> shift_;
    return bits_[bit / 64] >> (bit % 64) & 1U;
  };
  // Several are looked up without asking in between: hardly any is there.
  constexpr std::size_t kTogether = 8;
  const std::size_t count = bytes.size() / kKeyPrefixBytes;
  for (std::size_t first = 0; first < count; first += kTogether) {
    const std::size_t last = std::min(count, first + kTogether);
    if (last - first == kTogether) {
      std::uint64_t any = 0;
      for (std::size_t i = 0; i < kTogether; ++i) any |= bit_of(prefix_at(first + i));
      if (any == 0) continue;
    }
    for (std::size_t at = first; at < last; ++at) {
      const std::uint32_t prefix = prefix_at(at);
      if (bit_of(prefix) != 0 && std::ranges::binary_search(prefixes_, prefix)) return true;
    }
  }
  return false;
}

}  // namespace dagloop
