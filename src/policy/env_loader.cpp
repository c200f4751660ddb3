#include "dagloop/policy/env_loader.hpp"

#include <algorithm>
#include <set>

#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxShown = 60;  // of a value in a message
constexpr const char* kWriteOnce =
    "write every key once, as KEY=VALUE and nothing else in its line";
constexpr std::string_view kNameIt =
    "where one loader alone reads this file, name it in policy.loader";

bool is_dotenv(EnvReader reader) {
  return reader == EnvReader::node || reader == EnvReader::python || reader == EnvReader::ruby ||
         reader == EnvReader::go;
}

bool is_reader_of(EnvReader reader, EnvLoader loader) {
  switch (loader) {
    case EnvLoader::any:
      return true;
    case EnvLoader::systemd:
      return reader == EnvReader::systemd;
    case EnvLoader::docker:
      return reader == EnvReader::docker;
    case EnvLoader::shell:
      return reader == EnvReader::shell;
    case EnvLoader::dotenv:
      return is_dotenv(reader);
  }
  return true;
}

// Among all loaders the edition of docker compose stands for Go's, which takes more names: else a
// foreign A-B=1, which everybody passes over but the library, would make the file unusable.
const std::optional<EnvStop>& stop_of(const EnvReading& reading, EnvLoader loader) {
  return reading.stop || loader == EnvLoader::any ? reading.stop : reading.strict;
}

ReaderView view_of(const EnvReading& reading, EnvLoader loader, const KeyView& ours) {
  ReaderView view{reading.reader};
  view.is_asked = is_reader_of(reading.reader, loader);
  if (const auto& stop = stop_of(reading, loader)) {
    view.sees = ReaderView::Sees::stop;
    view.line = stop->line;
    view.why = stop->what;
    return view;
  }
  const EnvSight* sight = reading.find(ours.key);
  if (sight == nullptr || sight->certainty == EnvCertainty::unset) {
    view.line = sight == nullptr ? 0 : sight->line;
    view.agrees = !ours.value && !ours.fault;
    return view;
  }
  view.line = sight->line;
  view.sees =
      sight->certainty == EnvCertainty::unsure ? ReaderView::Sees::unsure : ReaderView::Sees::value;
  view.value = sight->value;
  view.agrees = view.sees == ReaderView::Sees::value && ours.value == view.value;
  return view;
}

std::vector<EnvReading> all_readings(const EnvFile& env) {
  std::vector<EnvReading> readings;
  for (const EnvReader reader : kEnvReaders) readings.push_back(read_env(reader, env.text()));
  return readings;
}

// "systemd, docker and shell"
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string sight_text(const ReaderView& view) {
  switch (view.sees) {
    case ReaderView::Sees::value:
      return "'" + redact_text(view.value, kMaxShown) + "'";
    case ReaderView::Sees::nothing:
      return "no such key";
    case ReaderView::Sees::unsure:
      return "what hangs on more than this file";
    case ReaderView::Sees::stop:
      return "nothing of this file, for line " + std::to_string(view.line) + ": " + view.why;
  }
  return "";
}

// "systemd and docker read '10 # x', shell reads no such key": readers that see the same together.
std::string sights_text(const std::vector<ReaderView>& views) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const ReaderView& view : views) {
    const std::string sight = sight_text(view);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& each) { return each.first == sight; });
    if (group == groups.end()) group = groups.insert(groups.end(), {sight, {}});
    group->second.emplace_back(to_string(view.reader));
  }
  std::string text;
  for (const auto& [sight, names] : groups) {
    if (!text.empty()) text += "; ";
    text += joined(names) + (names.size() == 1 ? " reads " : " read ") + sight;
  }
  return text;
}

std::vector<ReaderView> differing(const KeyView& view) {
  std::vector<ReaderView> found;
  for (const ReaderView& each : view.readers) {
    if (each.is_asked && !each.agrees) found.push_back(each);
  }
  return found;
}

Error error_of(const KeyView& view, const std::vector<ReaderView>& others, const EnvFile& env) {
  const ReaderView& first = others.front();
  const std::size_t line = first.line != 0 ? first.line : std::max<std::size_t>(view.line, 1);
  const std::string where = env.where() + ":" + std::to_string(line);
  const std::string ours =
      view.value ? "'" + redact_text(*view.value, kMaxShown) + "'" : std::string("no such key");
  const std::string what =
      view.key + " is not the same for all: dagloop reads " + ours + ", but " + sights_text(others);
  const std::string remedy = first.sees == ReaderView::Sees::stop
                                 ? "mend or remove the line; " + std::string(kNameIt)
                                 : "write it once, as " + view.key +
                                       "=VALUE and nothing else in its line; " +
                                       std::string(kNameIt);
  return {ErrorKind::config, where, what, remedy};
}

