#include "record/line_kernel.hpp"

namespace dagloop {

const LineKernel& line_kernel() {
#ifdef DAGLOOP_HAS_AVX2_KERNEL
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 &&
                               __builtin_cpu_supports("bmi") != 0 &&
                               __builtin_cpu_supports("bmi2") != 0;
  if (has_avx2) return kAvx2Kernel;
#endif
  return kBaselineKernel;
}

}  // namespace dagloop
