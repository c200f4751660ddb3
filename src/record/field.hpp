// Private to the record layer: the contract's fields, and their values as found in a line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dagloop {

/// The contract's fields, in the order of contract_fields().
enum class Field : std::uint8_t {
  request_id,
  user_id,
  created_at,
  status,
  error_code,
  pipeline_run_id,
  node_id,
  node_type,
  attempt,
  duration_ms,
  verification_reason,
  fallback_reason,
  execution_mode,
  plan_source,
  idempotency_key,
  idempotent_reuse,
  compensation_status,
  fanout_total,
  fanout_failed,
  policy_version,
  cohort,
};

/// Number of fields.
inline constexpr std::size_t kFieldCount = 21;

/// What a field's value is. Null and the empty string are `absent`.
enum class ValueKind : std::uint8_t {
  absent,
  text,
  loose_text,  // of a detail column or an alias: numbers and booleans are read from it
  number,
  boolean,
  compound,  // an array or an object
};

/// One value of a line, without any JSON library's types. Owns nothing.
struct RawValue {
  ValueKind kind = ValueKind::absent;
  std::string_view text;
  double number = 0;
  bool truth = false;
};

/// The values of all fields of one line.
class RawFields {
 public:
  /// Forgets all values.
  void clear() { present_ = 0; }

  /// Sets a field; an absent value takes back an earlier one.
  void set(Field field, const RawValue& value) {
    place(field) = value;
    settle(field);
  }

  /// Returns a field's place, to be filled in; settle() must follow.
  RawValue& place(Field field) { return values_[static_cast<std::size_t>(field)]; }

  /// Takes over what was written to a field's place.
  void settle(Field field) {
    const auto at = static_cast<std::size_t>(field);
    const std::uint32_t bit = std::uint32_t{1} << at;
    present_ = values_[at].kind == ValueKind::absent ? present_ & ~bit : present_ | bit;
  }

  const RawValue& operator[](Field field) const {
    static constexpr RawValue kAbsent{};
    const auto at = static_cast<std::size_t>(field);
    return (present_ >> at & 1U) != 0 ? values_[at] : kAbsent;
  }

 private:
  static_assert(kFieldCount <= 32);
  std::uint32_t present_ = 0;  // so that clearing need not touch the values
  std::array<RawValue, kFieldCount> values_{};
};

}  // namespace dagloop
