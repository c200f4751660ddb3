// A file descriptor that is closed on every way out. Private to base's *_posix.cpp.
#pragma once

#include <unistd.h>

namespace dagloop {

/// Owns a descriptor; a negative one is none.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  Descriptor& operator=(Descriptor&&) = delete;
  /// Returns the descriptor itself.
  int get() const { return descriptor_; }
  /// Closes it now; returns what close(2) does, which reports a write that failed.
  int close() {
    const int result = ::close(descriptor_);
    descriptor_ = -1;
    return result;
  }

 private:
  int descriptor_;
};

}  // namespace dagloop
