#include "source/chunk_reader.hpp"

#include <mutex>
#include <utility>

#include "source/line_stream.hpp"
#include "source/plain_file.hpp"
#include "source/record_stream.hpp"

namespace dagloop {
namespace {

// A stream that several threads take chunks from, one after another.
class StreamChunks final : public ChunkReader {
 public:
  StreamChunks(std::unique_ptr<ByteStream> bytes, std::size_t chunk_bytes)
      : lines_(std::move(bytes), chunk_bytes) {}

  bool next(Chunk& chunk) override {
    const std::scoped_lock lock(mutex_);
    return lines_.next(chunk);
  }

 private:
  std::mutex mutex_;
  LineStream lines_;
};

}  // namespace

bool is_blank(std::string_view line) {
  if (line.starts_with('{')) return false;  // as nearly all do
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::unique_ptr<ChunkReader> open_chunks(const std::string& path, std::size_t chunk_bytes,
                                         const std::optional<std::string>& records) {
  if (records) {
    return std::make_unique<StreamChunks>(make_record_stream(*records, open_bytes(path)),
                                          chunk_bytes);
  }
  if (auto plain = open_plain_file(path, chunk_bytes)) return plain;
  return std::make_unique<StreamChunks>(open_bytes(path), chunk_bytes);
}

}  // namespace dagloop
