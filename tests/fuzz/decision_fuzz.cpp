// Decision documents: the digest covers every member, and only what it covers is read.
#include <algorithm>
#include <string_view>

#include "dagloop/base/json_schema.hpp"
#include "dagloop/report/documents.hpp"
#include "property.hpp"

namespace dagloop::fuzz {
namespace {

// A value near `value` and unlike it.
Json changed(const Json& value, std::size_t choice) {
  if (value.is_string()) {
    std::string text = value.as_string();
    if (text.empty() || choice % 3 == 0) return text + "x";
    if (choice % 3 == 1) return text.substr(1);
    text[choice % text.size()] = text[choice % text.size()] == '0' ? '1' : '0';
    return text;
  }
  if (value.is_integer() && value.as_integer() < INT64_MAX) return value.as_integer() + 1;
  if (value.is_bool()) return !value.as_bool();
  if (value.is_array() && !value.as_array().empty()) {
    Json copy = value;
    Json& inner = copy.as_array()[choice % copy.as_array().size()];
    inner = changed(inner, choice / 7);
    return copy;
  }
  if (value.is_object() && !value.as_object().empty()) {
    Json copy = value;
    Json::Member& member = copy.as_object()[choice % copy.as_object().size()];
    if (choice % 5 == 0) {
      member.first += "x";
    } else {
      member.second = changed(member.second, choice / 7);
    }
    return copy;
  }
  return value == Json("other") ? Json() : Json("other");
}

std::size_t choice_of(std::string_view text) {
  std::size_t sum = 0;
  for (const char c : text) sum = sum * 131 + static_cast<unsigned char>(c);
  return sum;
}

// What no digest covers are words, which no reader takes from a document.
void require_words_alone(const Json& document, const Json& other) {
  const auto shown = [](Json each) {
    each["digest"] = decision_digest(each);
    return decision_text(decision_from_json(each, "d"), "d");
  };
  std::string before;
  if (refused([&] { before = shown(document); })) return;
  require(before == shown(other), "only words change and leave the digest");
}

void require_digest_covers(const Json& document, std::size_t choice) {
  const std::string digest = decision_digest(document);
  const Json::Object& members = document.as_object();
  if (members.empty()) return;
  const std::size_t place = choice % members.size();
  if (members[place].first == "digest") return;
  Json other = document;
  other.as_object()[place].second = changed(members[place].second, choice / 11);
  if (decision_digest(other) == digest) return require_words_alone(document, other);
  other["digest"] = digest;
  require(refused([&] { static_cast<void>(decision_from_json(other, "the edited one")); }),
          "an edited document is refused");
  other = document;
  other.as_object().erase(other.as_object().begin() + static_cast<std::ptrdiff_t>(place));
  require(decision_digest(other) != digest, "a member that goes changes the digest");
}

void check_read(const Json& document) {
  validate_schema(document, "decision", "the decision");
  const Decision decision = decision_from_json(document, "the decision");
  require(document.find("current_percent")->as_number() == decision.current_percent,
          "no number is cut");
  require(patch_to_json(decision.patch).as_object().size() ==
              document.find("patch")->as_object().size(),
          "the whole patch is read");
  require_plain(decision_text(decision, "its digest"));
  const Json written = decision_to_json(decision);
  require(*written.find("digest") == Json(decision_digest(written)), "its digest is its own");
  // A number of a prediction may be written in more than one way.
  const auto& advice = decision.recommendations;
  require(decision_from_json(written, "the written one").recommendations == advice,
          "a recommendation reads back as it was");
  const bool is_predicted =
      std::any_of(advice.begin(), advice.end(), [](const auto& each) { return each.prediction; });
  for (const char* key : {"action", "verdict", "next_percent", "reasons", "recommendations",
                          "approval", "env_sha256", "proposed_by"}) {
    if (is_predicted && std::string_view(key) == "recommendations") continue;
    require(to_canonical_json(*written.find(key)) == to_canonical_json(*document.find(key)),
            "what is read is what is written");
  }
  require(to_canonical_json(*written.find("patch")) == to_canonical_json(*document.find("patch")),
          "the patch above all");
}

void check(const std::string& text) {
  Json document = parse_json(text, "the decision");
  require_same_when_printed(document);
  refused([&] { check_read(document); });
  if (!document.is_object()) return;
  const std::size_t choice = choice_of(text);
  if (choice % 4 == 0) require_digest_covers(document, choice / 4);
  document["digest"] = decision_digest(document);  // no mutation finds it
  check_read(document);
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dagloop::fuzz::refused([&] { dagloop::fuzz::check(dagloop::fuzz::text_of(data, size)); });
  return 0;
}
