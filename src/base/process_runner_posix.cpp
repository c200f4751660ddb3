#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/descriptor.hpp"
#include "dagloop/base/assert.hpp"
#include "dagloop/base/process_runner.hpp"

namespace dagloop {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kPipeCapacity = 65'536;
// As shells do; so a command that itself ends with 127 counts as not started.
constexpr int kCannotStart = 127;
constexpr milliseconds kLongestWait = std::chrono::hours(1);  // poll() takes an int

std::vector<std::string> scrubbed_environment() {
  std::vector<std::string> kept;
  // Our own environment may hold passwords of databases, which are no business of a hook's.
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

// A file in memory, so that a command which does not read its input cannot hold us.
Descriptor input_file(const std::string& input) {
  if (input.empty()) return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  for (std::size_t done = 0; file.get() >= 0 && done < input.size();) {
    const ssize_t wrote =
        ::pwrite(file.get(), input.data() + done, input.size() - done, static_cast<off_t>(done));
    if (wrote <= 0) return Descriptor(-1);
    done += static_cast<std::size_t>(wrote);
  }
  return file;
}

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) == 0) ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// What the command reads and writes: standard input, output and error of its own.
using Standard = std::array<int, 3>;

// Whatever was ignored or blocked here, or by whoever started us, is not the command's business.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void give_up(int errors) {
  const char* fault = std::strerror(errno);
  // write() and no stream: fork has copied what lies in our buffers, and it would come out twice.
  static_cast<void>(!::write(errors, fault, std::strlen(fault)));
  ::_exit(kCannotStart);
}

[[noreturn]] void become(Standard standard, char* const* argv, char** environment) {
  reset_signals();
  ::setpgid(0, 0);  // a group of its own, so that a timeout reaches what it started
  // Out of each other's way first: a process whose own standard input is closed opens files there.
  const int errors = standard.back();
  for (int& each : standard) {
    each = ::fcntl(each, F_DUPFD, STDERR_FILENO + 1);
    if (each < 0) give_up(errors);
  }
  for (int number = 0; int each : standard) ::dup2(each, number++);
  ::closefrom(STDERR_FILENO + 1);  // locks and databases of ours, and what we inherited
  environ = environment;
  ::execvp(argv[0], argv);
  give_up(STDERR_FILENO);
}

// The end of what a command writes to one stream.
class Tail {
 public:
  explicit Tail(std::size_t limit) : limit_(limit) {}

  // Takes what is there to read, without waiting; false at the stream's end. Takes no more than a
  // full pipe: one who writes without end must not hold us.
  bool drain(int descriptor) {
    std::array<char, 16'384> block{};
    for (std::size_t taken = 0; taken < kPipeCapacity; taken += block.size()) {
      const ssize_t got = ::read(descriptor, block.data(), block.size());
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      if (got == 0) return false;
      text_.append(block.data(), static_cast<std::size_t>(got));
      if (text_.size() > 2 * limit_) shorten();  // seldom: it moves what it keeps
    }
    return true;
  }

  void move_into(std::string& text, bool& is_cut) {
    shorten();
    text = std::move(text_);
    is_cut = is_cut_;
  }

 private:
  void shorten() {
    if (text_.size() <= limit_) return;
    text_.erase(0, text_.size() - limit_);
    is_cut_ = true;
  }

  std::size_t limit_;
  std::string text_;
  bool is_cut_ = false;
};

// Reads both streams until the command itself ends, not until they do: what it left running in the
// background may hold them for ever. False when it is not over by `deadline`.
bool read_until_end(int command, std::array<int, 2> streams, std::array<Tail, 2>& tails,
                    Steady::time_point deadline) {
  std::array<pollfd, 3> waits{
      pollfd{command, POLLIN, 0}, {streams[0], POLLIN, 0}, {streams[1], POLLIN, 0}};
  bool is_over = false;
  while (!is_over) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
    if (left <= milliseconds::zero()) return false;
    // A pidfd and not waitpid in a loop: it wakes at once when the command ends, and costs nothing
    // until then.
    ::poll(waits.data(), waits.size(), static_cast<int>(std::min(left, kLongestWait).count()));
    is_over = waits[0].revents != 0;
    for (std::size_t i = 0; i < tails.size(); ++i) {
      pollfd& stream = waits.at(i + 1);
      if (stream.revents != 0 && !tails.at(i).drain(stream.fd)) stream.fd = -1;
    }
  }
  return true;
}

void add_fault(ProcessResult& result, const ProcessCall& call, int fault) {
  (call.error_output == ErrorOutput::joined ? result.output : result.errors) +=
      std::strerror(fault);
}

// Becomes readable when the child ends. (glibc 2.36 declares its own function without C linkage.)
int open_pidfd(pid_t child) { return static_cast<int>(::syscall(SYS_pidfd_open, child, 0)); }

ProcessResult await(pid_t child, std::array<int, 2> streams, const ProcessCall& call) {
  const Descriptor command(open_pidfd(child));
  const int fault = errno;
  std::array<Tail, 2> tails{Tail(call.max_output_bytes), Tail(call.max_output_bytes)};
  ProcessResult result;
  // Where the end of children is ignored, a child that is gone already cannot be watched.
  const bool is_watched = command.get() >= 0;
  result.timed_out =
      is_watched && !read_until_end(command.get(), streams, tails, Steady::now() + call.timeout);
  if (result.timed_out || !is_watched) ::kill(-child, SIGKILL);
  int status = 0;
  const pid_t ended = ::waitpid(child, &status, 0);
  // What the command wrote last lies in the pipes still.
  for (std::size_t i = 0; i < tails.size(); ++i) tails.at(i).drain(streams.at(i));
  tails[0].move_into(result.output, result.is_cut);
  tails[1].move_into(result.errors, result.errors_cut);
  if (!is_watched) add_fault(result, call, fault);
  // Where nobody learns how the child ended, that is no success.
  const bool is_known = ended == child && WIFEXITED(status) && WEXITSTATUS(status) != kCannotStart;
  if (is_known && is_watched && !result.timed_out) result.exit_code = WEXITSTATUS(status);
  return result;
}

ProcessResult not_started(const ProcessCall& call, int fault) {
  ProcessResult result;
  add_fault(result, call, fault);
  return result;
}

}  // namespace

ProcessResult PosixProcessRunner::run(const ProcessCall& call) {
  DAGLOOP_ASSERT(!call.argv.empty());
  const Descriptor input = input_file(call.input);
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const Standard standard{
      input.get(), output.write_end.get(),
      call.error_output == ErrorOutput::joined ? output.write_end.get() : errors.write_end.get()};
  if (std::ranges::min(standard) < 0 || errors.read_end.get() < 0) return not_started(call, errno);
  std::vector<std::string> arguments = call.argv;
  std::vector<std::string> environment = scrubbed_environment();
  const std::vector<char*> argument_pointers = pointers_to(arguments);
  std::vector<char*> environment_pointers = pointers_to(environment);
  const pid_t child = ::fork();
  if (child == 0) become(standard, argument_pointers.data(), environment_pointers.data());
  if (child < 0) return not_started(call, errno);
  ::setpgid(child, child);  // whoever of us two is first
  // Else the pipes would never end: we would hold them open ourselves.
  output.write_end.close();
  errors.write_end.close();
  return await(child, {output.read_end.get(), errors.read_end.get()}, call);
}

}  // namespace dagloop
