#include "progress_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>

namespace dagloop {
namespace {

using Steady = std::chrono::steady_clock;

// What takes less than a second needs no line; more than ten lines a second nobody reads.
constexpr std::chrono::seconds kQuiet{1};
constexpr std::chrono::milliseconds kPause{100};
constexpr const char* kEraseLine = "\r\x1b[K";

class ProgressLine {
 public:
  ProgressLine() = default;
  ~ProgressLine() {
    if (is_shown_) show("");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void tell(const ReadProgress& progress) {
    const std::scoped_lock lock(mutex_);
    const auto now = Steady::now();
    if (now < next_ || progress.bytes_read < bytes_shown_) return;
    next_ = now + kPause;
    bytes_shown_ = progress.bytes_read;
    is_shown_ = true;
    show(text_of(progress));
  }

 private:
  static std::string text_of(const ReadProgress& progress) {
    const std::string read = std::to_string(progress.bytes_read >> 20U) + " MiB";
    if (progress.bytes_total == 0) return "reading: " + read;
    const std::uint64_t percent =
        std::min<std::uint64_t>(100, 100 * progress.bytes_read / progress.bytes_total);
    const auto filled = static_cast<std::size_t>(percent / 5);
    return "reading [" + std::string(filled, '#') + std::string(20 - filled, ' ') + "] " +
           std::to_string(percent) + " %, " + read;
  }

  static void show(const std::string& text) {
    std::fputs((kEraseLine + text).c_str(), stderr);
    std::fflush(stderr);
  }

  std::mutex mutex_;
  Steady::time_point next_ = Steady::now() + kQuiet;
  std::uint64_t bytes_shown_ = 0;
  bool is_shown_ = false;
};

}  // namespace

std::function<void(const ReadProgress&)> progress_line() {
  // In a log file every line would stay.
  if (::isatty(STDERR_FILENO) == 0) return nullptr;
  return [line = std::make_shared<ProgressLine>()](const ReadProgress& progress) {
    line->tell(progress);
  };
}

}  // namespace dagloop
