#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxDepth = 64;

// Builds a Json from the parser's events; the first fault ends the parse.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return fail("an integer is too large");
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // An integer beyond 64 bits comes as a float: refused, for it would not print back as it was.
    if (text.find_first_of(".eE") == string_t::npos) return fail("an integer is too large");
    return add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool start_object(std::size_t) override { return open(Json(Json::Object{})); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json(Json::Array{})); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    if (open_.back().value.find(value) != nullptr) return fail("the key \"" + value + "\" twice");
    open_.back().key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return fail("no valid JSON");
  }

  Json& root() { return root_; }
  const std::string& fault() const { return fault_; }

 private:
  struct Level {
    Json value;
    std::string key;
  };

  bool fail(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
    return false;
  }

  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.push_back(std::move(value));
    } else {
      open_.back().value.as_object().emplace_back(std::move(open_.back().key), std::move(value));
    }
    return true;
  }

  bool open(Json value) {
    if (open_.size() == kMaxDepth) return fail("nested too deeply");
    open_.push_back({std::move(value), {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  Json root_;
  std::vector<Level> open_;
  std::string fault_;
};

// Hands out characters and counts them, so that every fault can say its line.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  Builder builder;
  std::size_t consumed = 0;
  const bool fine =
      nlohmann::json::sax_parse(CountingIterator(text.data(), &consumed),
                                CountingIterator(text.data() + text.size(), &consumed), &builder,
                                nlohmann::json::input_format_t::json, true, true);
  if (fine) return std::move(builder.root());
  // The last character may only have been looked at: a line end behind a number is not its line.
  const std::size_t until = std::min(consumed > 0 ? consumed - 1 : 0, text.size());
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(until), '\n');
  throw Error(ErrorKind::config, std::string(where) + ":" + std::to_string(line),
              builder.fault().empty() ? "no valid JSON" : builder.fault(),
              "mend the JSON at or before this line");
}

}  // namespace dagloop
