// The flags of replay_dag_policy, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "dagloop/cycle/replay.hpp"
#include "tool_main.hpp"

namespace dagloop {

/// Flags as given.
struct ReplayFlags {
  ConfigFlags config;  // laid over every configuration
  std::vector<std::string> configs;
  std::string from;
  std::string to;
  std::string every = "15m";
  std::vector<std::string> percents;
  std::vector<std::string> regressions;
  double most_false_alarms = -1;  // negative: no thresholds are suggested
  std::string format = "text";
  bool json = false;
};

/// Adds the flags.
void add_replay_flags(CLI::App& app, ReplayFlags& flags);

/// Returns what is to be replayed, `end` being when the log ends where --to asks for that.
///
/// Errors: Error{usage} naming the flag.
ReplayRequest replay_request(const ReplayFlags& flags, TimePoint now,
                             std::optional<TimePoint> end = std::nullopt);

/// Reads the configurations, with the policies that were in force: by --percent, else by the
/// journal of the configured state, else the env file's as it is now.
///
/// Errors: Error{config} or Error{usage} naming the file and key, or the flag.
std::vector<ReplayedConfig> replayed_configs(FileSystem& files, const ReplayFlags& flags);

}  // namespace dagloop
