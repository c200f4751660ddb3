#include "dagloop/report/env_explanation.hpp"

#include <algorithm>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxEnvValue = 200;
constexpr std::size_t kReaderColumn = 16;

std::string_view word_of_sight(ReaderView::Sees sees) {
  switch (sees) {
    case ReaderView::Sees::value:
      return "value";
    case ReaderView::Sees::nothing:
      return "nothing";
    case ReaderView::Sees::unsure:
      return "unsure";
    case ReaderView::Sees::stop:
      return "stop";
  }
  return "";
}

// Of what hangs on more than the file the text says nothing that may be shown.
Json value_of(const ReaderView& view) {
  if (view.sees != ReaderView::Sees::value) return {};
  return redact_text(view.value, kMaxEnvValue);
}

Json reader_to_json(const ReaderView& view) {
  Json document = Json::object({{"reader", to_string(view.reader)},
                                {"asked", view.is_asked},
                                {"agrees", view.agrees},
                                {"sees", word_of_sight(view.sees)},
                                {"value", value_of(view)},
                                {"line", static_cast<std::int64_t>(view.line)}});
  if (!view.why.empty()) document["why"] = view.why;
  return document;
}

Json key_to_json(const KeyView& view) {
  Json readers = Json::array();
  for (const ReaderView& each : view.readers) readers.push_back(reader_to_json(each));
  Json document =
      Json::object({{"key", view.key},
                    {"value", view.value ? Json(redact_text(*view.value, kMaxEnvValue)) : Json()},
                    {"line", static_cast<std::int64_t>(view.line)}});
  if (view.fault) document["fault"] = view.fault->what;
  document["readers"] = std::move(readers);
  return document;
}

std::string at_line(std::size_t line) {
  return line == 0 ? "" : " (line " + std::to_string(line) + ")";
}

std::string ours_text(const KeyView& view) {
  if (view.fault) return "refused: " + view.fault->what + at_line(view.fault->line);
  if (!view.value) return "not in the file";
  return redact_text(*view.value, kMaxEnvValue) + at_line(view.line);
}

std::string sight_line(const ReaderView& view) {
  std::string name(to_string(view.reader));
  name.resize(std::max(name.size(), kReaderColumn), ' ');
  std::string text = "    " + name + " ";
  switch (view.sees) {
    case ReaderView::Sees::value:
      text += redact_text(view.value, kMaxEnvValue);
      break;
    case ReaderView::Sees::nothing:
      text += "no such key";
      break;
    case ReaderView::Sees::unsure:
      text += "hangs on more than this file";
      break;
    case ReaderView::Sees::stop:
      text += "reads nothing of this file: " + view.why;
      break;
  }
  text += at_line(view.line);
  if (view.agrees) return text + "\n";
  return text + (view.is_asked ? "  <- otherwise\n" : "  (otherwise, not asked)\n");
}

}  // namespace

Json env_explanation_to_json(const EnvExplanation& explanation) {
  Json keys = Json::array();
  for (const KeyView& view : explanation.keys) keys.push_back(key_to_json(view));
  return Json::object({{"schema", "dagloop.env_explanation/1"},
                       {"env_file", explanation.env_file},
                       {"loader", to_string(explanation.loader)},
                       {"agrees", !explanation.fault.has_value()},
                       {"keys", std::move(keys)}});
}

std::string env_explanation_text(const EnvExplanation& explanation) {
  std::string text =
      explanation.env_file + ", loader " + std::string(to_string(explanation.loader)) + "\n";
  for (const KeyView& view : explanation.keys) {
    text += view.key + ": " + ours_text(view);
    const bool all_agree = std::all_of(view.readers.begin(), view.readers.end(),
                                       [](const ReaderView& each) { return each.agrees; });
    text += all_agree ? ", the same for all\n" : "\n";
    if (all_agree) continue;
    for (const ReaderView& each : view.readers) text += sight_line(each);
  }
  return text;
}

}  // namespace dagloop
