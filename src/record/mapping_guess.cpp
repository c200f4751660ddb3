#include "dagloop/record/mapping_guess.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "dagloop/record/contract_words.hpp"
#include "record/json_text.hpp"
#include "record/log_guess.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostSearched = 2000;  // elements of arrays that may be the records

// Writes a mapping of what a log's places tell.
class MappingWriter {
 public:
  explicit MappingWriter(const GuessedLog& log) : log_(log), status_(log.status()), id_(log.id()) {}

  MappingGuess write(Json document) {
    put_id();
    put_status();
    put_times(document);
    put_node();
    put_others();
    put_cohort();
    document["fields"] = fields_;
    return {document, looks_};
  }

  static std::string name_of(const PlaceCensus& place) {
    return place.as_place().as_object().front().second.as_string();
  }

 private:
  void look(const std::string& at) { looks_.push_back(at); }

  // One id in several pipelines is that of several runs.
  bool needs_pipeline(const PlaceCensus& run, const PlaceCensus& pipeline) const {
    std::map<std::string, std::string> of_run;
    for (const Json& record : log_.records()) {
      const Json* id = value_at(record, run.tokens);
      const Json* name = value_at(record, pipeline.tokens);
      if (id == nullptr || name == nullptr) continue;
      const auto [found, is_new] = of_run.emplace(text_of_json(*id), text_of_json(*name));
      if (!is_new && found->second != text_of_json(*name)) return true;
    }
    return false;
  }

  static Json element_of(const PlaceCensus& place) {
    return place.tokens.size() == 1 ? Json(place.tokens.front()) : place.as_place();
  }

  void put_id() {
    if (id_ == nullptr) return look("pipeline_run_id: no id was found; name the place of one");
    Json list = Json::array();
    const PlaceCensus* pipeline = log_.pipeline();
    const bool is_joined = pipeline != nullptr && needs_pipeline(*id_, *pipeline);
    if (is_joined) list.push_back(element_of(*pipeline));
    list.push_back(element_of(*id_));
    const bool is_plain = !is_joined && id_->numbers == 0;
    if (is_plain && is_same_place(*id_, "pipeline_run_id")) return;
    fields_["pipeline_run_id"] = is_plain ? id_->as_place() : list;
  }

  static bool is_same_place(const PlaceCensus& place, std::string_view name) {
    return place.tokens.size() == 1 && place.tokens.front() == name;
  }

  void put_status() {
    if (status_ == nullptr) return look("status: no outcome was found; name the place of one");
    Json field = status_->as_place();
    Json aliases = Json::object();
    for (const std::string& value : status_->values) {
      const auto meaning = meaning_at(*status_, value);
      if (!meaning) look("status: \"" + value + "\" is taken for failed");
      const bool needs =
          !meaning || status_->numbers > 0 || status_->truths > 0 || !parse_status(value);
      if (needs) aliases[value] = Json(meaning.value_or("failed"));
    }
    if (status_->truths > 0) {
      aliases["true"] = Json("succeeded");
      aliases["false"] = Json("failed");
    }
    if (is_code_of_otel(*status_)) {
      for (const char* code : {"0", "1"}) aliases[code] = Json("succeeded");
      aliases["2"] = Json("failed");
    }
    if (!aliases.as_object().empty()) field["aliases"] = aliases;
    if (status_->records < log_.records().size()) {
      const bool is_rare =
          status_->records * 2 < log_.records().size() || is_code_of_otel(*status_);
      field["when_null"] = Json(is_rare ? "succeeded" : "running");
      look("status: where nothing stands the run is taken for " +
           std::string(is_rare ? "succeeded" : "running"));
    }
    const bool is_own = is_same_place(*status_, "status") && field.as_object().size() == 1;
    if (!is_own) fields_["status"] = field;
  }

  Json time_place(const PlaceCensus& place) const {
    static constexpr std::array<std::string_view, 4> kUnits{"s", "ms", "us", "ns"};
    Json json = place.as_place();
    if (const auto epoch = place.epoch()) {
      json["epoch"] = Json(kUnits.at(static_cast<std::size_t>(*epoch)));
    } else if (place.zoneless > 0) {
      json["zone"] = Json("UTC");
    }
    return json;
  }

