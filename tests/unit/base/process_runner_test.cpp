#include "dagloop/base/process_runner.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;

// Runs a command as the reload hook is run, with its errors among its output.
ProcessResult run(const std::vector<std::string>& argv, std::chrono::milliseconds timeout = 20s) {
  PosixProcessRunner runner;
  return runner.run({.argv = argv, .timeout = timeout, .error_output = ErrorOutput::joined});
}

ProcessResult shell(const std::string& script, std::chrono::milliseconds timeout = 20s) {
  return run({"sh", "-c", script}, timeout);
}

// Runs a script as a tool would be: with an input, its output and its errors apart.
ProcessResult tool(const std::string& script, const std::string& input,
                   std::size_t max_output_bytes = 4096) {
  PosixProcessRunner runner;
  return runner.run({.argv = {"sh", "-c", script},
                     .input = input,
                     .timeout = 20s,
                     .max_output_bytes = max_output_bytes});
}

// Sets how this process takes a signal, for the life of the object.
class Disposition {
 public:
  Disposition(int signal, void (*handler)(int))
      : signal_(signal), before_(std::signal(signal, handler)) {}
  ~Disposition() { std::signal(signal_, before_); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

 private:
  int signal_;
  void (*before_)(int);
};

// Whether the process still runs; one that ended and waits for its parent does not.
bool runs(const std::string& pid) {
  PosixFileSystem files;
  const auto status = files.read("/proc/" + pid + "/stat");
  return status && status->find(") Z ") == std::string::npos;
}

// A killed process is gone soon, not at once: asks up to a thousand times.
bool is_gone(const std::string& pid) {
  for (int i = 0; i < 1000 && runs(pid); ++i) ::usleep(5000);
  return !runs(pid);
}

std::string first_line(const std::string& path) {
  PosixFileSystem files;
  const std::string text = files.read(path).value_or("");
  return text.substr(0, text.find('\n'));
}

}  // namespace

TEST_CASE("arguments reach the command as they are, no shell in between") {
  const ProcessResult result = run({"printf", "%s|", "a b", "$HOME", "*", "", "'\";"});
  CHECK(result.exit_code == 0);
  CHECK(result.output == "a b|$HOME|*||'\";|");
}

TEST_CASE("a timeout kills the background processes of the command, too") {
  const test::TempDirectory folder;
  const std::string note = folder.path("pid");
  const ProcessResult result =
      shell("sleep 600 & echo $! > " + note + ".tmp; mv " + note + ".tmp " + note + "; wait", 2s);
  CHECK(result.timed_out);
  CHECK(result.exit_code == -1);
  const std::string pid = first_line(note);
  REQUIRE_FALSE(pid.empty());
  CHECK(is_gone(pid));
}

TEST_CASE("a command that ignores being asked to end is killed all the same") {
  const ProcessResult result =
      shell("trap '' TERM INT HUP; echo up; while :; do sleep 1; done", 2s);
  CHECK(result.timed_out);
  CHECK(result.output == "up\n");
}

TEST_CASE("what a command wrote before its timeout is kept") {
  const ProcessResult result = shell("echo before; sleep 600", 2s);
  CHECK(result.timed_out);
  CHECK(result.output == "before\n");
}

TEST_CASE("a command that writes without end is killed at its timeout") {
  const ProcessResult result = shell("exec yes", 500ms);
  CHECK(result.timed_out);
  CHECK(result.output.size() == 4096);
}

