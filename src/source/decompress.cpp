#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagloop/base/error.hpp"
#include "source/byte_stream.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kInputBytes = std::size_t{1} << 18;

// The compressed bytes not yet decompressed.
class Input {
 public:
  Input(std::string path, std::unique_ptr<ByteStream> from)
      : path_(std::move(path)), from_(std::move(from)), buffer_(kInputBytes) {}

  std::string_view bytes() const { return {buffer_.data() + position_, size_ - position_}; }
  void consume(std::size_t count) { position_ += count; }
  std::uint64_t file_bytes() const { return from_->file_bytes(); }

  // Reads more where nothing is left; returns false at the end of the file.
  bool refill() {
    if (position_ < size_) return true;
    position_ = 0;
    size_ = from_->read(buffer_.data(), buffer_.size());
    return size_ > 0;
  }

  [[noreturn]] void fail_corrupt(std::string_view why) const {
    throw Error(ErrorKind::source, path_, "compressed data is corrupt (" + std::string(why) + ")",
                "restore the file or leave it out");
  }
  [[noreturn]] void fail_truncated() const {
    throw Error(ErrorKind::source, path_, "compressed data ends too early",
                "wait until the file is complete, restore it, or leave it out");
  }

 private:
  std::string path_;
  std::unique_ptr<ByteStream> from_;
  std::vector<char> buffer_;
  std::size_t position_ = 0;
  std::size_t size_ = 0;
};

// What gzip members and zstd frames have in common: pieces one after another, each of which must be
// whole.
class PiecewiseStream : public ByteStream {
 public:
  explicit PiecewiseStream(Input input) : input_(std::move(input)) {}

  std::size_t read(char* out, std::size_t capacity) final {
    for (;;) {
      // Output that did not fit the last time is inside the decoder and needs no further input.
      if (!input_.refill() && !is_output_pending_) {
        // A file that is still being written, or was copied in part. To take what there is would be
        // to decide on a part of the log.
        if (!is_between_pieces_) input_.fail_truncated();
        return 0;
      }
      const std::size_t size = decode(out, capacity);
      if (size > 0) return size;
    }
  }

  std::uint64_t file_bytes() const final { return input_.file_bytes(); }

 protected:
  // Decodes from input(), says how far it came by after_piece() or within_piece(), and returns the
  // number of bytes written to `out`.
  virtual std::size_t decode(char* out, std::size_t capacity) = 0;

  Input& input() { return input_; }
  bool is_between_pieces() const { return is_between_pieces_; }
  void after_piece() {
    is_between_pieces_ = true;
    is_output_pending_ = false;
  }
  void within_piece(bool is_output_full) {
    is_between_pieces_ = false;
    is_output_pending_ = is_output_full;
  }

 private:
  Input input_;
  bool is_between_pieces_ = false;  // also at the start: an empty file is no compressed file
  bool is_output_pending_ = false;
};

class GzipStream final : public PiecewiseStream {
 public:
  explicit GzipStream(Input input) : PiecewiseStream(std::move(input)) {
    // zlib's own code for "a gzip header and nothing else".
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&state_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipStream() override { inflateEnd(&state_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 private:
  std::size_t decode(char* out, std::size_t capacity) override {
    if (is_between_pieces()) inflateReset(&state_);
    const std::string_view bytes = input().bytes();
    // zlib takes no const input, but does not write to it.
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    state_.avail_in = static_cast<uInt>(bytes.size());
    state_.next_out = reinterpret_cast<Bytef*>(out);
    const auto room = static_cast<uInt>(std::min(capacity, kMaxOutputBytes));
    state_.avail_out = room;
    const int result = inflate(&state_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    // Z_BUF_ERROR only says that there was nothing to do.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      input().fail_corrupt(state_.msg == nullptr ? "gzip" : state_.msg);
    }
    input().consume(bytes.size() - state_.avail_in);
    if (result == Z_STREAM_END) {
      after_piece();
    } else {
      within_piece(state_.avail_out == 0);
    }
    return room - state_.avail_out;
  }

  static constexpr std::size_t kMaxOutputBytes = std::size_t{1} << 30;  // fits zlib's uInt
  z_stream state_{};
};

class ZstdStream final : public PiecewiseStream {
 public:
  explicit ZstdStream(Input input)
      : PiecewiseStream(std::move(input)), state_(ZSTD_createDStream()) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdStream() override { ZSTD_freeDStream(state_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

 private:
  std::size_t decode(char* out, std::size_t capacity) override {
    const std::string_view bytes = input().bytes();
    ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer to{out, capacity, 0};
    const std::size_t result = ZSTD_decompressStream(state_, &to, &from);
    if (ZSTD_isError(result) != 0) input().fail_corrupt(ZSTD_getErrorName(result));
    input().consume(from.pos);
    if (result == 0) {
      after_piece();
    } else {
      within_piece(to.pos == to.size);
    }
    return to.pos;
  }

  ZSTD_DStream* state_;
};

}  // namespace

std::unique_ptr<ByteStream> make_gzip_stream(std::string path, std::unique_ptr<ByteStream> from) {
  return std::make_unique<GzipStream>(Input(std::move(path), std::move(from)));
}

std::unique_ptr<ByteStream> make_zstd_stream(std::string path, std::unique_ptr<ByteStream> from) {
  return std::make_unique<ZstdStream>(Input(std::move(path), std::move(from)));
}

}  // namespace dagloop
