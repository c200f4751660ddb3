# Language level, warnings, sanitizers and hardening: one INTERFACE target that every target links.
option(DAGLOOP_BUILD_TESTS "Build the tests" ON)
option(DAGLOOP_WERROR "Treat warnings as errors" ON)
option(DAGLOOP_COVERAGE "Count executed lines and branches (clang)" OFF)
option(DAGLOOP_FUZZ "Build the fuzz targets for libFuzzer (clang) instead of replaying their corpus" OFF)
set(DAGLOOP_SANITIZE "" CACHE STRING "Value for -fsanitize=, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# Where ccache is installed, a clone in another folder finds what the first one compiled: paths are
# relative to the project, on the command line, in assertions and in debug information.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE_PROGRAM}")
endif()
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

# Presets with CMAKE_UNITY_BUILD compile this many files of a layer as one: what costs time is the
# standard library's headers, 65,000 lines a file.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)

# Without this CMake compiles for a position-independent executable, and leaves linking one to the
# compiler's own default.
include(CheckPIESupported)
check_pie_supported()

add_library(dagloop_options INTERFACE)
target_compile_options(dagloop_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wdouble-promotion
  # GCC 12 reports it falsely inside std::string and std::optional at -O2 (GCC bug 105562).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  # GCC 12 reports it falsely for "literal" + std::string (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # Same optimiser-level false alarms, from inlined std::variant and std::vector code.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-null-dereference>
  $<$<CXX_COMPILER_ID:Clang>:-Wreserved-identifier>)
if(DAGLOOP_WERROR)
  target_compile_options(dagloop_options INTERFACE -Werror)
endif()

# Where everything takes several times as long, exhaustive tests do not strike at every place, unless
# they are told to (scripts/release.sh exhaustive), and are given longer.
set(every 1)
set(timeout_s 1200)
if(DAGLOOP_SANITIZE)
  set(every 37)
  set(timeout_s 2400)
endif()
set(DAGLOOP_FAULT_EVERY ${every} CACHE STRING "Exhaustive tests strike at one place in so many")
set(DAGLOOP_TEST_TIMEOUT_S ${timeout_s} CACHE STRING "Seconds that one of the long tests may take")

if(DAGLOOP_COVERAGE)
  # Of src and tools. The counters are relocated into the profile, a mapped file: so a child counts
  # that ends by _exit, and a process that is killed.
  set(DAGLOOP_COVERAGE_OPTIONS -fprofile-instr-generate -fcoverage-mapping
      -mllvm -runtime-counter-relocation)
  target_link_options(dagloop_options INTERFACE -fprofile-instr-generate)
endif()
if(DAGLOOP_SANITIZE)
  target_compile_options(dagloop_options INTERFACE
    -fsanitize=${DAGLOOP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(dagloop_options INTERFACE -fsanitize=${DAGLOOP_SANITIZE})
  if(DAGLOOP_FUZZ)
    # Following every comparison costs a third of the executions; the dictionaries know the words.
    target_compile_options(dagloop_options INTERFACE -fno-sanitize-coverage=trace-cmp)
  endif()
else()
  target_compile_options(dagloop_options INTERFACE
    -fstack-protector-strong $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_link_options(dagloop_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  # Not for every processor.
  include(CheckCXXCompilerFlag)
  foreach(flag fstack-clash-protection fcf-protection)
    check_cxx_compiler_flag(-${flag} DAGLOOP_HAS_${flag})
    if(DAGLOOP_HAS_${flag})
      target_compile_options(dagloop_options INTERFACE -${flag})
    endif()
  endforeach()
endif()
