#include "source/record_finder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <system_error>

#include "dagloop/record/mapping.hpp"
#include "dagloop/record/record_reader.hpp"

namespace dagloop {
namespace {

// Lines that are JSON, but no objects: they count as malformed.
constexpr std::string_view kNothingThere = "\"a document without records\"\n";
constexpr std::string_view kCutOff = "\"a document that is cut off\"\n";

using ByteSet = std::array<bool, 256>;

constexpr ByteSet set_of(std::string_view bytes) {
  ByteSet set{};
  for (const char byte : bytes) set.at(static_cast<unsigned char>(byte)) = true;
  return set;
}

// The bytes at which something begins or ends, outside of texts and within them.
constexpr ByteSet kStructure = set_of("{}[],\"\n\r");
constexpr ByteSet kTextEnds = set_of("\"\\\n");

bool is_in(const ByteSet& set, char byte) { return set[static_cast<unsigned char>(byte)]; }

bool is_space(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

bool is_number_of(const std::string& token, std::size_t number) {
  std::size_t value = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, value);
  return error == std::errc{} && stop == end && value == number;
}

}  // namespace

RecordFinder::RecordFinder(const std::string& pointer) : tokens_(split_pointer(pointer)) {
  if (!tokens_.empty()) document_start_ = "{\"" + tokens_.front() + "\"";
  begin_document();
}

void RecordFinder::take(std::string_view bytes, std::string& out) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    const char* const from = at;
    const bool is_kept = !found_first_;
    switch (state_) {
      case State::outside:
        at = step(at, end, out);
        break;
      case State::inside:
        at = read_inside(at, end, out);
        break;
      case State::garbage:
        at = read_garbage(at, end, out);
        break;
    }
    if (is_kept) keep(from, at, out);
  }
}

