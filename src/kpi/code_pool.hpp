// Private to the kpi layer: the error codes of a run table by number. A code counts by its label
// and its class, so that a service that writes an id into each code does not make the pool grow.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dagloop/base/label.hpp"
#include "dagloop/record/error_class.hpp"

namespace dagloop {

/// Labelled codes by number; 0 is none. Grows with the labels.
class CodePool {
 public:
  /// Shape: `classes` stays where it is.
  explicit CodePool(const ErrorClasses& classes) : classes_(&classes) { add({}); }

  /// Returns the number of a code of a record, new or known.
  std::uint32_t intern(std::string_view code) {
    if (code.empty()) return 0;
    std::uint32_t& recent =
        recent_[(code.size() + static_cast<unsigned char>(code.front())) % kRecent];
    if (recent == 0 || *entries_[recent].label != code) {
      const std::uint32_t number = find_or_add(code);
      if (!entries_[number].is_as_written) return number;
      recent = number;
    }
    return recent;
  }
  /// Returns the number of a labelled code, new or known.
  std::uint32_t add(const LabelledCode& code);

  const std::string& label(std::uint32_t number) const { return *entries_[number].label; }
  ErrorClass error_class(std::uint32_t number) const { return entries_[number].error_class; }
  bool is_named(std::uint32_t number) const { return entries_[number].is_named; }
  LabelledCode code(std::uint32_t number) const {
    return {label(number), error_class(number), is_named(number)};
  }
  /// Returns how many there are.
  std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kRecent = 16;
  static constexpr std::size_t kSeen = 4096;

  struct Entry {
    const std::string* label = nullptr;  // the map's keys stay where they are
    std::uint32_t next = 0;              // of the same label
    ErrorClass error_class = ErrorClass::other;
    bool is_named = false;
    bool is_as_written = false;  // a code is its own label, and of this class
  };
  // A code that is not its own label.
  struct Seen {
    std::string code;
    std::uint32_t number = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <typename Value>
  using ByText = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  std::uint32_t find_or_add(std::string_view code);
  LabelledCode label_with_ids(std::string_view code, const FoldedText& folded);

  const ErrorClasses* classes_;
  ByText<std::uint32_t> first_of_;  // label -> the first entry of it
  ByText<ErrorClass> shapes_;       // folded texts that need no second look -> class of the words
  std::vector<Entry> entries_;
  std::vector<Seen> seen_ =
      std::vector<Seen>(kSeen);  // by hash, the last of each: such codes may repeat, too
  std::array<std::uint32_t, kRecent> recent_{};  // codes repeat: most are found here
};

}  // namespace dagloop
