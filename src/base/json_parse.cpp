#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxValues = 4'000'000;  // 40 bytes each, whatever they hold
constexpr std::size_t kFewMembers = 32;        // compared one by one
constexpr std::size_t kShownKey = 100;

// Builds a Json from the parser's events; the first fault ends the parse.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    // Json holds integers as int64; as a double it would lose its last digits without a word.
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
    // Readers differ in which of two equal keys counts. What was approved must not depend on it.
    if (!is_new(open_.back(), value)) {
      return fail("the key \"" + redact_text(value, kShownKey) + "\" twice");
    }
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
    std::set<std::string, std::less<>> keys;  // of an object that has many
  };

  // A tree, not a hash table: nobody can choose keys that make it slow.
  static bool is_new(Level& level, const std::string& key) {
    const Json::Object& members = level.value.as_object();
    if (members.size() < kFewMembers) return level.value.find(key) == nullptr;
    if (level.keys.empty()) {
      for (const Json::Member& member : members) level.keys.insert(member.first);
    }
    return level.keys.insert(key).second;
  }

  bool fail(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
    return false;
  }

  bool add(Json value) {
    if (++value_count_ > kMaxValues) return fail("more than 4 million values");
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
    // Printing and copying recurse. Documents of ours are far flatter.
    if (open_.size() == kMaxDepth) return fail("nested too deeply");
    open_.push_back({std::move(value), {}, {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  Json root_;
  std::vector<Level> open_;
  std::size_t value_count_ = 0;
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

[[noreturn]] void refuse_text(std::string_view text, std::size_t at, std::string_view where,
                              std::string_view what) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(at, text.size()));
  throw Error(ErrorKind::config,
              std::string(where) + ":" + std::to_string(1 + std::count(text.begin(), end, '\n')),
              what, "mend the JSON at or before this line");
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  if (text.size() > kMaxBytes) refuse_text(text, 0, where, "a document of more than 64 MiB");
  // To the parser a NUL byte is the end, and what stands behind it would go unseen.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) refuse_text(text, nul, where, "no valid JSON: a NUL byte");
  Builder builder;
  std::size_t consumed = 0;
  const bool fine =
      nlohmann::json::sax_parse(CountingIterator(text.data(), &consumed),
                                CountingIterator(text.data() + text.size(), &consumed), &builder,
                                nlohmann::json::input_format_t::json, true, true);
  if (fine) return std::move(builder.root());
  // The last character may only have been looked at: a line end behind a number is not its line.
  refuse_text(text, consumed > 0 ? consumed - 1 : 0, where,
              builder.fault().empty() ? "no valid JSON" : builder.fault());
}

}  // namespace dagloop
