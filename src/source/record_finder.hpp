// Private to the source layer: finds the records in the arrays of JSON documents. Pure; for one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dagloop {

/// Writes the elements of the arrays at a pointer, one a line; those of a document that is an array
/// itself; and a document that has nothing there. Only what leads to them is looked at closely; of
/// everything else, brackets and texts alone.
class RecordFinder {
 public:
  /// Shape: a JSON pointer, in which `*` is every element or member.
  explicit RecordFinder(const std::string& pointer);

  /// Takes the next bytes, which may end anywhere, and appends the lines found to `out`.
  void take(std::string_view bytes, std::string& out);
  /// Takes the end.
  void finish(std::string& out);

 private:
  enum class State : std::uint8_t { outside, inside, garbage };
  enum class Expected : std::uint8_t { value, key, colon, comma };
  enum class Layout : std::uint8_t { unknown, lines, free };
  enum class Use : std::uint8_t { written, skipped };

  static constexpr std::size_t kOffPath = static_cast<std::size_t>(-1);

  // An object or an array that is open, and how many tokens lead to it.
  struct Frame {
    bool is_object = false;
    std::size_t matched = 0;
    std::size_t elements = 0;
  };

  const char* step(const char* at, const char* end, std::string& out);
  void step_structure(char byte, std::string& out);
  const char* read_key(const char* at, const char* end, std::string& out);
  const char* read_inside(const char* at, const char* end, std::string& out);
  const char* read_garbage(const char* at, const char* end, std::string& out);
  bool take_bracket(char byte);
  void begin_value(char byte, std::string& out);
  void begin_inside(Use use);
  void end_value(std::string& out);
  void begin_document();
  void end_document();
  void keep(const char* from, const char* until, std::string& out);
  bool leads_into_array() const;
  bool is_cut(const char* newline, const char* end) const;
  void cut(std::string& out);
  void go_astray(std::string& out);
  std::size_t match_of_next() const;

  std::vector<std::string> tokens_;
  std::string document_start_;  // `{"<first token>"`
  std::vector<Frame> frames_;
  State state_ = State::outside;
  Expected expected_ = Expected::value;
  Layout layout_ = Layout::unknown;
  Use use_ = Use::skipped;
  bool in_text_ = false;
  bool is_escaped_ = false;
  bool is_begun_ = false;  // of the document, something was read
  bool is_empty_ = true;   // the document, so far
  bool found_first_ = false;
  bool is_on_one_line_ = true;  // the document, so far
  bool is_record_ = false;      // the document that has ended, itself
  std::string head_;            // of the document, until its records are found
  std::string key_;
  std::size_t depth_ = 0;  // inside
};

}  // namespace dagloop
