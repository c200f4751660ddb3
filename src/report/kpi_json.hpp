// Private to the report layer: how figures stand in JSON documents.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/struct_codec.hpp"
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

/// The same as a codec.
template <typename Enum, std::size_t kSize>
struct OneOf {
  std::array<Enum, kSize> all;
  Json write(Enum value) const { return to_string(value); }
  void read(const JsonReader& place, Enum& into) const { into = read_word(place, all); }
};
template <typename Enum, std::size_t kSize>
OneOf(std::array<Enum, kSize>) -> OneOf<Enum, kSize>;

/// What helps where a report cannot be.
inline constexpr std::string_view kEvaluateAgain = "evaluate the log again";

/// A count; negative ones are refused.
inline constexpr Count kCount{"a negative count", kEvaluateAgain};
std::uint64_t read_count(const JsonReader& reader);

/// Renders an interval as [low, high], and reads it; null where there is none.
Json ends_to_json(const Interval& interval);
Interval read_ends(const JsonReader& reader);
inline constexpr ByHand<Interval> kInterval{&ends_to_json, &read_ends};
Json interval_to_json(const std::optional<Interval>& interval);
std::optional<Interval> read_interval(const JsonReader& reader, std::string_view key);

/// Renders a window, and reads it.
Json window_to_json(const Window& window);
Window read_window(const JsonReader& reader);
inline constexpr ByHand<Window> kWindow{&window_to_json, &read_window};

/// Renders one KPI (rates and ratios with numerator and denominator, quantiles with n and method),
/// and reads one of a known kind.
Json kpi_to_json(const Kpi& kpi);
Kpi read_kpi(const JsonReader& reader, KpiKind kind);
struct KpiOf {
  KpiKind kind;
  Json write(const Kpi& kpi) const { return kpi_to_json(kpi); }
  void read(const JsonReader& place, Kpi& into) const { into = read_kpi(place, kind); }
};

/// Whether a reason has its words beside it, for readers; what is read are code and arguments.
enum class ReasonForm { told, bare };

/// Renders reasons as [{"code", "args", "text"}], or one of them.
Json reason_to_json(const Reason& reason, ReasonForm form = ReasonForm::told);
Json reasons_to_json(const std::vector<Reason>& reasons, ReasonForm form = ReasonForm::told);

/// Reads reasons, or one. An instant reads back from its canonical form, a text that looks like one
/// too: they print alike.
///
/// Errors: Error{config} where there are no arguments, or one is of no such kind.
Reason read_reason(const JsonReader& reader);
std::vector<Reason> read_reasons(const JsonReader& reader);

/// Reads a reason that nobody signed: without arguments, as an earlier version wrote it, its words
/// are its argument.
Reason read_told_reason(const JsonReader& reader);

/// Refuses a document whose `schema` is not `schema`.
void expect_schema(const JsonReader& reader, std::string_view schema);

}  // namespace dagloop
