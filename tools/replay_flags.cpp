#include "replay_flags.hpp"

#include <algorithm>
#include <charconv>

#include "dagloop/base/digest.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/overdue_limit.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/state/state_store.hpp"

namespace dagloop {
namespace {

constexpr Microseconds kMonth = std::chrono::hours(24 * 30);
// Ten years of a tick every five minutes; more is a mistyped --every.
constexpr std::int64_t kMostTicks = 1'000'000;

[[noreturn]] void refuse(std::string_view flag, const std::string& what, std::string_view remedy) {
  throw Error(ErrorKind::usage, flag, what, remedy);
}

TimePoint parsed_time(const std::string& text, std::string_view flag) {
  if (text.empty()) refuse(flag, "a time is missing", "give e.g. 2026-02-25T06:00:00Z");
  return *time_flag(text, flag);
}

Window parse_regression(const std::string& text) {
  constexpr std::string_view kFlag = "--regression";
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) {
    refuse(kFlag, "no FROM/TO: \"" + text + "\"",
           "give e.g. 2026-02-20T00:00:00Z/2026-02-21T12:00:00Z");
  }
  const Window window{parsed_time(text.substr(0, slash), kFlag),
                      parsed_time(text.substr(slash + 1), kFlag)};
  if (window.end <= window.start) refuse(kFlag, "ends before it begins", "give FROM/TO in order");
  return window;
}

PercentSince parse_percent(const std::string& text) {
  constexpr std::string_view kFlag = "--percent";
  const std::size_t equals = text.find('=');
  PercentSince since;
  if (equals != std::string::npos) since.first = parsed_time(text.substr(0, equals), kFlag);
  const std::string number = equals == std::string::npos ? text : text.substr(equals + 1);
  const char* end = number.data() + number.size();
  const auto read = std::from_chars(number.data(), end, since.second);
  if (read.ec != std::errc() || read.ptr != end || since.second < 0 || since.second > 100) {
    refuse(kFlag, "no percentage: \"" + number + "\"", "give N or TIME=N, N from 0 to 100");
  }
  return since;
}

std::vector<PercentSince> parse_percents(const std::vector<std::string>& texts) {
  std::vector<PercentSince> percents;
  for (const std::string& text : texts) {
    percents.push_back(parse_percent(text));
    const bool is_first = percents.size() == 1;
    if (is_first) continue;
    const auto& before = percents[percents.size() - 2].first;
    const auto& since = percents.back().first;
    if (!since || (before && *since <= *before)) {
      refuse("--percent", "\"" + text + "\" does not come after the one before",
             "give each after the first as TIME=N, in the order of time");
    }
  }
  return percents;
}

Config config_of(FileSystem& files, const ReplayFlags& flags, const std::string& file) {
  ConfigFlags one = flags.config;
  one.config_file = file;
  Config config = load_config(files, one);
  config.input.rollup.clear();  // holds what the next tick needs, and must go on doing so
  return config;
}

// Without an env file: the allowlist's defaults.
PolicyValues default_values(const std::vector<KeySpec>& keys) {
  PolicyValues values;
  for (const KeySpec& key : keys) values[key.name] = key.default_value;
  return values;
}

ReplayedConfig replayed_config(FileSystem& files, const ReplayFlags& flags,
                               const std::string& file) {
  Config config = config_of(files, flags, file);
  const Allowlist allowlist = read_allowlist(files, config.policy);
  PolicyValues values = default_values(allowlist.keys());
  std::string env;
  if (!config.policy.env_file.empty()) {
    const EnvFile read = read_env_file(files, config.policy.env_file, config.policy.symlinks);
    const auto fault = loader_fault(read, config.policy.loader, allowlist.names());
    if (fault) throw Error(fault->error);
    values = allowlist.values_in(read);
    env = read.text();
    config = under_policy(std::move(config), read);
  }
  ReplayedConfig replayed{file.empty() ? "defaults" : file,
                          config,
                          allowlist.keys(),
                          read_rules(files, config.policy),
                          PolicyTimeline(values),
                          "the env file as it is now",
                          sha256_hex(env)};
  if (!flags.percents.empty()) {
    replayed.policies =
        policies_of_percents(values, config.decision.rollout_key, parse_percents(flags.percents));
    replayed.policies_from = "as given";
    return replayed;
  }
  const auto store = open_state(config.state, StateAccess::read_only,
                                {config.policy.symlinks, config.policy.trusted_group});
  if (auto known = policies_of_journal(store->journal(), config.decision.cooldown)) {
    replayed.policies = std::move(*known);
    replayed.policies_from = "the journal of " + redact_uri(config.state);
  } else if (config.policy.env_file.empty()) {
    refuse("--percent", "nothing tells which policy was in force",
           "give --percent, --env-file, or --state with a journal");
  }
  return replayed;
}

}  // namespace

void add_replay_flags(CLI::App& app, ReplayFlags& flags) {
  app.add_option("--config", flags.configs,
                 "configuration file (JSON, comments allowed); repeat it to compare several")
      ->envname("DAGLOOP_CONFIG")
      ->allow_extra_args(false);
  add_flag_groups(app, flags.config,
                  {FlagGroup::source, FlagGroup::env_file, FlagGroup::state, FlagGroup::out});
  app.remove_option(app.get_option("--rollup"));  // of the cycle, and not touched
  app.add_option("--from", flags.from, "first tick, RFC 3339 (default: 30 days before --to)");
  app.add_option("--to", flags.to,
                 "end: no tick is later; RFC 3339, or last: when the log ends (default: now)");
  app.add_option("--every", flags.every, "time from tick to tick (default: 15m)");
  app.add_option("--percent", flags.percents,
                 "rollout percentage in force: N, or TIME=N from that time on (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--regression", flags.regressions,
                 "FROM/TO: a true regression, in which no alarm is false (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--suggest-thresholds", flags.most_false_alarms,
                 "suggest thresholds that give at most this many false alarms in 30 days")
      ->check(CLI::Range(0.0, 1e6));
  auto* format = app.add_option("--format", flags.format, "text, json or md (default: text)")
                     ->check(CLI::IsMember({"text", "json", "md"}));
  app.add_flag("--json", flags.json, "print the document: --format json")->excludes(format);
}

ReplayRequest replay_request(const ReplayFlags& flags, TimePoint now,
                             std::optional<TimePoint> end) {
  ReplayRequest request;
  request.period.end =
      end ? ceil_to_slot(*end) : floor_to_slot(time_flag(flags.to, "--to").value_or(now));
  request.period.start =
      ceil_to_slot(time_flag(flags.from, "--from").value_or(request.period.end - kMonth));
  if (request.period.end < request.period.start) {
    refuse("--from", "is after --to", "give an earlier --from or a later --to");
  }
  request.every = checked_window(*duration_flag(flags.every, "--every"), "--every");
  if (request.period.length() / request.every >= kMostTicks) {
    refuse("--every", "more than a million ticks", "give a shorter period or longer steps");
  }
  for (const std::string& text : flags.regressions) {
    request.regressions.push_back(parse_regression(text));
  }
  if (flags.most_false_alarms >= 0) request.most_false_alarms = flags.most_false_alarms;
  return request;
}

std::vector<ReplayedConfig> replayed_configs(FileSystem& files, const ReplayFlags& flags) {
  std::vector<std::string> names = flags.configs;
  if (names.empty()) names.emplace_back();
  std::vector<ReplayedConfig> all;
  all.reserve(names.size());
  for (const std::string& name : names) all.push_back(replayed_config(files, flags, name));
  return all;
}

}  // namespace dagloop
