#include <sodium.h>
#include <sys/prctl.h>

#include "dagloop/base/memory_secrecy.hpp"

namespace dagloop {

void forbid_core_dumps() {
#if !defined(__SANITIZE_ADDRESS__)  // its search for leaks looks into the process from outside
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void wipe(std::string& secret) {
  sodium_memzero(secret.data(), secret.size());
  secret.clear();
}

}  // namespace dagloop