  void put_times(Json& document) {
    std::vector<const PlaceCensus*> of_most;
    for (const PlaceCensus* place : log_.times()) {
      if (place->records * 2 >= log_.records().size()) of_most.push_back(place);
    }
    const PlaceCensus* end = first_called(of_most, {{"end"},
                                                    {"ended"},
                                                    {"finished"},
                                                    {"finish"},
                                                    {"completed"},
                                                    {"stop"},
                                                    {"stopped"},
                                                    {"updated"},
                                                    {"closed"},
                                                    {"done"}});
    const PlaceCensus* start = first_called(of_most, {{"start"},
                                                      {"started"},
                                                      {"begin"},
                                                      {"began"},
                                                      {"launched"},
                                                      {"created"},
                                                      {"queued"},
                                                      {"submitted"}});
    const PlaceCensus* other =
        first_called(of_most, {{"timestamp"}, {"ts"}, {"time"}, {"date"}, {"at"}, {"logged"}});
    if (other == nullptr && !of_most.empty()) other = of_most.front();
    const PlaceCensus* duration = find_duration();
    if (end != nullptr) {
      Json field = time_place(*end);
      if (end->records < log_.records().size() && start != nullptr) {
        field["when_null"] = Json("running");
        field["else"] = time_place(*start);
      }
      if (!is_same_place(*end, "created_at") || field.as_object().size() > 1) {
        fields_["created_at"] = field;
      }
    } else if (other != nullptr || start != nullptr) {
      const bool marks_start = duration != nullptr && start != nullptr &&
                               (other == nullptr || other == start) &&
                               !start->is_called({"created"});
      const PlaceCensus* place = marks_start || other == nullptr ? start : other;
      const Json field = time_place(*place);
      if (!is_same_place(*place, "created_at") || field.as_object().size() > 1) {
        fields_["created_at"] = field;
      }
      if (marks_start) document["created_at_marks"] = Json("start");
      look("created_at: " + name_of(*place) + " is taken for the " +
           (marks_start ? "start" : "end") + " of the run");
    } else {
      look("created_at: no time was found; name the place of one");
    }
    put_duration(start, end, duration);
  }

  const PlaceCensus* find_duration() const {
    for (const PlaceCensus* place : log_.known()) {
      if (!place->are_numbers || place->is_time() || place->least < 0) continue;
      for (const std::string_view word : {"duration", "latency", "elapsed", "runtime", "took",
                                          "seconds", "millis", "wall", "ms"}) {
        if (place->is_called({word})) return place;
      }
    }
    return nullptr;
  }

  void put_duration(const PlaceCensus* start, const PlaceCensus* end, const PlaceCensus* duration) {
    if (start != nullptr && end != nullptr) {
      fields_["duration_ms"] =
          Json::object({{"from", time_place(*start)}, {"to", time_place(*end)}});
      return;
    }
    if (duration == nullptr) return look("duration_ms: none was found; latencies are missing");
    Json field = duration->as_place();
    const auto called = [&](std::string_view word) { return duration->is_called({word}); };
    std::string unit = "ms";
    if (called("ns") || called("nanos")) unit = "ns";
    if (called("us") || called("micros")) unit = "us";
    if (called("s") || called("sec") || called("secs") || called("seconds")) unit = "s";
    const bool is_told = unit != "ms" || called("ms") || called("millis");
    if (!is_told) {
      unit = duration->has_fractions && duration->most <= 1000 ? "s" : "ms";
      look("duration_ms: " + name_of(*duration) + " is taken for " + unit);
    }
    if (unit != "ms") field["unit"] = Json(unit);
    if (!is_same_place(*duration, "duration_ms") || unit != "ms") fields_["duration_ms"] = field;
  }

  void put_node() {
    std::vector<const PlaceCensus*> all;
    for (const PlaceCensus& place : log_.places()) all.push_back(&place);
    const PlaceCensus* parent = nullptr;
    for (const PlaceCensus* place : all) {
      if (place->is_called({"parent"}) && place->tokens.size() <= 2) parent = place;
    }
    const bool has_parents = parent != nullptr && parent->records > 0;
    const PlaceCensus* node =
        first_called(log_.shallow(), has_parents ? PlaceNames{{"name"}, {"operation"}}
                                                 : PlaceNames{{"node", "id"},
                                                              {"node"},
                                                              {"task", "id"},
                                                              {"task"},
                                                              {"step", "name"},
                                                              {"step"},
                                                              {"stage"}});
    if (!has_parents && node != nullptr && node->different.size() * 4 > log_.records().size() * 3) {
      node = nullptr;  // a name of each line is that of the run, or somebody else's id
    }
    if (node == nullptr || node == id_ || node->records == 0) {
      if (has_place("node_id")) fields_["node_id"] = Json();
      return;
    }
    if (!is_same_place(*node, "node_id")) fields_["node_id"] = node->as_place();
    if (!has_parents) return;
    Json type = parent->as_place();
    type["when_null"] = Json("pipeline");
    fields_["node_type"] = type;
    look("node_type: a record without " + name_of(*parent) + " is taken for the run");
  }

  bool has_place(std::string_view name) const {
    return std::ranges::any_of(log_.places(),
                               [&](const auto& p) { return is_same_place(p, name); });
  }

  void put_if_found(std::string_view field, const PlaceNames& names) {
    const PlaceCensus* place = first_called(log_.known(), names);
    if (place == nullptr || place == id_ || place == status_ || is_same_place(*place, field))
      return;
    fields_[field] = place->as_place();
  }

