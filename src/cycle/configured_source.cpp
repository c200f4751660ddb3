#include "dagloop/cycle/configured_source.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "cycle/label_notice.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/mapping_file.hpp"
#include "dagloop/cycle/needed_files.hpp"
#include "dagloop/record/shipped_mappings.hpp"
#include "dagloop/source/source_process.hpp"

namespace dagloop {
namespace {

using Warning = std::function<void(const std::string&)>;

// `known`: the mapping, where it was read before.
std::unique_ptr<LogSource> open_with(FileSystem& files, const Config& config,
                                     const std::optional<Mapping>& known, ProgressTeller progress,
                                     Warning warn) {
  if (config.input.sources.empty()) {
    throw Error(ErrorKind::usage, "source", "no log source",
                "give --source, DAGLOOP_SOURCE, or input.sources in the configuration");
  }
  InputConfig needed = config.input;
  if (known) needed.mapping.clear();
  check_present(files, source_files(needed));
  SourceOptions options;
  options.classes = config.error_classes;
  options.dedupe = config.input.dedupe;
  options.rules = config.input.rules;
  options.progress = std::move(progress);
  options.lateness = config.input.lateness;
  options.statement_timeout =
      std::chrono::ceil<std::chrono::milliseconds>(config.input.statement_timeout);
  options.mapping = known ? *known : load_mapping(files, config.input.mapping);
  options.warn = warn;
  if (!config.input.rollup.empty()) {
    options.rollup = open_rollup_store(config.input.rollup, warn,
                                       {config.policy.symlinks, config.policy.trusted_group},
                                       rollup_patience(options.statement_timeout));
  }
  return with_label_notice(open_sources(config.input.sources, options), std::move(warn));
}

}  // namespace

std::unique_ptr<LogSource> open_configured_source(FileSystem& files, const Config& config,
                                                  ProgressTeller progress, Warning warn) {
  return open_with(files, config, std::nullopt, std::move(progress), std::move(warn));
}

std::unique_ptr<LogSource> configured_source(FileSystem& files, const Config& config,
                                             std::function<ProgressTeller()> progress,
                                             std::function<void(const std::string&)> warn) {
  using std::chrono::milliseconds;
  // What a server needs to say that a statement took too long.
  constexpr milliseconds kGraceOfSilence = std::chrono::seconds(5);
  SourceTraits traits = traits_of(config.input.sources);
  ChildLimits limits;
  if (!traits.is_fed) {
    limits.whole = std::chrono::ceil<milliseconds>(config.input.read_timeout);
    const auto statement = std::chrono::ceil<milliseconds>(config.input.statement_timeout);
    if (statement > milliseconds(0)) limits.silence = statement + kGraceOfSilence;
  }
  const auto mapping = std::make_shared<std::optional<Mapping>>();
  // One that is missing is named by the child, together with whatever else is.
  const auto prepare = [&files, &config, mapping] {
    const std::string& name = config.input.mapping;
    if (shipped_mapping(name) || files.stat(name)) *mapping = load_mapping(files, name);
  };
  const auto open = [&files, &config, mapping, progress = std::move(progress),
                     warn = std::move(warn)](Reading reading) {
    return open_with(files, config, *mapping, progress ? progress() : nullptr,
                     reading == Reading::first ? warn : nullptr);
  };
  return std::make_unique<SourceProcess>(
      SourceToOpen{open, std::move(traits.name), traits.cut_cost, limits, prepare});
}

}  // namespace dagloop
