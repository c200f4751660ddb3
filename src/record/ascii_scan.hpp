// Private to the record layer: the two comparisons that reading a line consists of. They use what
// every x86-64 has (SSE2), so there is nothing to choose at run time; other machines go by bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dagloop {

/// Returns the first byte in [at, end) that ends or spoils plain text: a quote, a backslash, a
/// control character or one that is not ASCII; `end` where there is none.
///
/// Shape: 32 bytes behind `end` are readable.
inline const char* plain_end(const char* at, const char* end) {
#ifdef __SSE2__
  const auto odd_bytes = [](const char* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    // Signed, so that bytes beyond ASCII are below the space, too.
    const __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    return static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quote, backslash))));
  };
  for (; at < end; at += 32) {  // most texts end in the first step, so the branch is foreseen
    const std::uint32_t found = odd_bytes(at) | odd_bytes(at + 16) << 16U;
    if (found == 0) continue;
    at += std::countr_zero(found);
    return at < end ? at : end;
  }
  return end;
#else
  while (at < end && *at != '"' && *at != '\\' && static_cast<signed char>(*at) >= ' ') ++at;
  return at;
#endif
}

/// Returns whether the bytes at `at` equal those at `expected` wherever `mask` has a bit (the
/// lowest for the first byte).
///
/// Shape: 32 bytes are readable at both.
inline bool equal_masked(const char* at, const char* expected, std::uint32_t mask) {
#ifdef __SSE2__
  const auto equal = [&](std::size_t offset) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + offset));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(expected + offset));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
  };
  return (~(equal(0) | equal(16) << 16U) & mask) == 0;
#else
  const auto size = static_cast<std::size_t>(std::countr_one(mask));
  return std::memcmp(at, expected, size) == 0;
#endif
}

}  // namespace dagloop
