// Private to the source layer: partial rows that are added and taken away again, and kept between
// ticks. What they are sums over may be moved: a stretch of time is known by its number.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "dagloop/base/bytes.hpp"
#include "source/partial_rows.hpp"

namespace dagloop {

/// Whether rows are added, or taken away.
enum class RowSign { plus, minus };

/// Sums of partial rows. A value type.
class RowSums {
 public:
  /// Adds or takes away one row, of the answer to `query`. Times of records are not summed: the
  /// newest of what is added is kept beside (newest_us).
  void add(const PartialRow& row, const LogQuery& query, RowSign sign);
  /// Adds or takes away other sums. The newest is that of whatever is added.
  void add(const RowSums& other, RowSign sign);
  /// Gives all rows to `partials`, as an answer to `query`.
  void give(const LogQuery& query, PartialRows& partials) const;

  /// Returns whether no sum is negative. One that is tells that a row was taken away that had never
  /// been added.
  bool are_possible() const;

  std::int64_t newest_us() const { return newest_us_; }
  void set_newest_us(std::int64_t newest_us) { newest_us_ = newest_us; }

  void encode(ByteWriter& bytes) const;
  /// Errors: nullopt for bytes that encode() does not give.
  static std::optional<RowSums> decode(ByteReader& bytes);
  bool operator==(const RowSums&) const = default;

 private:
  // kind, stretch, population, cohort, name, error code, bucket (-1: none) or reason
  using Name =
      std::tuple<RowKind, std::int64_t, Population, Cohort, std::string, std::string, std::int32_t>;

  void add_counts(const Name& name, const RowCounts& counts, RowSign sign);

  std::map<Name, RowCounts> rows_;
  std::int64_t newest_us_ = -1;
};

}  // namespace dagloop
