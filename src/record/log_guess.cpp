#include "record/log_guess.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "dagloop/record/contract_words.hpp"

namespace dagloop {
namespace {

// What a word of a status means: one of the contract, or one that services use besides.
std::optional<std::string> outcome_word(const std::string& word) {
  static const std::map<std::string, std::string> kOthers{{"default", "succeeded"},
                                                          {"warning", "succeeded"},
                                                          {"warn", "succeeded"},
                                                          {"info", "succeeded"},
                                                          {"debug", "succeeded"},
                                                          {"unset", "succeeded"},
                                                          {"true", "succeeded"},
                                                          {"pass", "succeeded"},
                                                          {"finished", "succeeded"},
                                                          {"complete", "succeeded"},
                                                          {"succeed", "succeeded"},
                                                          {"false", "failed"},
                                                          {"fail", "failed"},
                                                          {"fatal", "failed"},
                                                          {"critical", "failed"},
                                                          {"exception", "failed"},
                                                          {"rejected", "failed"},
                                                          {"lost", "failed"},
                                                          {"retry", "failed"},
                                                          {"neutral", "skipped"},
                                                          {"ignored", "skipped"},
                                                          {"stopped", "cancelled"},
                                                          {"revoked", "cancelled"},
                                                          {"waiting", "pending"},
                                                          {"new", "pending"},
                                                          {"active", "running"},
                                                          {"executing", "running"},
                                                          {"processing", "running"},
                                                          {"interrupted", "manual_required"}};
  std::string lower = word;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const std::size_t prefix = lower.rfind("status_code_");
  if (prefix == 0) lower.erase(0, 12);
  if (const auto known = parse_status(lower)) return std::string(to_string(*known));
  const auto other = kOthers.find(lower);
  return other == kOthers.end() ? std::nullopt : std::optional(other->second);
}

bool is_exit_code(const PlaceCensus& place) {
  return place.are_numbers &&
         (place.is_called({"exit"}) || place.is_called({"returncode"}) || place.is_called({"rc"}));
}

bool is_http_code(const PlaceCensus& place) {
  return place.are_numbers && place.records > 0 && place.least >= 100 && place.most < 600;
}

// "completed" alone says that a run is over, not how.
double more_than_done(const PlaceCensus& place) {
  return std::ranges::any_of(place.values,
                             [&](const auto& v) { return meaning_at(place, v) == "failed"; })
             ? 0.5
             : 0;
}

bool called_so_above(const PlaceCensus& place, const std::vector<std::string_view>& name) {
  return place.tokens.size() > 1 &&
         (place.is_called({"code"}) || place.is_called({"type"}) || place.is_called({"name"})) &&
         place.tokens[place.tokens.size() - 2] == name.front();
}

}  // namespace

GuessedLog::GuessedLog(std::vector<Json> records)
    : records_(std::move(records)), places_(census_of(records_)) {
  for (const PlaceCensus& place : places_) {
    if (place.records > 0) known_.push_back(&place);
    if (place.is_time()) times_.push_back(&place);
    if (place.tokens.size() <= 2) shallow_.push_back(&place);
  }
}

const PlaceCensus* first_called(const std::vector<const PlaceCensus*>& among,
                                const PlaceNames& names) {
  for (const auto& name : names) {
    for (const PlaceCensus* place : among) {
      if (place->is_called(name)) return place;
    }
  }
  return nullptr;
}

bool is_code_of_otel(const PlaceCensus& place) {
  return place.are_numbers && called_so_above(place, {"status"}) && place.is_called({"code"}) &&
         place.least >= 0 && place.most <= 2;
}

std::optional<std::string> meaning_at(const PlaceCensus& place, const std::string& value) {
  if (is_code_of_otel(place)) return value == "2" ? "failed" : "succeeded";
  if (is_exit_code(place)) return value == "0" ? "succeeded" : "failed";
  if (is_http_code(place)) return value < "400" ? "succeeded" : "failed";
  return outcome_word(value);
}

// The better the name and the more of its values are known, the more likely.
const PlaceCensus* GuessedLog::status() const {
  static const PlaceNames kNames{
      {"conclusion"}, {"outcome"}, {"result"}, {"correct"}, {"status"}, {"state"},     {"success"},
      {"succeeded"},  {"passed"},  {"ok"},     {"level"},   {"exit"},   {"returncode"}};
  const PlaceCensus* found = nullptr;
  double best = 0;
  for (const PlaceCensus* place : known_) {
    const bool is_told = place->values.size() <= 12 && place->different.size() <= 12;
    if (!is_told || place->is_time() || place->longest > 32) continue;
    double name = 0;
    for (std::size_t i = 0; i < kNames.size() && name == 0; ++i) {
      if (place->is_called(kNames[i]) || called_so_above(*place, kNames[i])) {
        name = 1 + static_cast<double>(kNames.size() - i) / 20;
      }
    }
    const auto known = std::ranges::count_if(
        place->values, [&](const auto& v) { return meaning_at(*place, v).has_value(); });
    const double share = static_cast<double>(known) / static_cast<double>(place->values.size());
    const bool has_outcome = std::ranges::any_of(place->values, [&](const auto& value) {
      const auto meaning = meaning_at(*place, value);
      return meaning == "succeeded" || meaning == "failed";
    });
    const double points = name == 0 || !has_outcome ? 0 : name * share + more_than_done(*place);
    if (points > best) {
      best = points;
      found = place;
    }
  }
  return found;
}

// An id that nearly every record has, and that is not the same in all.
const PlaceCensus* GuessedLog::id() const {
  static const PlaceNames kNames{{"pipeline", "run", "id"},
                                 {"trace", "id"},
                                 {"traceid"},
                                 {"dag", "run", "id"},
                                 {"flow", "run", "id"},
                                 {"workflow", "run", "id"},
                                 {"run", "id"},
                                 {"execution", "id"},
                                 {"workflow", "id"},
                                 {"job", "id"},
                                 {"sample", "id"},
                                 {"session", "id"},
                                 {"conversation", "id"},
                                 {"correlation", "id"},
                                 {"task", "id"},
                                 {"request", "id"},
                                 {"uuid"},
                                 {"run"},
                                 {"id"}};
  for (const auto& name : kNames) {
    for (const PlaceCensus* place : shallow_) {
      const bool is_for_all = place->records * 10 >= records_.size() * 9;
      const bool tells = place->different.size() > 1 + records_.size() / 50;
      const bool is_other = place->is_called({"parent"}) || place->is_called({"user"}) ||
                            place->is_called({"span"}) || place->is_called({"node"});
      const bool is_id = place->truths == 0 && !place->has_fractions && place->longest <= 200;
      // "run" and "id" alone: a run_number counts within its workflow.
      const bool is_it = place->is_called(name) && (name.size() > 1 || place->words.size() == 1);
      if (is_it && is_for_all && tells && !is_other && is_id) return place;
    }
  }
  return nullptr;
}

const PlaceCensus* GuessedLog::pipeline() const {
  const PlaceCensus* place = first_called(shallow_, {{"dag", "id"},
                                                     {"pipeline", "id"},
                                                     {"pipeline", "name"},
                                                     {"pipeline"},
                                                     {"workflow", "name"},
                                                     {"workflow"},
                                                     {"flow", "name"},
                                                     {"job", "name"},
                                                     {"dag"},
                                                     {"project"},
                                                     {"service"}});
  return place != nullptr && place->texts == place->records && place->records > 0 &&
                 place->different.size() <= 1 + records_.size() / 3
             ? place
             : nullptr;
}

const PlaceCensus* GuessedLog::kind() const {
  const PlaceCensus* outcome = status();
  if (outcome == nullptr || outcome->records == records_.size()) return nullptr;
  static const PlaceNames kNames{{"type"}, {"event"}, {"kind"}, {"message"}};
  for (const PlaceCensus* place : shallow_) {
    const bool is_kind =
        place->values.size() <= 12 && place->different.size() <= 12 &&
        std::ranges::any_of(kNames, [&](const auto& name) { return place->is_called(name); });
    if (!is_kind) continue;
    std::set<std::string> with;
    std::set<std::string> without;
    for (const Json& record : records_) {
      const Json* value = value_at(record, place->tokens);
      const std::string word = value == nullptr ? "" : text_of_json(*value);
      (value_at(record, outcome->tokens) != nullptr ? with : without).insert(word);
    }
    const bool tells =
        std::ranges::none_of(with, [&](const auto& word) { return without.contains(word); });
    if (tells && !with.contains("")) return place;
  }
  return nullptr;
}

int GuessedLog::score() const {
  return (times_.empty() ? 0 : 2) + (id() != nullptr ? 1 : 0) + (status() != nullptr ? 2 : 0);
}

}  // namespace dagloop
