#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "dagloop/base/assert.hpp"
#include "dagloop/base/process_runner.hpp"

namespace dagloop {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxOutput = 4096;
constexpr std::size_t kPipeCapacity = 65'536;
constexpr int kCannotStart = 127;
constexpr std::chrono::milliseconds kPoll{20};

std::vector<std::string> scrubbed_environment() {
  std::vector<std::string> kept;
  for (const char* name : {"PATH", "HOME", "LANG"}) {
    if (const char* value = std::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  }
  return kept;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& each : strings) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Whatever was ignored or blocked here, or by whoever started us, is not the command's business.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(int output, char* const* argv, char** environment) {
  reset_signals();
  ::setpgid(0, 0);  // a group of its own, so that a timeout reaches what it started
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::closefrom(STDERR_FILENO + 1);  // locks and databases of ours, and what we inherited
  environ = environment;
  ::execvp(argv[0], argv);
  const char* fault = std::strerror(errno);
  static_cast<void>(!::write(STDERR_FILENO, fault, std::strlen(fault)));
  ::_exit(kCannotStart);
}

// Takes what is there to read, without waiting; keeps the tail. Takes no more than a full pipe: one
// who writes without end must not hold us.
void drain(int descriptor, ProcessResult& result) {
  std::array<char, 4096> block{};
  for (std::size_t taken = 0; taken < kPipeCapacity; taken += block.size()) {
    const ssize_t got = ::read(descriptor, block.data(), block.size());
    if (got <= 0) return;
    result.output.append(block.data(), static_cast<std::size_t>(got));
    if (result.output.size() <= kMaxOutput) continue;
    result.output.erase(0, result.output.size() - kMaxOutput);
    result.is_cut = true;
  }
}

// Waits for the child itself, not for the end of its output: what it left running in the
// background may hold the pipe for ever.
ProcessResult await(pid_t child, int descriptor, Steady::time_point deadline) {
  ProcessResult result;
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(child, &status, WNOHANG)) == 0) {
    if (Steady::now() >= deadline) {
      ::kill(-child, SIGKILL);
      ::kill(child, SIGKILL);  // where it died before it made its group
      ::waitpid(child, &status, 0);
      result.timed_out = true;
      break;
    }
    pollfd wait{descriptor, POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(kPoll.count()));
    drain(descriptor, result);
    if ((wait.revents & POLLHUP) != 0) std::this_thread::sleep_for(kPoll);
  }
  drain(descriptor, result);
  // Where SIGCHLD is ignored nobody learns how the child ended: that is no success.
  if (ended == child && WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (result.exit_code == kCannotStart) result.exit_code = -1;
  return result;
}

}  // namespace

ProcessResult PosixProcessRunner::run(const std::vector<std::string>& argv,
                                      std::chrono::milliseconds timeout) {
  DAGLOOP_ASSERT(!argv.empty());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, false, std::strerror(errno), false};
  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment = scrubbed_environment();
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  std::vector<char*> environment_pointers = pointers_to(environment);
  const pid_t child = ::fork();
  if (child == 0) become(ends[1], argument_pointers.data(), environment_pointers.data());
  ::close(ends[1]);
  ProcessResult result{-1, false, "cannot fork", false};
  if (child > 0) {
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    result = await(child, ends[0], Steady::now() + timeout);
  }
  ::close(ends[0]);
  return result;
}

}  // namespace dagloop
