// A rollup store in memory. It counts what is asked of it, and tests may damage its values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dagloop/source/rollup_store.hpp"

namespace dagloop::test {

/// Keeps values in maps.
class MemoryRollupStore final : public RollupStore {
 public:
  RollupValues load(const std::string& log, const std::string& first,
                    const std::string& last) override {
    const Log& found = logs[log];
    RollupValues loaded;
    loaded.version = found.version;
    for (auto at = found.values.lower_bound(first); at != found.values.end() && at->first <= last;
         ++at) {
      loaded.values.insert(*at);
      bytes_loaded += at->second.size();
    }
    return loaded;
  }

  bool commit(const std::string& log, std::uint64_t expected_version,
              const RollupChange& change) override {
    Log& found = logs[log];
    if (refuses_commits || found.version != expected_version) return false;
    if (change.others == RollupChange::Others::erased) {
      found.values.clear();
      ++erasures;
    }
    for (const std::string& name : change.erased) found.values.erase(name);
    for (const auto& [name, value] : change.written) found.values[name] = value;
    ++found.version;
    ++commits;
    return true;
  }

  bool is_usable() override { return usable; }

  /// The values of one log.
  struct Log {
    std::map<std::string, std::string> values;
    std::uint64_t version = 0;
  };

  std::map<std::string, Log> logs;
  bool refuses_commits = false;
  bool usable = true;
  std::uint64_t commits = 0;
  std::uint64_t erasures = 0;  // commits that erased the others: a log was begun anew
  std::uint64_t bytes_loaded = 0;
};

}  // namespace dagloop::test
