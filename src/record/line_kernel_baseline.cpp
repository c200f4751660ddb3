#include <bit>
#include <cstring>

#include "record/key_table.hpp"
#include "record/line_kernel.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dagloop {
namespace {

// Masks of 32 bytes, the lowest bit for the first; two steps of what every x86-64 has (SSE2), or
// byte by byte.
#ifdef __SSE2__
template <typename Compare>
std::uint32_t both_halves(const char* at, Compare compare) {
  const auto half = [&](std::size_t offset) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + offset));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(compare(bytes, offset)));
  };
  return half(0) | half(16) << 16U;
}

using Bytes32 = __m128i;  // of which both halves are the same

Bytes32 bytes_of(char c) { return _mm_set1_epi8(c); }

std::uint32_t equal_mask(const char* at, Bytes32 expected) {
  return both_halves(at,
                     [&](__m128i bytes, std::size_t) { return _mm_cmpeq_epi8(bytes, expected); });
}

std::uint32_t equal_mask(const char* at, const char* expected) {
  return both_halves(at, [&](__m128i bytes, std::size_t offset) {
    return _mm_cmpeq_epi8(bytes,
                          _mm_loadu_si128(reinterpret_cast<const __m128i*>(expected + offset)));
  });
}

std::uint32_t odd_mask(const char* at) {
  return both_halves(at, [](__m128i bytes, std::size_t) {
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    // Signed, so that bytes beyond ASCII are below the space, too.
    return _mm_or_si128(backslash, _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')));
  });
}
#else
template <typename Compare>
std::uint32_t each_byte(Compare compare) {
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < 32; ++i) mask |= (compare(i) ? std::uint32_t{1} : 0U) << i;
  return mask;
}

using Bytes32 = char;  // 32 times

Bytes32 bytes_of(char c) { return c; }

std::uint32_t equal_mask(const char* at, Bytes32 expected) {
  return each_byte([&](unsigned i) { return at[i] == expected; });
}

std::uint32_t equal_mask(const char* at, const char* expected) {
  return each_byte([&](unsigned i) { return at[i] == expected[i]; });
}

std::uint32_t odd_mask(const char* at) {
  return each_byte(
      [&](unsigned i) { return at[i] == '\\' || static_cast<signed char>(at[i]) < ' '; });
}
#endif

#include "record/line_kernel_loops.inc"

}  // namespace

const LineKernel kBaselineKernel{find_end, read_flat};

}  // namespace dagloop