// Keeps the document until it is known where its records are. One that has none at the pointer is a
// record itself.
void RecordFinder::keep(const char* from, const char* until, std::string& out) {
  if (head_.size() <= kMaxLineBytes) head_.append(from, until);
  if (is_record_) {
    std::ranges::replace_if(
        head_, [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
    out += head_ + '\n';
    is_record_ = false;
  }
  if (found_first_ || !is_begun_) head_.clear();
}

void RecordFinder::finish(std::string& out) {
  if (state_ == State::garbage) out += '\n';
  if (state_ != State::garbage && is_begun_) cut(out);
  begin_document();
}

void RecordFinder::begin_document() {
  frames_.clear();
  state_ = State::outside;
  expected_ = Expected::value;
  in_text_ = false;
  is_escaped_ = false;
  is_begun_ = false;
  is_empty_ = true;
  found_first_ = tokens_.empty();
  is_on_one_line_ = true;
}

void RecordFinder::end_document() {
  is_record_ = !found_first_ && !is_empty_;
  if (layout_ == Layout::unknown) layout_ = is_on_one_line_ ? Layout::lines : Layout::free;
  begin_document();
}

// Whether a document that is not complete ends with this line: where each stands on a line of its
// own, in the middle of a text, and before what another one begins with.
bool RecordFinder::is_cut(const char* newline, const char* end) const {
  if (layout_ == Layout::lines || in_text_) return true;
  const std::string_view behind(newline + 1, static_cast<std::size_t>(end - newline - 1));
  return !document_start_.empty() && behind.starts_with(document_start_);
}

void RecordFinder::cut(std::string& out) {
  if (state_ == State::inside && use_ == Use::written) {
    out += '\n';
  } else {
    out += kCutOff;
  }
  begin_document();
}

// What is no JSON: the rest of the line counts as one that is malformed.
void RecordFinder::go_astray(std::string& out) {
  out += '?';
  state_ = State::garbage;
}

const char* RecordFinder::read_garbage(const char* at, const char* end, std::string& out) {
  const auto* newline =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  if (newline == nullptr) {
    out.append(at, end);
    return end;
  }
  out.append(at, newline + 1);
  begin_document();
  return newline + 1;
}

bool RecordFinder::leads_into_array() const {
  return tokens_.empty() || tokens_.front() == "*" ||
         tokens_.front().find_first_not_of("0123456789") == std::string::npos;
}

std::size_t RecordFinder::match_of_next() const {
  if (frames_.empty()) return 0;
  const Frame& frame = frames_.back();
  const std::string& token = tokens_[frame.matched];
  const bool is_it =
      token == "*" || (frame.is_object ? token == key_ : is_number_of(token, frame.elements - 1));
  return is_it ? frame.matched + 1 : kOffPath;
}

const char* RecordFinder::step(const char* at, const char* end, std::string& out) {
  if (in_text_) return read_key(at, end, out);
  if (*at == '\n' && is_begun_) {
    is_on_one_line_ = false;
    if (is_cut(at, end)) cut(out);
  }
  if (is_space(*at)) return at + 1;
  is_begun_ = true;
  if (expected_ == Expected::value && *at != ']') {
    begin_value(*at, out);
    return state_ == State::outside ? at + 1 : at;
  }
  step_structure(*at, out);
  return state_ == State::garbage ? at : at + 1;
}

void RecordFinder::step_structure(char byte, std::string& out) {
  const bool is_object = !frames_.empty() && frames_.back().is_object;
  const bool may_end = expected_ != Expected::colon && !frames_.empty();
  if (may_end && byte == (is_object ? '}' : ']')) {
    frames_.pop_back();
    end_value(out);
  } else if (expected_ == Expected::comma && byte == ',') {
    expected_ = is_object ? Expected::key : Expected::value;
  } else if (expected_ == Expected::key && byte == '"') {
    in_text_ = true;
    key_.clear();
  } else if (expected_ == Expected::colon && byte == ':') {
    expected_ = Expected::value;
  } else {
    go_astray(out);
  }
}

const char* RecordFinder::read_key(const char* at, const char* end, std::string& out) {
  for (; at < end; ++at) {
    if (*at == '\n') {
      cut(out);
      return at + 1;
    }
    if (*at == '"' && !is_escaped_) {
      in_text_ = false;
      expected_ = Expected::colon;
      return at + 1;
    }
    is_escaped_ = *at == '\\' && !is_escaped_;
    key_ += *at;
  }
  return at;
}

// The first byte of a value is not yet taken, unless it is the bracket of one that leads to
// records.
void RecordFinder::begin_value(char byte, std::string& out) {
  if (!frames_.empty()) is_empty_ = false;
  const bool is_element = !frames_.empty() && !frames_.back().is_object;
  if (is_element) ++frames_.back().elements;
  if (is_element && frames_.back().matched == tokens_.size()) return begin_inside(Use::written);
  const std::size_t matched = match_of_next();
  if (matched != kOffPath && frames_.size() == 1) found_first_ = true;
  const bool is_container = byte == '{' || byte == '[';
  if (frames_.empty() && byte == '[' && matched == 0 && !leads_into_array()) {
    found_first_ = true;
    frames_.push_back({false, tokens_.size()});
    return;
  }
  if (frames_.empty() && !is_container) return go_astray(out);
  if (matched == kOffPath) return begin_inside(Use::skipped);
  if (matched == tokens_.size() && byte == '{') return begin_inside(Use::written);
  if (!is_container) {
    if (matched == tokens_.size() && byte != 'n') out += kNothingThere;
    return begin_inside(Use::skipped);
  }
  frames_.push_back({byte == '{', matched});
  expected_ = byte == '{' ? Expected::key : Expected::value;
}

void RecordFinder::begin_inside(Use use) {
  state_ = State::inside;
  use_ = use;
  depth_ = 0;
}

// Where a value inside has come to its end, its last byte may be written already.
void RecordFinder::end_value(std::string& out) {
  if (state_ == State::inside && use_ == Use::written) out += '\n';
  state_ = State::outside;
  expected_ = Expected::comma;
  if (frames_.empty()) end_document();
}

// Takes one that is not within a text; returns whether the value ends with it.
bool RecordFinder::take_bracket(char byte) {
  if (byte == '"') {
    in_text_ = !in_text_;
    return depth_ == 0 && !in_text_;
  }
  if (byte == '{' || byte == '[') {
    ++depth_;
    return false;
  }
  return --depth_ == 0;
}

const char* RecordFinder::read_inside(const char* at, const char* end, std::string& out) {
  const char* const from = at;
  const auto write = [&](const char* until) {
    if (use_ == Use::written) out.append(from, until);
  };
  while (at < end) {
    if (is_escaped_) {
      is_escaped_ = false;
      ++at;
      continue;
    }
    const ByteSet& stops = in_text_ ? kTextEnds : kStructure;
    while (at < end && !is_in(stops, *at)) ++at;
    if (at == end) break;
    const char byte = *at;
    if (byte == '\n' || byte == '\r') {
      write(at);
      if (byte == '\n') is_on_one_line_ = false;
      if (byte == '\n' && is_cut(at, end)) {
        cut(out);
      } else if (use_ == Use::written) {
        out += ' ';
      }
      return at + 1;
    }
    const bool is_end_of_scalar =
        depth_ == 0 && !in_text_ && (byte == ',' || byte == '}' || byte == ']');
    if (is_end_of_scalar) {  // which is of what is around it
      write(at);
      end_value(out);
      return at;
    }
    ++at;
    if (byte == '\\') {
      is_escaped_ = true;
    } else if (byte != ',' && take_bracket(byte)) {
      write(at);
      end_value(out);
      return at;
    }
  }
  write(at);
  return at;
}

}  // namespace dagloop
