// Private to the report layer: how figures stand in JSON documents.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/decide/reason.hpp"
#include "dagloop/kpi/quality.hpp"

namespace dagloop {

/// Reads an enumerator by its printed word, out of `all`.
///
/// Errors: Error{config} for any other word: what is unknown is never taken for something else.
template <typename Enum, std::size_t kCount>
Enum read_word(const JsonReader& reader, const std::array<Enum, kCount>& all) {
  const std::string word = reader.string();
  for (const Enum each : all) {
    if (to_string(each) == word) return each;
  }
  reader.fail("unknown word \"" + word + "\"", "write the document again with this version");
}

/// Reads a count.
///
/// Errors: Error{config} for a negative one.
std::uint64_t read_count(const JsonReader& reader);

/// Renders an interval as [low, high], and reads it; null where there is none.
Json interval_to_json(const std::optional<Interval>& interval);
std::optional<Interval> read_interval(const JsonReader& reader, std::string_view key);

/// Renders a window, and reads it.
Json window_to_json(const Window& window);
Window read_window(const JsonReader& reader);

/// Renders one KPI (rates and ratios with numerator and denominator, quantiles with n and method).
Json kpi_to_json(const Kpi& kpi);

/// Reads one KPI of a known kind.
Kpi read_kpi(const JsonReader& reader, KpiKind kind);

/// Renders reasons, and reads them.
Json reasons_to_json(const std::vector<Reason>& reasons);
std::vector<Reason> read_reasons(const JsonReader& reader);

/// Refuses a document whose `schema` is not `schema`.
void expect_schema(const JsonReader& reader, std::string_view schema);

}  // namespace dagloop
