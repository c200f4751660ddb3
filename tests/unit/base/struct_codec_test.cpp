#include "dagloop/base/struct_codec.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

namespace dagloop {
namespace {

enum class Colour { red, green };

std::string_view to_string(Colour colour) { return colour == Colour::red ? "red" : "green"; }

std::optional<Colour> parse_colour(std::string_view word) {
  for (const Colour each : {Colour::red, Colour::green}) {
    if (to_string(each) == word) return each;
  }
  return std::nullopt;
}

struct Ends {
  double low = 0;
  double high = 0;
  bool operator==(const Ends&) const = default;
};

bool are_in_order(const Ends& ends) { return ends.low <= ends.high; }

struct Everything {
  std::string name;
  double share = 0;
  bool fine = false;
  std::int64_t shift = 0;
  TimePoint at;
  Json rest;
  std::uint64_t runs = 0;
  int percent = 0;
  Colour colour = Colour::red;
  Ends ends;
  Ends flat;
  std::optional<double> value;
  std::optional<Ends> interval;
  std::vector<std::string> names;
  std::vector<Ends> all_ends;
  std::map<std::string, int> counts;
  std::map<std::string, std::vector<double>> series;
  std::pair<int, int> pair;
  std::string note = "none";
  std::vector<std::string> later;
  bool operator==(const Everything&) const = default;
};

Json pair_to_json(const std::pair<int, int>& pair) {
  return Json(Json::Array{pair.first, pair.second});
}

std::pair<int, int> read_pair(const JsonReader& place) {
  const auto both = place.elements();
  if (both.size() != 2) place.fail("is no pair", "give two");
  return {static_cast<int>(both[0].integer()), static_cast<int>(both[1].integer())};
}

constexpr Count kCount{"is no count", "count again"};
constexpr Count kPercent{"is no percent", "give 0 to 100", 100};
constexpr auto kEnds =
    fields_of<Ends>(field("low", &Ends::low), field("high", &Ends::high),
                    must_hold(&are_in_order, "", "its ends are in the wrong order", "turn them"),
                    shown("middle", [](const Ends& ends) { return (ends.low + ends.high) / 2; }));
constexpr auto kFlat = fields_of<Ends>(field("from", &Ends::low), field("to", &Ends::high),
                                       must_hold(&are_in_order, "to", "is too low", "raise it"));
constexpr auto kEverything = fields_of<Everything>(
    field("name", &Everything::name), field("share", &Everything::share),
    field("fine", &Everything::fine), field("shift", &Everything::shift),
    field("at", &Everything::at), field("rest", &Everything::rest),
    field("runs", &Everything::runs, kCount), field("percent", &Everything::percent, kPercent),
    field("colour", &Everything::colour,
          WordOf<Colour>{&parse_colour, "unknown colour", "mend it"}),
    field("ends", &Everything::ends, kEnds), inlined(&Everything::flat, kFlat),
    field("value", &Everything::value), field("interval", &Everything::interval, kEnds),
    field("names", &Everything::names), field("all_ends", &Everything::all_ends, kEnds),
    field("counts", &Everything::counts, kCount), field("series", &Everything::series),
    field("pair", &Everything::pair, ByHand<std::pair<int, int>>{&pair_to_json, &read_pair}),
    field_or_default("note", &Everything::note), field_or_default("later", &Everything::later));

Everything filled() {
  Everything all;
  all.name = "n";
  all.share = 0.25;
  all.fine = true;
  all.shift = -3;
  all.at = *parse_time("2026-02-25T06:00:00.5Z");
  all.rest = Json::object({{"any", Json()}});
  all.runs = 12;
  all.percent = 40;
  all.colour = Colour::green;
  all.ends = {1, 2};
  all.flat = {3, 4};
  all.value = 1.5;
  all.interval = Ends{5, 6};
  all.names = {"b", "a"};
  all.all_ends = {{1, 1}, {2, 3}};
  all.counts = {{"x", 1}, {"y", 2}};
  all.series = {{"s", {0.5, 1}}, {"t", {}}};
  all.pair = {7, 8};
  all.note = "mine";
  all.later = {"l"};
  return all;
}

Everything read(const Json& document) {
  return read_json<Everything>(kEverything, JsonReader(document, "doc.json"));
}

// The document of filled() with one member replaced.
Json with(std::string_view key, Json value) {
  Json document = write_json(kEverything, filled());
  document[key] = std::move(value);
  return document;
}

Json without(std::string_view key) {
  Json document = write_json(kEverything, filled());
  std::erase_if(document.as_object(), [&](const auto& member) { return member.first == key; });
  return document;
}

TEST_CASE("a list writes its members in its order, each by its kind") {
  CHECK(to_compact_json(write_json(kEverything, filled())) ==
        R"({"name":"n","share":0.25,"fine":true,"shift":-3,"at":"2026-02-25T06:00:00.500Z",)"
        R"("rest":{"any":null},"runs":12,"percent":40,"colour":"green",)"
        R"("ends":{"low":1,"high":2,"middle":1.5},"from":3,"to":4,"value":1.5,)"
        R"("interval":{"low":5,"high":6,"middle":5.5},"names":["b","a"],)"
        R"("all_ends":[{"low":1,"high":1,"middle":1},{"low":2,"high":3,"middle":2.5}],)"
        R"("counts":{"x":1,"y":2},"series":{"s":[0.5,1],"t":[]},"pair":[7,8],)"
        R"("note":"mine","later":["l"]})");
}

TEST_CASE("what a list has written it reads back, filled or new") {
  CHECK(read(write_json(kEverything, filled())) == filled());
  CHECK(read(write_json(kEverything, Everything())) == Everything());
  const Json printed = parse_json(to_pretty_json(write_json(kEverything, filled())), "doc.json");
  CHECK(read(printed) == filled());
}

TEST_CASE("an empty optional is null, and null is an empty optional") {
  Everything all = filled();
  all.value.reset();
  all.interval.reset();
  const Json document = write_json(kEverything, all);
  CHECK(document.find("value")->is_null());
  CHECK(document.find("interval")->is_null());
  CHECK(read(document) == all);
}

TEST_CASE("a member that a document may lack stays as in a new struct, missing or null") {
  for (const Json& document : {without("note"), with("note", Json())}) {
    Everything expected = filled();
    expected.note = "none";
    CHECK(read(document) == expected);
  }
  CHECK(read(without("later")).later.empty());
  CHECK_THROWS_WITH(read(with("note", 1)), Catch::Contains("doc.json: note: expected a string"));
}

TEST_CASE("every other member must be there, an optional one too") {
  for (const char* key :
       {"name", "rest", "runs", "colour", "ends", "to", "value", "names", "pair"}) {
    CHECK_THROWS_WITH(read(without(key)),
                      Catch::Contains("the key \"" + std::string(key) + "\" is missing"));
  }
  CHECK_THROWS_WITH(read(with("name", Json())), Catch::Contains("name: expected a string, found"));
}

TEST_CASE("a wrong type is refused with file and path, however deep it stands") {
  const Json ends = Json::object({{"low", 1}, {"high", "2"}});
  const std::vector<std::pair<Json, const char*>> cases{
      {with("share", "much"), "doc.json: share: expected a number, found a string"},
      {with("fine", 1), "doc.json: fine: expected true or false, found a number"},
      {with("shift", 0.5), "doc.json: shift: expected an integer, found a number"},
      {with("at", "noon"), "doc.json: at: no RFC 3339 time"},
      {with("ends", ends), "doc.json: ends.high: expected a number, found a string"},
      {with("interval", ends), "doc.json: interval.high: expected a number, found a string"},
      {with("all_ends", Json(Json::Array{ends})), "doc.json: all_ends[0].high: expected a number"},
      {with("names", "a"), "doc.json: names: expected an array, found a string"},
      {with("counts", Json::array()), "doc.json: counts: expected an object, found an array"},
      {with("series", Json::object({{"s", Json(Json::Array{1, true})}})),
       "doc.json: series.s[1]: expected a number, found true or false"},
      {with("from", Json()), "doc.json: from: expected a number, found null"},
      {Json::array(), "doc.json: expected an object, found an array"}};
  for (const auto& [document, message] : cases) {
    CHECK_THROWS_WITH(read(document), Catch::Contains(message));
  }
}

TEST_CASE("counts and words out of range are refused in the words of their codec") {
  CHECK_THROWS_WITH(read(with("runs", -1)), Catch::Contains("runs: is no count; count again"));
  CHECK_THROWS_WITH(read(with("percent", 101)), Catch::Contains("percent: is no percent"));
  CHECK_THROWS_WITH(read(with("counts", Json::object({{"x", -1}}))),
                    Catch::Contains("counts.x: is no count"));
  CHECK_THROWS_WITH(read(with("colour", "blue")), Catch::Contains("colour: unknown colour"));
  CHECK_THROWS_WITH(read(with("pair", Json::array())), Catch::Contains("pair: is no pair"));
}

TEST_CASE("a struct that breaks a rule of its list is refused where the rule says") {
  CHECK_THROWS_WITH(read(with("ends", Json::object({{"low", 2}, {"high", 1}}))),
                    Catch::Contains("doc.json: ends: its ends are in the wrong order; turn them"));
  CHECK_THROWS_WITH(read(with("from", 9)), Catch::Contains("doc.json: to: is too low; raise it"));
}

TEST_CASE("members that a list does not name, and those for readers, are passed over") {
  CHECK(read(with("of a later version", 1)) == filled());
  CHECK(read(with("ends", Json::object({{"low", 1}, {"high", 2}, {"middle", "?"}}))) == filled());
}

}  // namespace
}  // namespace dagloop