  void put_others() {
    if (const PlaceCensus* place = log_.pipeline(); place != nullptr && place != id_) {
      if (!is_same_place(*place, "pipeline_id")) fields_["pipeline_id"] = place->as_place();
    }
    put_if_found("attempt", {{"attempt"}, {"try", "number"}, {"retry", "count"}});
    if (fields_.find("node_id") != nullptr && fields_.find("node_id")->is_null() &&
        fields_.find("attempt") != nullptr) {
      fields_["attempt"] = Json();  // of a whole run
    }
    put_if_found("tokens_in", {{"input", "tokens"}, {"prompt", "tokens"}});
    put_if_found("tokens_out", {{"output", "tokens"}, {"completion", "tokens"}});
    put_if_found("user_id", {{"user", "id"}, {"userid"}});
    put_if_found("fanout_index", {{"map", "index"}});
    const PlaceCensus* code =
        first_called(log_.known(), {{"error", "code"}, {"error", "type"}, {"error", "class"}});
    if (code != nullptr && code->longest <= 64 && !is_same_place(*code, "error_code")) {
      fields_["error_code"] = code->as_place();
    }
  }

  // Which of the words is the canary's is not to be guessed.
  void put_cohort() {
    const PlaceCensus* place = first_called(log_.shallow(), {{"cohort"},
                                                             {"variant"},
                                                             {"arm"},
                                                             {"experiment"},
                                                             {"track"},
                                                             {"ring"},
                                                             {"group"},
                                                             {"deployment"}});
    if (place == nullptr || place == id_ || place == status_ || place->records == 0) return;
    if (place->texts < place->records || place->different.size() > 4) return;
    std::string unknown;
    for (const std::string& word : place->values) {
      if (!value_of(kCohortWords, word)) unknown += (unknown.empty() ? "" : ", ") + word;
    }
    if (!unknown.empty()) {
      return look(
          "cohort: " + name_of(*place) + " has the words " + unknown +
          "; if that is who gets the canary, give cohort this place, with aliases canary and "
          "control");
    }
    if (!is_same_place(*place, "cohort")) fields_["cohort"] = place->as_place();
  }

  const GuessedLog& log_;
  const PlaceCensus* status_;
  const PlaceCensus* id_;
  Json fields_ = Json::object();
  std::vector<std::string> looks_;
};

// Appends the elements of the arrays of objects in a document, by their pointer.
void collect(const Json& value, const std::string& pointer,
             std::map<std::string, std::vector<Json>>& found) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (name.find_first_of("~/") == std::string::npos)
        collect(member, pointer + "/" + name, found);
    }
    return;
  }
  if (!value.is_array() || value.as_array().empty() || !value.as_array().front().is_object())
    return;
  if (value.as_array().front().find("key") != nullptr) return;  // attributes
  std::vector<Json>& records = found[pointer];
  for (const Json& element : value.as_array()) {
    if (records.size() < kMostSearched) records.push_back(element);
    collect(element, pointer + "/*", found);
  }
}

}  // namespace

MappingGuess guess_mapping(const std::vector<std::string>& documents, DocumentLayout layout) {
  std::vector<Json> records;
  std::map<std::string, std::vector<Json>> nested;
  for (const std::string& text : documents) {
    const auto document = json_of(text);
    if (!document || !document->is_object()) continue;
    collect(*document, "", nested);
    records.push_back(*document);
  }
  std::optional<std::string> pointer;
  if (layout == DocumentLayout::free) pointer = "";
  int best = GuessedLog(records).score();
  for (const auto& [place, elements] : nested) {
    const int score = GuessedLog(elements).score();
    // Of equals the lines themselves, unless there are few of them.
    const bool is_more = score > best || (score == best && elements.size() > 4 * records.size());
    if (score < 3 || !is_more) continue;
    best = score;
    pointer = place;
    records = elements;
  }
  Json document = Json::object({{"schema", Json("dagloop.mapping/1")}});
  if (pointer) document["records"] = Json(*pointer);
  const GuessedLog all(records);
  const PlaceCensus* kind = all.kind();
  if (kind == nullptr) return MappingWriter(all).write(document);
  std::vector<Json> results;
  std::set<std::string> words;
  for (const Json& record : records) {
    if (value_at(record, all.status()->tokens) != nullptr) {
      words.insert(text_of_json(*value_at(record, kind->tokens)));
    }
  }
  for (const Json& record : records) {
    const Json* value = value_at(record, kind->tokens);
    if (value != nullptr && words.contains(text_of_json(*value))) results.push_back(record);
  }
  Json only = kind->as_place();
  only["values"] = Json::array();
  for (const std::string& word : words) only["values"].push_back(Json(word));
  document["only"] = only;
  MappingGuess guess = MappingWriter(GuessedLog(results)).write(document);
  guess.looks.push_back("only: lines of another " + MappingWriter::name_of(*kind) +
                        " are taken for no records");
  return guess;
}

}  // namespace dagloop
