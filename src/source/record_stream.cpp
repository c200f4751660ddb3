#include "source/record_stream.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/chunk.hpp"
#include "source/record_finder.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kDocumentBytes = 262'144;  // read at a time

class RecordStream final : public ByteStream {
 public:
  RecordStream(const std::string& pointer, std::unique_ptr<ByteStream> from)
      : from_(std::move(from)), finder_(pointer), buffer_(kDocumentBytes, '\0') {
    std::size_t size = 0;
    while (size < kByteOrderMark.size() && !at_end_) size += fill(size, kByteOrderMark.size());
    const std::string_view head = std::string_view(buffer_).substr(0, size);
    if (head != kByteOrderMark) finder_.take(head, lines_);
    if (at_end_) finder_.finish(lines_);
  }

  std::size_t read(char* out, std::size_t capacity) override {
    while (given_ == lines_.size() && !at_end_) {
      lines_.clear();
      given_ = 0;
      const std::size_t size = fill(0, buffer_.size());
      finder_.take(std::string_view(buffer_).substr(0, size), lines_);
      if (at_end_) finder_.finish(lines_);
    }
    const std::size_t size = lines_.copy(out, capacity, given_);
    given_ += size;
    return size;
  }

  std::uint64_t file_bytes() const override { return from_->file_bytes(); }

 private:
  std::size_t fill(std::size_t from, std::size_t until) {
    const std::size_t size = from_->read(buffer_.data() + from, until - from);
    at_end_ = size == 0;
    return size;
  }

  std::unique_ptr<ByteStream> from_;
  RecordFinder finder_;
  std::string buffer_;
  std::string lines_;
  std::size_t given_ = 0;  // of them
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_record_stream(const std::string& pointer,
                                               std::unique_ptr<ByteStream> from) {
  return std::make_unique<RecordStream>(pointer, std::move(from));
}

}  // namespace dagloop
