#include "report/kpi_json.hpp"

namespace dagloop {
namespace {

constexpr std::array kMethods{QuantileMethod::exact, QuantileMethod::histogram};

}  // namespace

std::uint64_t read_count(const JsonReader& reader) {
  const std::int64_t count = reader.integer();
  if (count < 0) reader.fail("a negative count", "evaluate the log again");
  return static_cast<std::uint64_t>(count);
}

Json interval_to_json(const std::optional<Interval>& interval) {
  if (!interval) return {};
  return Json(Json::Array{interval->low, interval->high});
}

std::optional<Interval> read_interval(const JsonReader& reader, std::string_view key) {
  const auto found = reader.find(key);
  if (!found) return std::nullopt;
  const auto ends = found->elements();
  if (ends.size() != 2) found->fail("no interval", "give [low, high]");
  return Interval{ends[0].number(), ends[1].number()};
}

Json window_to_json(const Window& window) {
  const auto length = std::chrono::duration_cast<std::chrono::seconds>(window.length());
  return Json::object({{"start", format_time(window.start)},
                       {"end", format_time(window.end)},
                       {"seconds", std::int64_t{length.count()}}});
}

Window read_window(const JsonReader& reader) {
  const Window window{reader.at("start").time(), reader.at("end").time()};
  if (window.start > window.end) reader.fail("ends before it starts", "evaluate the log again");
  return window;
}

Json kpi_to_json(const Kpi& kpi) {
  if (kpi.kind == KpiKind::quantile) {
    return Json::object(
        {{"value", or_null(kpi.value)}, {"n", kpi.denominator}, {"method", to_string(kpi.method)}});
  }
  return Json::object({{"value", or_null(kpi.value)},
                       {"numerator", kpi.numerator},
                       {"denominator", kpi.denominator},
                       {"ci95", interval_to_json(kpi.ci95)}});
}

Kpi read_kpi(const JsonReader& reader, KpiKind kind) {
  Kpi kpi;
  kpi.kind = kind;
  kpi.value = reader.find_number("value");
  if (kind == KpiKind::quantile) {
    kpi.denominator = read_count(reader.at("n"));
    kpi.method = read_word(reader.at("method"), kMethods);
    return kpi;
  }
  kpi.numerator = read_count(reader.at("numerator"));
  kpi.denominator = read_count(reader.at("denominator"));
  kpi.ci95 = read_interval(reader, "ci95");
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
