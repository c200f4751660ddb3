#include "dagloop/cycle/configured_source.hpp"

#include <chrono>
#include <utility>

#include "cycle/label_notice.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/cycle/mapping_file.hpp"
#include "dagloop/cycle/needed_files.hpp"
#include "dagloop/source/source_process.hpp"

namespace dagloop {

std::unique_ptr<LogSource> open_configured_source(FileSystem& files, const Config& config,
                                                  ProgressTeller progress,
                                                  std::function<void(const std::string&)> warn) {
  if (config.input.sources.empty()) {
    throw Error(ErrorKind::usage, "source", "no log source",
                "give --source, DAGLOOP_SOURCE, or input.sources in the configuration");
  }
  check_present(files, source_files(config.input));
  SourceOptions options;
  options.classes = config.error_classes;
  options.dedupe = config.input.dedupe;
  options.rules = config.input.rules;
  options.progress = std::move(progress);
  options.lateness = config.input.lateness;
  options.statement_timeout =
      std::chrono::ceil<std::chrono::milliseconds>(config.input.statement_timeout);
  options.mapping = load_mapping(files, config.input.mapping);
  options.warn = warn;
  if (!config.input.rollup.empty()) {
    options.rollup = open_rollup_store(config.input.rollup, warn,
                                       {config.policy.symlinks, config.policy.trusted_group},
                                       rollup_patience(options.statement_timeout));
  }
  return with_label_notice(open_sources(config.input.sources, options), std::move(warn));
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
    limits.silence =
        std::chrono::ceil<milliseconds>(config.input.statement_timeout) + kGraceOfSilence;
  }
  const auto open = [&files, &config, progress = std::move(progress),
                     warn = std::move(warn)](Reading reading) {
    return open_configured_source(files, config, progress ? progress() : nullptr,
                                  reading == Reading::first ? warn : nullptr);
  };
  return std::make_unique<SourceProcess>(
      SourceToOpen{open, std::move(traits.name), traits.cut_cost, limits});
}

}  // namespace dagloop
