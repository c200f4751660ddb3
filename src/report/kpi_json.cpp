#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr OneOf kMethod{std::array{QuantileMethod::exact, QuantileMethod::histogram}};

std::int64_t whole_seconds(const Window& window) {
  return std::chrono::duration_cast<std::chrono::seconds>(window.length()).count();
}

constexpr auto kWindowFields = fields_of<Window>(
    field("start", &Window::start), field("end", &Window::end),
    must_hold<Window>([](const Window& window) { return window.start <= window.end; }, "",
                      "ends before it starts", "evaluate the log again"),
    shown("seconds", &whole_seconds));

constexpr auto kQuantile =
    fields_of<Kpi>(field_or_default("value", &Kpi::value), field("n", &Kpi::denominator, kCount),
                   field("method", &Kpi::method, kMethod));

constexpr auto kShare = fields_of<Kpi>(field_or_default("value", &Kpi::value),
                                       field("numerator", &Kpi::numerator, kCount),
                                       field("denominator", &Kpi::denominator, kCount),
                                       field_or_default("ci95", &Kpi::ci95, kInterval));

}  // namespace

std::uint64_t read_count(const JsonReader& reader) {
  return read_json<std::uint64_t>(kCount, reader);
}

Json ends_to_json(const Interval& interval) {
  return Json(Json::Array{interval.low, interval.high});
}

Interval read_ends(const JsonReader& reader) {
  const auto ends = reader.elements();
  if (ends.size() != 2) reader.fail("no interval", "give [low, high]");
  return {ends[0].number(), ends[1].number()};
}

Json interval_to_json(const std::optional<Interval>& interval) {
  return write_json(kInterval, interval);
}

std::optional<Interval> read_interval(const JsonReader& reader, std::string_view key) {
  const auto found = reader.find(key);
  return found ? std::optional(read_ends(*found)) : std::nullopt;
}

Json window_to_json(const Window& window) { return write_json(kWindowFields, window); }

Window read_window(const JsonReader& reader) { return read_json<Window>(kWindowFields, reader); }

Json kpi_to_json(const Kpi& kpi) {
  return kpi.kind == KpiKind::quantile ? write_json(kQuantile, kpi) : write_json(kShare, kpi);
}

Kpi read_kpi(const JsonReader& reader, KpiKind kind) {
  Kpi kpi = kind == KpiKind::quantile ? read_json<Kpi>(kQuantile, reader)
                                      : read_json<Kpi>(kShare, reader);
  kpi.kind = kind;
  return kpi;
}

Json reasons_to_json(const std::vector<Reason>& reasons) {
  Json::Array all;
  for (const Reason& reason : reasons) {
    all.push_back(Json::object({{"code", reason.code}, {"text", reason.text}}));
  }
  return Json(std::move(all));
}

std::vector<Reason> read_reasons(const JsonReader& reader) {
  std::vector<Reason> reasons;
  for (const JsonReader& each : reader.elements()) {
    reasons.push_back({each.at("code").string(), each.at("text").string()});
  }
  return reasons;
}

void expect_schema(const JsonReader& reader, std::string_view schema) {
  const JsonReader found = reader.at("schema");
  if (found.string() == schema) return;
  found.fail("is \"" + found.string() + "\", expected \"" + std::string(schema) + "\"",
             "give a document of this kind and version");
}

}  // namespace dagloop