Error error_of_ours(const KeyView& view, const EnvFile& env) {
  std::vector<ReaderView> asked;
  std::copy_if(view.readers.begin(), view.readers.end(), std::back_inserter(asked),
               [](const ReaderView& each) { return each.is_asked; });
  return {ErrorKind::config, env.where() + ":" + std::to_string(view.fault->line),
          view.fault->what + "; " + sights_text(asked), view.fault->remedy};
}

const EnvSight* sight_in(const std::map<std::string_view, const EnvSight*>& sights,
                         std::string_view key) {
  const auto found = sights.find(key);
  return found == sights.end() ? nullptr : found->second;
}

bool same_sight(const EnvSight* a, const EnvSight* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->value == b->value && a->certainty == b->certainty;
}

}  // namespace

std::string_view to_string(EnvLoader loader) {
  switch (loader) {
    case EnvLoader::any:
      return "any";
    case EnvLoader::systemd:
      return "systemd";
    case EnvLoader::docker:
      return "docker";
    case EnvLoader::shell:
      return "shell";
    case EnvLoader::dotenv:
      return "dotenv";
  }
  return "";
}

std::optional<EnvLoader> env_loader_named(std::string_view name) {
  for (const EnvLoader loader : {EnvLoader::any, EnvLoader::systemd, EnvLoader::docker,
                                 EnvLoader::shell, EnvLoader::dotenv}) {
    if (to_string(loader) == name) return loader;
  }
  return std::nullopt;
}

std::vector<KeyView> explain_env(const EnvFile& env, EnvLoader loader,
                                 const std::vector<std::string>& keys) {
  const std::vector<EnvReading> readings = all_readings(env);
  std::vector<KeyView> views;
  for (const std::string& key : keys) {
    KeyView view{key};
    view.line = env.line_of(key);
    view.fault = env.fault(key);
    if (!view.fault) view.value = env.value(key);
    for (const EnvReading& reading : readings) {
      view.readers.push_back(view_of(reading, loader, view));
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::optional<LoaderFault> loader_fault(const EnvFile& env, EnvLoader loader,
                                        const std::vector<std::string>& keys) {
  const std::vector<KeyView> views = explain_env(env, loader, keys);
  for (const KeyView& view : views) {
    if (view.fault) return LoaderFault{LoaderFault::Of::ours, error_of_ours(view, env)};
  }
  for (const KeyView& view : views) {
    const std::vector<ReaderView> others = differing(view);
    if (!others.empty()) {
      return LoaderFault{LoaderFault::Of::readers, error_of(view, others, env)};
    }
  }
  return std::nullopt;
}

void check_patch_seen(const EnvFile& before, const EnvFile& after, EnvLoader loader,
                      const Patch& patch) {
  for (const EnvReader reader : kEnvReaders) {
    if (!is_reader_of(reader, loader)) continue;
    const std::string name(to_string(reader));
    const EnvReading old_one = read_env(reader, before.text());
    const EnvReading new_one = read_env(reader, after.text());
    const auto& stop = stop_of(new_one, loader);
    if (stop && stop != stop_of(old_one, loader)) {
      throw Error(
          ErrorKind::config, before.where() + ":" + std::to_string(stop->line),
          name + " would read nothing of the file once the change is written: " + stop->what,
          kWriteOnce);
    }
    const auto before_by_key = last_sights(old_one);
    const auto after_by_key = last_sights(new_one);
    std::set<std::string_view> keys;
    for (const auto* sights : {&before_by_key, &after_by_key}) {
      for (const auto& entry : *sights) keys.insert(entry.first);
    }
    for (const auto& entry : patch) keys.insert(entry.first);
    for (const std::string_view key : keys) {
      const EnvSight* now = sight_in(after_by_key, key);
      const auto change = patch.find(std::string(key));
      const bool is_right = change == patch.end()
                                ? same_sight(sight_in(before_by_key, key), now)
                                : now != nullptr && now->value == change->second.after &&
                                      now->certainty == EnvCertainty::known;
      if (is_right) continue;
      throw Error(ErrorKind::config, before.where(),
                  name + " would read " + std::string(key) +
                      " otherwise than meant once the change is written",
                  kWriteOnce);
    }
  }
}

}  // namespace dagloop
