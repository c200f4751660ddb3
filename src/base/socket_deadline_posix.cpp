#include <sys/socket.h>

#include "base/socket_deadline.hpp"

namespace dagloop {

SocketDeadline::SocketDeadline(int socket, std::chrono::milliseconds patience)
    : watcher_([this, socket, patience] {
        std::unique_lock lock(mutex_);
        if (done_.wait_for(lock, patience, [this] { return is_done_; })) return;
        is_over_ = true;
        ::shutdown(socket, SHUT_RDWR);
      }) {}

SocketDeadline::~SocketDeadline() {
  {
    const std::scoped_lock lock(mutex_);
    is_done_ = true;
  }
  done_.notify_one();
  watcher_.join();
}

bool SocketDeadline::is_over() const {
  const std::scoped_lock lock(mutex_);
  return is_over_;
}

}  // namespace dagloop
