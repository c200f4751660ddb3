#include "dagloop/base/child_call.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/socket_deadline.hpp"
#include "temp_directory.hpp"

namespace dagloop {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using End = ChildOutcome::End;

// Waits for a time, computing or not.
void compute_for(std::chrono::milliseconds time) {
  const auto until = Steady::now() + time;
  volatile unsigned work = 0;
  while (Steady::now() < until) work = work + 1;
}

}  // namespace

TEST_CASE("what a child's work returns comes back, whatever and however much it is") {
  for (const std::size_t size : {0U, 1U, 4096U, 70'000U, 9'000'001U}) {
    std::string wanted(size, '.');
    for (std::size_t i = 0; i < size; i += 7) wanted[i] = static_cast<char>(i);
    const ChildOutcome outcome = call_in_child([&] { return wanted; }, {});
    CHECK(outcome.end == End::done);
    CHECK(outcome.bytes == wanted);
  }
}

TEST_CASE("what a child changes in memory is its own, and so is what it closes") {
  int changed = 0;
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const ChildOutcome outcome = call_in_child(
      [&] {
        ++changed;
        return std::string(::fcntl(ends[0], F_GETFD) < 0 ? "closed" : "open");
      },
      {});
  CHECK(outcome.bytes == "closed");
  CHECK(changed == 0);
  CHECK(::fcntl(ends[0], F_GETFD) >= 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a child that waits for ever is given up as silent, one that computes is not") {
  const auto begin = Steady::now();
  const ChildOutcome hung = call_in_child(
      [] {
        for (;;) ::pause();
        return std::string();
      },
      {0ms, 600ms});
  CHECK(hung.end == End::silent);
  CHECK(Steady::now() - begin < 10s);
  const ChildOutcome busy = call_in_child(
      [] {
        compute_for(1500ms);
        return std::string("done");
      },
      {0ms, 600ms});
  CHECK(busy.end == End::done);
  const ChildOutcome pausing = call_in_child(
      [] {
        for (int i = 0; i < 5; ++i) {
          std::this_thread::sleep_for(300ms);
          compute_for(20ms);
        }
        return std::string("done");
      },
      {0ms, 1000ms});
  CHECK(pausing.end == End::done);
}

TEST_CASE("a child that takes too long is given up, computing or not") {
  const auto begin = Steady::now();
  const ChildOutcome outcome = call_in_child(
      [] {
        compute_for(60s);
        return std::string();
      },
      {600ms, 0ms});
  CHECK(outcome.end == End::too_long);
  CHECK(Steady::now() - begin < 10s);
}

TEST_CASE("a child that dies says of what, and half a result is none") {
  const auto killed = [](int signal) {
    return call_in_child(
        [signal] {
          std::signal(signal, SIG_DFL);
          std::raise(signal);
          return std::string();
        },
        {});
  };
  CHECK(killed(SIGKILL).end == End::died);
  CHECK(killed(SIGKILL).signal == SIGKILL);
  CHECK(killed(SIGTERM).signal == SIGTERM);
  const ChildOutcome left = call_in_child([]() -> std::string { ::_exit(0); }, {});
  CHECK(left.end == End::died);
  CHECK(left.signal == 0);
}

TEST_CASE("a child dies with its caller") {
  const test::TempDirectory folder;
  const std::string pid_file = folder.path("pid");
  const pid_t caller = ::fork();
  if (caller == 0) {
    call_in_child(
        [&] {
          std::filesystem::create_symlink(std::to_string(::getpid()), pid_file);
          for (;;) ::pause();
          return std::string();
        },
        {});
    ::_exit(0);
  }
  while (!std::filesystem::is_symlink(pid_file)) std::this_thread::sleep_for(5ms);
  const pid_t child = std::stoi(std::filesystem::read_symlink(pid_file).string());
  ::kill(caller, SIGKILL);
  int status = 0;
  ::waitpid(caller, &status, 0);
  const auto is_gone = [child] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string id, name, state;
    return !(stat >> id >> name >> state) || state == "Z";
  };
  const auto until = Steady::now() + 10s;
  while (!is_gone() && Steady::now() < until) std::this_thread::sleep_for(5ms);
  CHECK(is_gone());
}

TEST_CASE("who waits at a socket goes on when its deadline is over, and not before") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  char byte = 0;
  {
    const SocketDeadline deadline(ends[0], 30s);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    CHECK(::read(ends[0], &byte, 1) == 1);
    CHECK_FALSE(deadline.is_over());
  }
  {
    const SocketDeadline deadline(ends[0], 50ms);
    CHECK(::read(ends[0], &byte, 1) == 0);
    CHECK(deadline.is_over());
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace dagloop
