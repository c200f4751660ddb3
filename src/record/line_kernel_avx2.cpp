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

__m256i bytes_at(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

std::uint32_t mask_of(__m256i bytes) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
}

std::uint32_t quote_mask(const char* at) {
  return mask_of(_mm256_cmpeq_epi8(bytes_at(at), _mm256_set1_epi8('"')));
}

std::uint32_t equal_mask(const char* at, const char* expected) {
  return mask_of(_mm256_cmpeq_epi8(bytes_at(at), bytes_at(expected)));
}

std::uint32_t odd_mask(const char* at) {
  const __m256i bytes = bytes_at(at);
  const __m256i backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
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
