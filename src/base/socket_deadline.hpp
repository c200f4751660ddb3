// Private to the layers that ask servers over a library that has no deadline of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace dagloop {

/// While it lives, and for at most a while: then the socket is shut down, and whoever waits for its
/// other end goes on, as if that had hung up. A frozen server still acknowledges what it is sent,
/// so that no setting of the socket notices.
class SocketDeadline {
 public:
  SocketDeadline(int socket, std::chrono::milliseconds patience);
  ~SocketDeadline();
  SocketDeadline(const SocketDeadline&) = delete;
  SocketDeadline& operator=(const SocketDeadline&) = delete;

  /// Returns whether the socket was shut down.
  bool is_over() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  bool is_over_ = false;
  std::thread watcher_;
};

}  // namespace dagloop
