// Private to the record layer: which fields are found under a name.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "record/field.hpp"

namespace dagloop {

/// Names of columns or detail keys -> fields. Names of one length share a bucket; the contract's
/// own names have at most four a length, so a look-up compares few bytes.
class NameTable {
 public:
  /// Says that `field` is found under `name`; a name may serve several fields.
  void add(const std::string& name, Field field) {
    std::vector<Entry>& bucket = buckets_[bucket_of(name)];
    shares_names_ = shares_names_ || std::ranges::find(bucket, name, &Entry::name) != bucket.end();
    bucket.push_back({name, field});
    is_empty_ = false;
  }

  /// Returns whether no field is found here.
  bool empty() const { return is_empty_; }

  /// Returns whether a name serves several fields.
  bool shares_names() const { return shares_names_; }

  /// Sets the fields found under `name`, if any, to `value`.
  void store(std::string_view name, const RawValue& value, RawFields& raw) const {
    for (const Entry& entry : buckets_[bucket_of(name)]) {
      if (entry.name == name) raw.set(entry.field, value);
    }
  }

  /// Appends the fields found under `name`.
  void append_fields(std::string_view name, std::vector<Field>& fields) const {
    for (const Entry& entry : buckets_[bucket_of(name)]) {
      if (entry.name == name) fields.push_back(entry.field);
    }
  }

 private:
  struct Entry {
    std::string name;
    Field field;
  };

  static constexpr std::size_t kBuckets = 32;
  static std::size_t bucket_of(std::string_view name) {
    return std::min(name.size(), kBuckets - 1);
  }

  std::array<std::vector<Entry>, kBuckets> buckets_;
  bool is_empty_ = true;
  bool shares_names_ = false;
};

}  // namespace dagloop
