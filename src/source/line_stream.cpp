#include "source/line_stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "dagloop/record/record_reader.hpp"

namespace dagloop {
LineStream::LineStream(std::unique_ptr<ByteStream> bytes, std::size_t chunk_bytes)
    : bytes_(std::move(bytes)), chunk_bytes_(chunk_bytes) {
  Buffer head;
  const std::size_t size = fill(head, 0, kByteOrderMark.size());
  carry_.assign(head.data(), size);
  if (carry_ == kByteOrderMark) carry_.clear();
}

// Reads until `buffer` holds `target` bytes or the stream ends; returns how many it holds.
std::size_t LineStream::fill(Buffer& buffer, std::size_t size, std::size_t target) {
  if (buffer.size() < target + kLinePadding) buffer.resize(target + kLinePadding);
  while (size < target && !at_end_) {
    const std::size_t count = bytes_->read(buffer.data() + size, target - size);
    at_end_ = count == 0;
    size += count;
  }
  return size;
}

// Reads on until the end of the line, keeping what follows it.
void LineStream::skip_line() {
  std::array<char, 16384> bytes{};
  carry_.clear();
  while (!at_end_) {
    const std::string_view read{bytes.data(), bytes_->read(bytes.data(), bytes.size())};
    at_end_ = read.empty();
    const std::size_t newline = read.find('\n');
    if (newline == std::string_view::npos) continue;
    carry_.assign(read.substr(newline + 1));
    return;
  }
}

bool LineStream::next(Chunk& chunk) {
  if (at_end_ && carry_.empty()) return false;
  chunk.text = {};
  chunk.sequence = next_sequence_++;
  chunk.overlong = {};
  std::size_t size = carry_.size();
  if (chunk.buffer.size() < size) chunk.buffer.resize(size);
  carry_.copy(chunk.buffer.data(), size);
  std::size_t searched = 0;
  std::size_t whole = 0;  // size of the whole lines at the front of the buffer
  while (whole == 0) {
    size = fill(chunk.buffer, size, size + chunk_bytes_);
    const std::string_view fresh{chunk.buffer.data() + searched, size - searched};
    const std::size_t newline = fresh.rfind('\n');
    if (newline != std::string_view::npos) {
      whole = searched + newline + 1;
    } else if (at_end_) {
      whole = size;
      // The last line of a file may lack its newline.
      break;
    } else if (size > kMaxHeldBytes) {
      chunk.overlong = {chunk.buffer.data(), kOverlongBytes};
      skip_line();
      break;
    }
    searched = size;
  }
  if (chunk.overlong.empty()) {
    chunk.text = std::string_view(chunk.buffer.data(), whole);
    carry_.assign(chunk.buffer.data() + whole, size - whole);
  }
  chunk.file_bytes = bytes_->file_bytes() - std::exchange(file_bytes_, bytes_->file_bytes());
  return !chunk.text.empty() || !chunk.overlong.empty();
}

}  // namespace dagloop
