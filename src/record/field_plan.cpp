#include "record/field_plan.hpp"

#include <algorithm>
#include <bit>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

constexpr std::uint32_t bit_of(std::size_t place) { return std::uint32_t{1} << place; }

// A pointer to a member of the line's object is that member, read as all are; as what a pointer
// finds it has no fixed type, so it is made to fit.
bool is_member(const ValuePlace& place) {
  return place.source == FieldSource::pointer && place.name.find('/', 1) == std::string::npos;
}

bool is_own_place(const FieldMapping& from) {
  return from.is_plain() && from.source != FieldSource::pointer;
}

RawValue with_aliases(const RawValue& value, const std::map<std::string, std::string>& aliases) {
  if (aliases.empty() || value.kind == ValueKind::absent || value.kind == ValueKind::compound) {
    return value;
  }
  const auto found = aliases.find(text_of(value));
  return found == aliases.end() ? value : loose_value(found->second);
}

}  // namespace

FieldPlan::FieldPlan(const Mapping& mapping) : mapping_(mapping) {
  take_free_places();
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const std::string name(to_string(field));
    const auto mapped = mapping.fields.find(name);
    if (mapped == mapping.fields.end()) {
      columns_.add(name, field);
    } else if (is_own_place(mapped->second)) {
      place_plain(mapped->second, field);
    } else if (mapped->second.form != FieldForm::none) {
      MadeField made{field, &mapped->second};
      for (const ValuePlace& place : mapped->second.places()) {
        made.operands.push_back(operand_of(place));
      }
      made_.push_back(std::move(made));
    }
  }
  if (mapping.only) only_ = operand_of(mapping.only->place);
}

void FieldPlan::take_free_places() {
  for (std::size_t place = kNoPlace; place-- > 0;) {
    const bool is_field = place < kFieldCount;
    if (is_field) {
      const auto mapped = mapping_.fields.find(std::string(to_string(static_cast<Field>(place))));
      if (mapped == mapping_.fields.end() || is_own_place(mapped->second)) continue;
    }
    free_places_.push_back(place);
  }
}

std::size_t FieldPlan::take_place() {
  if (free_places_.empty()) return kNoPlace;
  // Those behind the fields first: the list is filled from them down.
  const std::size_t place = free_places_.front();
  free_places_.erase(free_places_.begin());
  taken_ |= bit_of(place);
  return place;
}

void FieldPlan::place_plain(const FieldMapping& from, Field field) {
  if (from.source == FieldSource::detail) {
    details_.add(from.name, field);
    detail_places_.push_back(field);
  } else {
    columns_.add(from.name, field);
    own_columns_ |= field_bits(field);
  }
  if (!from.aliases.empty()) aliased_.push_back({field, &from.aliases});
}

FieldPlan::Operand FieldPlan::operand_of(const ValuePlace& place) {
  if (place.source == FieldSource::detail) {
    const std::size_t taken = take_place();
    if (taken == kNoPlace) {
      throw Error(ErrorKind::config, "the mapping", "reads too many keys of the detail column",
                  "leave out fields that the log does not have");
    }
    details_.add(place.name, static_cast<Field>(taken));
    detail_places_.push_back(static_cast<Field>(taken));
    return {taken, false, place.time};
  }
  if (place.source == FieldSource::column || is_member(place)) {
    const std::string name = column_of(place, mapping_);
    const auto known = place_of_column_.find(name);
    if (known != place_of_column_.end()) return {known->second, false, place.time};
    const std::size_t taken = take_place();
    // A mapping of very many places is read more slowly, in the same way.
    if (taken == kNoPlace) return {pointers_.add({name}), true, place.time};
    place_of_column_.emplace(name, taken);
    columns_.add(name, static_cast<Field>(taken));
    return {taken, false, place.time};
  }
  return {pointers_.add(split_pointer(place.name)), true, place.time};
}

