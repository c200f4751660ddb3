// Private to the record layer: a mapping, compiled: which names and pointers of a line are read,
// and how fields are made of what stands there. For one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/record/mapping.hpp"
#include "record/field.hpp"
#include "record/mapped_values.hpp"
#include "record/name_table.hpp"
#include "record/pointer_tree.hpp"

namespace dagloop {

/// How much of a line was read.
enum class LineRead : std::uint8_t { whole, part };

/// Turns the values of a line into those of the contract's fields. A field that a mapping only
/// calls otherwise has its value in its own place at once; what others are made of stands in the
/// places that no field needs, and behind the fields, so that flat lines are read in one go.
class FieldPlan {
 public:
  /// Borrows the mapping.
  explicit FieldPlan(const Mapping& mapping);

  /// The members of a line's object, and the keys of its detail column -> places.
  const NameTable& columns() const { return columns_; }
  const NameTable& details() const { return details_; }
  /// The places of the detail column's keys.
  const std::vector<Field>& detail_places() const { return detail_places_; }
  /// The pointers that lead into values.
  PointerTree& pointers() { return pointers_; }

  /// Returns whether a line is none of the records, by the values of all places.
  ///
  /// Shape: of a line read in part only what stands there says so, never what is missing.
  bool is_other(const RawFields& raw, LineRead read) const;
  /// Makes the fields of all places. What it makes lives until the next call.
  void make_fields(RawFields& raw);

 private:
  struct Operand {
    std::size_t number = 0;  // of the place, or of the pointer
    bool is_pointer = false;
    TimeForm time = {};
  };
  using Aliases = std::map<std::string, std::string>;

  // A field that is made of others' places.
  struct MadeField {
    Field field = Field::status;
    const FieldMapping* from = nullptr;
    std::vector<Operand> operands = {};
    JoinedText joined = {};
    std::string kept = {};
    RawValue value = {};
  };
  struct AliasedField {
    Field field;
    const Aliases* aliases;
  };

  void take_free_places();
  std::size_t take_place();
  Operand operand_of(const ValuePlace& place);
  void place_plain(const FieldMapping& from, Field field);
  RawValue found(const Operand& operand, const RawFields& raw) const;
  RawValue resolved(const MadeField& made, const Operand& operand, const RawFields& raw) const;
  RawValue first_of(MadeField& made, const RawFields& raw);
  RawValue joined_of(MadeField& made, const RawFields& raw) const;
  RawValue value_of(MadeField& made, const RawFields& raw);
  void fit_columns(RawFields& raw);

  const Mapping& mapping_;
  NameTable columns_;
  NameTable details_;
  PointerTree pointers_;
  std::vector<Field> detail_places_;
  std::vector<std::size_t> free_places_;
  std::map<std::string, std::size_t> place_of_column_;
  std::uint32_t taken_ = 0;  // a bit a place that holds no field's own value
  std::vector<AliasedField> aliased_;
  std::uint32_t own_columns_ = 0;  // a bit a field: the mapping names its column, and no more
  std::array<std::string, kFieldCount> kept_;  // texts of numbers, for such fields
  std::vector<MadeField> made_;
  std::optional<Operand> only_;
  const std::string* status_ = nullptr;  // instead of the line's own
};

}  // namespace dagloop
