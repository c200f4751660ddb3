#include <immintrin.h>

#include <bit>
#include <cstring>

#include "record/key_table.hpp"
#include "record/line_kernel.hpp"

// From here to the end this file uses AVX2 and BMI, and so may only be entered through the kernel.
// What the headers above define stays as it is for every machine.
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif

namespace dagloop {
namespace {

using Bytes32 = __m256i;

// Returns 32 times `c`.
Bytes32 bytes_of(char c) {
  Bytes32 bytes = _mm256_set1_epi8(c);
  __asm__("" : "+x"(bytes));  // or the compiler would make it anew each time
  return bytes;
}

Bytes32 bytes_at(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

std::uint32_t mask_of(Bytes32 bytes) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

std::uint32_t equal_mask(const char* at, Bytes32 expected) {
  return mask_of(_mm256_cmpeq_epi8(bytes_at(at), expected));
}

std::uint32_t equal_mask(const char* at, const char* expected) {
  return equal_mask(at, bytes_at(expected));
}

std::uint32_t odd_mask(const char* at) {
  const Bytes32 bytes = bytes_at(at);
  const Bytes32 backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
  // Signed, so that bytes beyond ASCII are below the space, too.
  return mask_of(_mm256_or_si256(backslash, _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), bytes)));
}

#include "record/line_kernel_loops.inc"

}  // namespace

const LineKernel kAvx2Kernel{find_end, read_flat};

}  // namespace dagloop

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