RawValue FieldPlan::found(const Operand& operand, const RawFields& raw) const {
  if (operand.is_pointer) return pointers_.value(operand.number);
  const auto place = static_cast<Field>(operand.number);
  if (raw.has(place)) return raw.present(place);
  RawValue absent;
  absent.truth = (raw.not_numbers() & bit_of(operand.number)) != 0;
  return absent;
}

bool FieldPlan::is_other(const RawFields& raw, LineRead read) const {
  if (!only_) return false;
  const RawValue value = found(*only_, raw);
  if (value.kind == ValueKind::absent) {
    return read == LineRead::whole && !mapping_.only->values.contains("");
  }
  return value.kind == ValueKind::compound || !mapping_.only->values.contains(text_of(value));
}

// A value in its words and, of a time, as one.
RawValue FieldPlan::resolved(const MadeField& made, const Operand& operand,
                             const RawFields& raw) const {
  const RawValue value = with_aliases(found(operand, raw), made.from->aliases);
  const bool is_time = made.field == Field::created_at || made.from->form == FieldForm::between;
  return is_time ? time_value(value, operand.time) : value;
}

RawValue FieldPlan::first_of(MadeField& made, const RawFields& raw) {
  RawValue value;
  for (std::size_t i = 0; i < made.operands.size(); ++i) {
    value = resolved(made, made.operands[i], raw);
    if (value.kind != ValueKind::absent) break;
    if (i == 0 && made.from->when_null && made.field == Field::created_at) {
      status_ = &*made.from->when_null;
    }
  }
  if (value.kind == ValueKind::absent && made.from->when_null && made.field != Field::created_at) {
    value = loose_value(*made.from->when_null);
  }
  if (made.from->unit) value = in_milliseconds(value, *made.from->unit);
  return fitting_value(made.field, value, made.kept);
}

RawValue FieldPlan::joined_of(MadeField& made, const RawFields& raw) const {
  made.joined.clear();
  RawValue instead;
  for (const Operand& operand : made.operands) {
    if (!made.joined.add(found(operand, raw), instead)) return instead;
  }
  return made.joined.value();
}

RawValue FieldPlan::value_of(MadeField& made, const RawFields& raw) {
  switch (made.from->form) {
    case FieldForm::one:
      return first_of(made, raw);
    case FieldForm::joined:
      return joined_of(made, raw);
    case FieldForm::between:
      return between_value(resolved(made, made.operands[0], raw),
                           resolved(made, made.operands[1], raw));
    case FieldForm::none:
      break;
  }
  return {};
}

// Who names a column says what stands in it: there a number is an id, and a text a number, as where
// a pointer leads.
void FieldPlan::fit_columns(RawFields& raw) {
  constexpr std::uint32_t kTexts = fields_of(FieldType::text);
  constexpr std::uint32_t kNumbers = fields_of(FieldType::whole, FieldType::real, FieldType::truth);
  const FieldKinds& kinds = raw.kinds();
  const std::uint32_t numbers = kinds.numbers | kinds.others;
  std::uint32_t left = own_columns_ & ((kinds.texts & kNumbers) | (numbers & kTexts));
  for (; left != 0; left &= left - 1) {
    const auto field = static_cast<Field>(std::countr_zero(left));
    raw.set(field, fitting_value(field, raw[field], kept_[static_cast<std::size_t>(field)]));
  }
}

void FieldPlan::make_fields(RawFields& raw) {
  for (const AliasedField& entry : aliased_) {
    const RawValue& value = raw[entry.field];
    if (value.kind == ValueKind::absent) continue;
    raw.set(entry.field, with_aliases(value, *entry.aliases));
  }
  fit_columns(raw);
  if (made_.empty() && taken_ == 0) return;
  status_ = nullptr;
  // All are made before the first is set: what one is made of may stand in another's place.
  for (MadeField& made : made_) made.value = value_of(made, raw);
  raw.drop(taken_);
  for (const MadeField& made : made_) raw.set(made.field, made.value);
  if (status_ != nullptr) raw.set(Field::status, loose_value(*status_));
}

}  // namespace dagloop
