#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "base/descriptor.hpp"
#include "dagloop/base/child_call.hpp"
#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kLook{250};  // how often the child is looked at
// Of a look's time. Less is no work: libraries that wait wake up now and then. A megabyte of log a
// second is more.
constexpr nanoseconds kLeastWork{100'000};
constexpr milliseconds kGraceOfKilled{1000};
constexpr char kEndMark = '.';  // behind the result: that it is whole
constexpr int kBigPipe = 1 << 20;
constexpr int kChildFailed = 70;

[[noreturn]] void refuse_child(const char* what) {
  throw Error(ErrorKind::preflight, "a process to read the sources",
              std::string(what) + ": " + std::strerror(errno),
              "free memory, or raise the limits of processes and open files");
}

void send_bytes(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(descriptor, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) ::_exit(kChildFailed);  // nobody listens any more
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

[[noreturn]] void work_and_send(const std::function<std::string()>& work, int descriptor,
                                pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kChildFailed);  // it died before that
  // Locks and databases of the caller's: a child that outlives it would hold them.
  const auto own = static_cast<unsigned>(descriptor);
  if (own > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, own - 1, 0);
  ::close_range(own + 1, ~0U, 0);
  send_bytes(descriptor, work());
  send_bytes(descriptor, {&kEndMark, 1});
  ::_exit(0);  // no destructors: what they would close is the caller's
}

std::optional<nanoseconds> work_of(pid_t child) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(child, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(used.tv_sec) + nanoseconds(used.tv_nsec);
}

/// Tells how long a child has lived, and been silent, in the caller's own time: while the two of
/// them are stopped together (Ctrl-Z, a machine that sleeps), none passes.
class LifeWatch {
 public:
  LifeWatch(pid_t child, const ChildLimits& limits) : child_(child), limits_(limits) {}

  void hear() { silence_ = milliseconds(0); }

  /// Takes a look when it is time; returns which limit is crossed.
  std::optional<ChildOutcome::End> look() {
    const auto now = Steady::now();
    const auto passed = std::chrono::duration_cast<milliseconds>(now - last_look_);
    if (passed < kLook) return std::nullopt;
    last_look_ = now;
    const milliseconds counted = std::min(passed, 2 * kLook);
    whole_ += counted;
    silence_ += counted;
    const auto work = work_of(child_);
    if (!work || *work - work_ >= kLeastWork) hear();
    work_ = work.value_or(work_);
    if (is_over(limits_.whole, whole_)) return ChildOutcome::End::too_long;
    if (is_over(limits_.silence, silence_)) return ChildOutcome::End::silent;
    return std::nullopt;
  }

 private:
  static bool is_over(milliseconds limit, milliseconds time) {
    return limit > milliseconds(0) && time >= limit;
  }

  pid_t child_;
  ChildLimits limits_;
  Steady::time_point last_look_ = Steady::now();
  milliseconds whole_{0};
  milliseconds silence_{0};
  nanoseconds work_{0};
};

// Takes what is there; false at the end.
bool take_sent(int descriptor, std::string& bytes, std::string& block) {
  const ssize_t got = ::read(descriptor, block.data(), block.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  bytes.append(block, 0, static_cast<std::size_t>(got));
  return got > 0;
}

// One that waits for a disk dies when the disk answers: nobody waits for that.
void kill_child(pid_t child) {
  ::kill(child, SIGKILL);
  const auto until = Steady::now() + kGraceOfKilled;
  while (::waitpid(child, nullptr, WNOHANG) == 0 && Steady::now() < until) {
    ::poll(nullptr, 0, 10);
  }
}

int signal_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

ChildOutcome hear_out(pid_t child, int descriptor, const ChildLimits& limits) {
  LifeWatch watch(child, limits);
  ChildOutcome outcome;
  std::string block(kBigPipe, '\0');
  pollfd wait{descriptor, POLLIN, 0};
  for (;;) {
    ::poll(&wait, 1, static_cast<int>(kLook.count()));
    if (wait.revents != 0) {
      watch.hear();
      if (!take_sent(descriptor, outcome.bytes, block)) break;
    }
    if (const auto over = watch.look()) {
      kill_child(child);
      return {*over, "", 0};
    }
  }
  outcome.signal = signal_of(child);
  const bool is_whole = !outcome.bytes.empty() && outcome.bytes.back() == kEndMark;
  if (!is_whole || outcome.signal != 0) return {ChildOutcome::End::died, "", outcome.signal};
  outcome.bytes.pop_back();
  outcome.end = ChildOutcome::End::done;
  return outcome;
}

}  // namespace

ChildOutcome call_in_child(const std::function<std::string()>& work, const ChildLimits& limits) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse_child("no pipe can be made");
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(read_end.get(), F_SETPIPE_SZ, kBigPipe);  // else it stays a small one
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) work_and_send(work, write_end.get(), parent);
  if (child < 0) refuse_child("cannot be started");
  write_end.close();
  return hear_out(child, read_end.get(), limits);
}

}  // namespace dagloop
