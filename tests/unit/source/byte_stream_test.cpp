#include "source/byte_stream.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "log_text.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

std::string read_all(const std::string& path, std::size_t capacity = 4096) {
  const auto stream = open_bytes(path);
  std::vector<char> buffer(capacity);
  std::string text;
  while (const std::size_t size = stream->read(buffer.data(), capacity)) {
    REQUIRE(size <= capacity);
    text.append(buffer.data(), size);
  }
  CHECK(stream->read(buffer.data(), capacity) == 0);  // the end stays the end
  return text;
}

std::string fault_of(const std::string& path) {
  try {
    read_all(path);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::source);
    CHECK(std::string(error.what()).find(path) != std::string::npos);
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a file gives its bytes whatever the size of the reads") {
  const TempFiles files;
  const std::string text = joined(log_lines(300, 1));
  for (const std::string& path : {files.write("a.jsonl", text), files.write("a.gz", gzip(text)),
                                  files.write("a.zst", zstd(text))}) {
    for (const std::size_t capacity : {1U, 2U, 3U, 5U, 1000U, 1048576U}) {
      CHECK(read_all(path, capacity) == text);
    }
  }
}

TEST_CASE("compressed files larger than every buffer are read whole") {
  const TempFiles files;
  std::string text;
  while (text.size() < 3000000) text += std::to_string(text.size() * 2654435761U) + "\n";
  CHECK(read_all(files.write("a.gz", gzip(text)), 100000) == text);
  CHECK(read_all(files.write("a.zst", zstd(text)), 100000) == text);
}

TEST_CASE("highly compressed data is read whole though the input ends long before the output") {
  const TempFiles files;
  const std::string text(5000000, 'a');
  for (const std::size_t capacity : {7U, 65536U, 8000000U}) {
    CHECK(read_all(files.write("a.gz", gzip(text)), capacity) == text);
    CHECK(read_all(files.write("a.zst", zstd(text)), capacity) == text);
  }
}

TEST_CASE("gzip members and zstd frames one after another are one text") {
  const TempFiles files;
  CHECK(read_all(files.write("a.gz", gzip("one\n") + gzip("") + gzip("two\n"))) == "one\ntwo\n");
  CHECK(read_all(files.write("a.zst", zstd("one\n") + zstd("") + zstd("two\n"))) == "one\ntwo\n");
  CHECK(read_all(files.write("b.gz", gzip(""))).empty());
  CHECK(read_all(files.write("b.zst", zstd(""))).empty());
}

TEST_CASE("compressed data is known by its first bytes under any name") {
  const TempFiles files;
  CHECK(read_all(files.write("a.jsonl", gzip("text\n"))) == "text\n");
  CHECK(read_all(files.write("b", zstd("text\n"))) == "text\n");
  CHECK(read_all(files.write("c", "\x1f")) == "\x1f");
  CHECK(read_all(files.write("d", "")).empty());
}

TEST_CASE("compressed data cut anywhere is an error that names the file") {
  const TempFiles files;
  const std::string text = joined(log_lines(20, 2));
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    const std::string name = whole == gzip(text) ? "a.gz" : "a.zst";
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string fault = fault_of(files.write(name, whole.substr(0, size)));
      INFO(size << ": " << fault);
      REQUIRE(contains(fault, "ends too early"));
    }
  }
}

TEST_CASE("a second gzip member or zstd frame that is cut is an error too") {
  const TempFiles files;
  CHECK(contains(fault_of(files.write("a.gz", gzip("one\n") + gzip("two\n").substr(0, 12))),
                 "ends too early"));
  CHECK(contains(fault_of(files.write("a.zst", zstd("one\n") + zstd("two\n").substr(0, 9))),
                 "ends too early"));
}

TEST_CASE("a changed byte of the compressed data never passes for the text") {
  const TempFiles files;
  const std::string text = joined(log_lines(20, 3));
  int corrupt = 0;
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    const std::string name = whole == gzip(text) ? "a.gz" : "a.zst";
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ 0x40);
      const std::string path = files.write(name, changed);
      try {
        const std::string read = read_all(path);
        CHECK(read == text);  // header bytes that mean nothing, e.g. gzip's mtime
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::source);
        ++corrupt;
      }
    }
  }
  CHECK(corrupt > 500);
}

TEST_CASE("a file that is named as compressed but is not is an error") {
  const TempFiles files;
  CHECK(contains(fault_of(files.write("a.gz", "{}\n")), "corrupt"));
  CHECK(contains(fault_of(files.write("a.zst", "{}{}{}{}\n")), "corrupt"));
  CHECK(contains(fault_of(files.write("b.gz", gzip("one\n") + "garbage")), "corrupt"));
  CHECK(contains(fault_of(files.write("b.zst", zstd("one\n") + "garbage")), "corrupt"));
}

TEST_CASE("a file that cannot be opened or read is an error with the system's reason") {
  const TempFiles files;
  CHECK(contains(fault_of(files.path("missing.jsonl")), "No such file"));
  CHECK(contains(fault_of(files.path()), "directory"));
}

TEST_CASE("bytes of the file are counted before decompression") {
  const TempFiles files;
  const std::string text(100000, 'a');
  const std::string packed = gzip(text);
  const auto stream = open_bytes(files.write("a.gz", packed));
  std::vector<char> buffer(text.size() + 1);
  while (stream->read(buffer.data(), buffer.size()) > 0) {
  }
  CHECK(stream->file_bytes() == packed.size());
}

}  // namespace
}  // namespace dagloop::test
