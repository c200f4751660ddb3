// Private to the record layer: which places of an unknown log tell what, by their names and values.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "record/value_census.hpp"

namespace dagloop {

/// Words that a place may be called by, the best first.
using PlaceNames = std::vector<std::vector<std::string_view>>;

/// Returns the first of the places that has the best name; nullptr where none has any.
const PlaceCensus* first_called(const std::vector<const PlaceCensus*>& among,
                                const PlaceNames& names);

/// Records of a log, and what stands in them. Not to be copied: it points into itself.
class GuessedLog {
 public:
  explicit GuessedLog(std::vector<Json> records);
  GuessedLog(const GuessedLog&) = delete;
  GuessedLog& operator=(const GuessedLog&) = delete;

  const std::vector<Json>& records() const { return records_; }
  /// All places, those that have a value, times, and members and members of members.
  const std::vector<PlaceCensus>& places() const { return places_; }
  const std::vector<const PlaceCensus*>& known() const { return known_; }
  const std::vector<const PlaceCensus*>& times() const { return times_; }
  const std::vector<const PlaceCensus*>& shallow() const { return shallow_; }

  /// Returns the place that tells how a run ended; nullptr where none does.
  const PlaceCensus* status() const;
  /// Returns an id that nearly every record has, and that is not the same in all.
  const PlaceCensus* id() const;
  /// Returns the name of the pipeline.
  const PlaceCensus* pipeline() const;
  /// Returns the place that says which lines are results, where the others have no status.
  const PlaceCensus* kind() const;
  /// Returns how much of a run its records tell.
  int score() const;

 private:
  std::vector<Json> records_;
  std::vector<PlaceCensus> places_;
  std::vector<const PlaceCensus*> known_;
  std::vector<const PlaceCensus*> times_;
  std::vector<const PlaceCensus*> shallow_;
};

/// Returns the contract's word for a value of a status; nullopt where nobody can tell.
std::optional<std::string> meaning_at(const PlaceCensus& place, const std::string& value);
/// Returns whether a place has the numbers of OpenTelemetry's status.
bool is_code_of_otel(const PlaceCensus& place);

}  // namespace dagloop
