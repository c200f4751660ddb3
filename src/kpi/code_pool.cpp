#include "code_pool.hpp"

#include <optional>

#include "dagloop/base/label.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// Behind that a classification looks no further: with a longer id it may see less.
constexpr std::size_t kMaxShapeBytes = 200;

// The folded text with ids of one length; nullopt where a mark in it is of the log itself.
std::optional<std::string> with_ids(const FoldedText& folded, std::size_t pairs) {
  std::string text;
  std::size_t id = 0;
  std::string_view rest = folded.text;
  for (std::size_t at = rest.find(kIdMark); at != rest.npos; at = rest.find(kIdMark)) {
    if (id == folded.kinds.size()) return std::nullopt;
    text.append(rest.substr(0, at));
    for (std::size_t i = 0; i < pairs; ++i) text += folded.kinds[id] == 'd' ? "00" : "0a";
    ++id;
    rest.remove_prefix(at + kIdMark.size());
  }
  if (id != folded.kinds.size()) return std::nullopt;
  return text.append(rest);
}

// Whether nothing is masked in any text of this shape: whatever is masked is so for its length
// (with long ids), or for what stands near its beginning (with short ones).
bool is_never_masked(const FoldedText& folded) {
  if (folded.text.find_first_of("/+") != std::string::npos) return false;  // as of base64
  for (const std::size_t pairs : {std::size_t{3}, std::size_t{4}, std::size_t{20}}) {
    const auto text = with_ids(folded, pairs);
    if (!text || redact_label(*text) != *text) return false;
  }
  return redact_label(folded.text) == folded.text;
}

// Whether all texts of a shape have the same words but for their ids: an id in small letters is one
// word, or words that say nothing.
bool is_one_shape(std::string_view code, const FoldedText& folded) {
  return code.size() <= kMaxShapeBytes && !folded.has_capitals &&
         folded.kinds.find('m') == std::string::npos;
}

}  // namespace

std::uint32_t CodePool::add(const LabelledCode& code) {
  const auto [known, is_new] =
      first_of_.try_emplace(code.label, static_cast<std::uint32_t>(entries_.size()));
  std::uint32_t number = known->second;
  while (!is_new) {
    const Entry& entry = entries_[number];
    if (entry.error_class == code.error_class && entry.is_named == code.is_named) return number;
    if (entry.next == 0) break;
    number = entry.next;
  }
  const auto added = static_cast<std::uint32_t>(entries_.size());
  if (!is_new) entries_[number].next = added;
  entries_.push_back({&known->first, 0, code.error_class, code.is_named, false});
  return added;
}

std::uint32_t CodePool::find_or_add(std::string_view code) {
  if (const auto known = first_of_.find(code); known != first_of_.end()) {
    std::uint32_t number = known->second;
    for (; number != 0; number = entries_[number].next) {
      if (entries_[number].is_as_written) return number;
    }
  }
  Seen& seen = seen_[std::hash<std::string_view>()(code) % kSeen];
  if (seen.code == code) return seen.number;
  const FoldedText folded = fold_ids(code, LabelKind::code);
  const LabelledCode labelled =
      folded.has_ids() ? label_with_ids(code, folded) : classes_->label(code);
  const std::uint32_t number = add(labelled);
  if (labelled.label == code) {
    entries_[number].is_as_written = true;
  } else if (code.size() <= kMaxShapeBytes) {
    seen = {std::string(code), number};
  }
  return number;
}

// Masking and classifying a text take some microseconds: too long for each record of a log that has
// an id in every code.
LabelledCode CodePool::label_with_ids(std::string_view code, const FoldedText& folded) {
  if (!is_one_shape(code, folded)) return classes_->label(code);
  const std::string key = folded.text + '\0' + folded.kinds;
  auto shape = shapes_.find(key);
  if (shape == shapes_.end()) {
    if (!is_never_masked(folded)) return classes_->label(code);
    shape = shapes_.emplace(key, classes_->by_words(code)).first;
  }
  const auto found = classes_->by_pattern(code);
  if (found && found->is_named) return classes_->label(code);
  return {folded.text, found ? found->error_class : shape->second, false};
}

}  // namespace dagloop
