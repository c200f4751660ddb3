#include "record/key_table.hpp"

#include <utility>

namespace dagloop {

KeyTable::KeyTable(const NameTable& columns, std::string_view detail_column, RawFields& raw)
    : columns_(&columns), raw_(&raw), detail_column_(detail_column) {
  keys_.reserve(2 * kMaxKeys);
  keys_.emplace_back().next = keys_.data();
  unknown().value = &raw.place(kNoPlace);
}

Key& KeyTable::find(std::size_t hash, std::string_view name, std::string_view written) {
  std::size_t slot = hash;
  while (slots_[slot] != kUnknown && keys_[slots_[slot]].name != name) slot = (slot + 1) % kSlots;
  const std::uint8_t found = slots_[slot] == kUnknown ? add(slot, name) : slots_[slot];
  Key& key = keys_[found];
  if (found != kUnknown && written.size() <= kKeyBytes) {
    key.size = written.copy(key.text.data(), kKeyBytes);
    key.mask = (~std::uint32_t{0} >> (kKeyBytes - key.size)) & ~std::uint32_t{1};
  }
  return key;
}

// Remembers a name; kUnknown where there are many already and it is of no use.
std::uint8_t KeyTable::add(std::size_t slot, std::string_view name) {
  Key key;
  columns_->append_fields(name, key.others);
  key.is_detail = !detail_column_.empty() && name == detail_column_;
  const bool is_kept = key.is_detail || !key.others.empty();
  for (const Field field : key.others) key.bits |= field_bits(field);
  key.value = unknown().value;
  if (!key.others.empty()) {
    key.value = &raw_->place(static_cast<std::size_t>(key.others.front()));
    key.others.erase(key.others.begin());
  }
  // Half of the table is kept for names that are wanted: a log whose keys are different in every
  // line fills the other half and no more.
  if (keys_.size() >= (is_kept ? 2 * kMaxKeys : kMaxKeys)) return kUnknown;
  key.name = std::string(name);
  key.next = keys_.data();
  slots_[slot] = static_cast<std::uint8_t>(keys_.size());
  keys_.push_back(std::move(key));
  return slots_[slot];
}

}  // namespace dagloop
