#include "report/kpi_json.hpp"

#include "dagloop/report/words.hpp"

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

Json value_to_json(const ReasonValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return Json(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return Json(*integer);
  if (const auto* number = std::get_if<double>(&value)) return Json(*number);
  if (const auto* at = std::get_if<TimePoint>(&value)) return Json(format_time(*at));
  return reasons_to_json(std::get<std::vector<Reason>>(value), ReasonForm::bare);
}

ReasonValue read_value(const JsonReader& reader) {
  const Json& value = reader.value();
  if (value.is_integer()) return value.as_integer();
  if (value.is_number()) return value.as_number();
  if (value.is_array()) return read_reasons(reader);
  std::string text = reader.string();
  const auto at = parse_time(text);
  // Only what would be written in the same way again: a text that looks like a time stays the text
  // that was signed.
  if (at && format_time(*at) == text) return *at;
  return text;
}

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

Json reason_to_json(const Reason& reason, ReasonForm form) {
  Json args = Json::object();
  for (const ReasonArg& arg : reason.args) args[arg.name] = value_to_json(arg.value);
  Json document = Json::object({{"code", reason.code}, {"args", std::move(args)}});
  if (form == ReasonForm::told) document["text"] = reason_text(reason);
  return document;
}

Json reasons_to_json(const std::vector<Reason>& reasons, ReasonForm form) {
  Json::Array all;
  for (const Reason& reason : reasons) all.push_back(reason_to_json(reason, form));
  return Json(std::move(all));
}

Reason read_reason(const JsonReader& reader) {
  Reason reason{reader.at("code").string()};
  for (const auto& [name, place] : reader.at("args").members()) {
    reason.args.emplace_back(name, read_value(place));
  }
  return reason;
}

std::vector<Reason> read_reasons(const JsonReader& reader) {
  std::vector<Reason> reasons;
  for (const JsonReader& each : reader.elements()) reasons.push_back(read_reason(each));
  return reasons;
}

Reason read_told_reason(const JsonReader& reader) {
  // Earlier versions wrote sentences alone.
  if (reader.find("args")) return read_reason(reader);
  return {reader.at("code").string(), {{"text", reader.at("text").string()}}};
}

void expect_schema(const JsonReader& reader, std::string_view schema) {
  const JsonReader found = reader.at("schema");
  if (found.string() == schema) return;
  found.fail("is \"" + found.string() + "\", expected \"" + std::string(schema) + "\"",
             "give a document of this kind and version");
}

}  // namespace dagloop