TEST_CASE("a background process that writes without end does not hold us") {
  const ProcessResult result = shell("yes & exit 0");
  CHECK(result.exit_code == 0);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("a background process outlives a command that ended in time") {
  const test::TempDirectory folder;
  const ProcessResult result = shell("sleep 600 & echo $!");
  CHECK(result.exit_code == 0);
  const std::string pid = result.output.substr(0, result.output.find('\n'));
  CHECK(runs(pid));
  ::kill(std::stoi(pid), SIGKILL);
}

TEST_CASE("a command that a signal ended has no exit code and did not time out") {
  const ProcessResult result = shell("kill -9 $$");
  CHECK(result.exit_code == -1);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("every exit code comes back, but that of a command which could not be started") {
  for (const int code : {0, 1, 2, 126, 128, 255})
    CHECK(shell("exit " + std::to_string(code)).exit_code == code);
}

TEST_CASE("a failed command is no success where the end of children is ignored") {
  const Disposition ignored(SIGCHLD, SIG_IGN);
  CHECK(shell("exit 3").exit_code != 0);
  CHECK(shell("exit 0").exit_code != 0);  // nobody knows
}

TEST_CASE("a command ends on a closed pipe although this process ignores the signal") {
  const Disposition ignored(SIGPIPE, SIG_IGN);
  // Where SIGPIPE is ignored, yes writes an error and the shell sees exit code 1.
  const ProcessResult result = shell("(yes; echo \"yes: $?\" >&2) | head -n 1");
  CHECK_THAT(result.output, Catch::Contains("yes: 141\n"));
}

TEST_CASE("a command reads nothing from our standard input") {
  const ProcessResult result = shell("cat; echo end");
  CHECK(result.exit_code == 0);
  CHECK(result.output == "end\n");
}

TEST_CASE("a file that may not be executed cannot be started") {
  const test::TempDirectory folder;
  PosixFileSystem files;
  files.write_synced(folder.path("hook"), "#!/bin/sh\n", FileAttributes{0644, {}, {}});
  const ProcessResult result = run({folder.path("hook")});
  CHECK(result.exit_code == -1);
  CHECK_THAT(result.output, Catch::Contains("Permission denied"));
}

TEST_CASE("a command gets no descriptor but its standard ones") {
  const int inherited = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  REQUIRE(inherited > 2);
  const ProcessResult result = run({"ls", "/proc/self/fd"});
  ::close(inherited);
  CHECK(result.output == "0\n1\n2\n3\n");  // the last is the directory that ls looks into
}

TEST_CASE("a command has every signal as it was born, whatever is blocked or ignored here") {
  const Disposition hangup(SIGHUP, SIG_IGN);
  const Disposition interrupt(SIGINT, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigaddset(&blocked, SIGUSR1);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  const ProcessResult result = run({"grep", "^Sig[BI]", "/proc/self/status"});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(result.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a command has three variables at most, whatever stands in our environment") {
  for (const char* name : {"PGPASSWORD", "API_TOKEN", "LD_LIBRARY_PATH", "DAGLOOP_STATE", "ENV"}) {
    ::setenv(name, "hunter2", 1);
  }
  const ProcessResult result = run({"env"});
  for (const char* name : {"PGPASSWORD", "API_TOKEN", "LD_LIBRARY_PATH", "DAGLOOP_STATE", "ENV"}) {
    ::unsetenv(name);
  }
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK((line.starts_with("PATH=") || line.starts_with("HOME=") || line.starts_with("LANG=")));
  }
}

TEST_CASE("a command runs where we run") {
  CHECK(run({"pwd", "-P"}).output == std::filesystem::canonical(".").string() + "\n");
}

TEST_CASE("a command that closes its output is waited for, and no longer than its time") {
  CHECK(shell("exec >&- 2>&-; sleep 0.2; exit 3").exit_code == 3);
  const ProcessResult late = shell("exec >&- 2>&-; sleep 600", 300ms);
  CHECK(late.timed_out);
  CHECK(late.output.empty());
}

TEST_CASE("a daemon that leaves the command's group and ignores everything does not hold us") {
  const ProcessResult result =
      shell("setsid sh -c \"trap '' TERM HUP INT; echo \\$\\$; yes\" & sleep 0.2; exit 0");
  CHECK(result.exit_code == 0);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("running no command at all is a bug of the caller") { CHECK_THROWS_AS(run({}), Error); }

TEST_CASE("no descriptor is left open by many runs") {
  const auto open_descriptors = [] {
    PosixFileSystem files;
    return files.list("/proc/self/fd").size();
  };
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) shell("exit 0");
  CHECK(open_descriptors() == before);
}

TEST_CASE("output and errors come back apart, each with its own end kept") {
  const ProcessResult result = tool("echo out; echo err >&2; echo more; exit 3", "");
  CHECK(result.exit_code == 3);
  CHECK(result.output == "out\nmore\n");
  CHECK(result.errors == "err\n");
  CHECK_FALSE(result.is_cut);
  CHECK_FALSE(result.errors_cut);
  const ProcessResult long_errors = tool("echo out; seq 5000 >&2", "", 100);
  CHECK(long_errors.output == "out\n");
  CHECK_FALSE(long_errors.is_cut);
  CHECK(long_errors.errors.size() == 100);
  CHECK(long_errors.errors.ends_with("\n5000\n"));
  CHECK(long_errors.errors_cut);
}

TEST_CASE("with errors among the output nothing is told apart, and their order is kept") {
  const ProcessResult result = shell("echo a; echo b >&2; echo c");
  CHECK(result.output == "a\nb\nc\n");
  CHECK(result.errors.empty());
}

TEST_CASE("output is whole up to the limit, and cut from one byte more on") {
  const ProcessResult whole = tool("printf 12345678", "", 8);
  CHECK(whole.output == "12345678");
  CHECK_FALSE(whole.is_cut);
  const ProcessResult cut = tool("printf 123456789", "", 8);
  CHECK(cut.output == "23456789");
  CHECK(cut.is_cut);
}

TEST_CASE("a command reads its whole input, longer than any pipe holds, and then its end") {
  const std::string input = std::string(1'000'000, 'x') + "\nend\n";
  const ProcessResult result = tool("cat; echo . >&2", input, 2'000'000);
  CHECK(result.exit_code == 0);
  CHECK(result.output == input);
  CHECK(result.errors == ".\n");
}

TEST_CASE("a command that reads nothing of its input, or closes it, does not hold us") {
  const std::string input(1'000'000, 'x');
  CHECK(tool("exit 4", input).exit_code == 4);
  CHECK(tool("exec <&-; sleep 0.1; exit 5", input).exit_code == 5);
  CHECK(tool("head -c 3; exit 6", input).output == "xxx");
}

TEST_CASE("of 100 MB the end is kept, and no memory is taken for the rest") {
  const auto peak_kib = [] {
    PosixFileSystem files;
    const std::string status = files.read("/proc/self/status").value_or("");
    return std::stol(status.substr(status.find("VmHWM:") + 6));
  };
  const long before = peak_kib();
  const ProcessResult result = tool("head -c 100000000 /dev/zero; echo end", "", 1'000'000);
  CHECK(result.exit_code == 0);
  CHECK(result.output.size() == 1'000'000);
  CHECK(result.output.ends_with("end\n"));
  CHECK(result.is_cut);
  CHECK(peak_kib() - before < 50'000);
}

TEST_CASE("a stream that is closed early leaves the other one to be read") {
  const ProcessResult result = tool("exec >&-; sleep 0.1; echo late >&2; exit 7", "");
  CHECK(result.exit_code == 7);
  CHECK(result.output.empty());
  CHECK(result.errors == "late\n");
}

TEST_CASE("waiting for a command that is silent takes no processor time") {
  const std::clock_t before = std::clock();
  CHECK(shell("exec >&- 2>&-; sleep 0.5").exit_code == 0);
  CHECK(std::clock() - before < CLOCKS_PER_SEC / 5);
}

TEST_CASE("a command that cannot be started says so among its errors, or its output") {
  PosixProcessRunner runner;
  const ProcessResult apart = runner.run({.argv = {"dagloop-no-such-command"}, .timeout = 20s});
  CHECK(apart.exit_code == -1);
  CHECK(apart.output.empty());
  CHECK_THAT(apart.errors, Catch::Contains("No such file"));
  CHECK_THAT(run({"dagloop-no-such-command"}).output, Catch::Contains("No such file"));
}

TEST_CASE("a command has its three streams where ours are closed") {
  const int kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  const ProcessResult result = tool("cat; echo err >&2", "in");
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  CHECK(result.output == "in");
  CHECK(result.errors == "err\n");
}

TEST_CASE("a command is not run where there are no descriptors left for its streams") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = ::dup(STDOUT_FILENO);
  ::close(lowest_free);
  // It takes one for the input, four for the two pipes and one that watches the command.
  for (int left = 0; left < 6; ++left) {
    const rlimit few{static_cast<rlim_t>(lowest_free + left), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const ProcessResult result = tool("exit 0", "in");
    ::setrlimit(RLIMIT_NOFILE, &before);
    CAPTURE(left);
    CHECK(result.exit_code == -1);
    CHECK_FALSE(result.timed_out);
    CHECK_THAT(result.errors, Catch::Contains("Too many open files"));
  }
}

}  // namespace dagloop
