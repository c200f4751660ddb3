// Private to the source layer: the values of one log at one version of it, and what is to become of
// them. A value that was not written with the version that the root says is not there.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/settled_slot.hpp"
#include "dagloop/source/rollup_store.hpp"
#include "source/rollup_format.hpp"

namespace dagloop {

/// Values, fetched where they are needed.
class LogValues {
 public:
  /// Shape: `others` and `commit_bytes` as commit() and make_room() say.
  LogValues(RollupStore& store, std::string log, std::uint64_t version, RollupChange::Others others,
            std::size_t commit_bytes)
      : store_(store),
        log_(std::move(log)),
        version_(version),
        others_(others),
        commit_bytes_(commit_bytes),
        may_commit_early_(others == RollupChange::Others::erased) {}

  /// Fetches the values of `times` (ascending), and perhaps others between them. Returns false
  /// where another process has committed meanwhile.
  bool fetch(ValueKind kind, const std::vector<TimePoint>& times);
  /// Forgets what was fetched.
  void forget() { fetched_.clear(); }
  /// Returns a value that was fetched or written; nullopt where it is missing or of another
  /// version.
  std::optional<ByteReader> find(ValueKind kind, TimePoint time, std::uint64_t version) const;
  /// Writes a value. Returns the version that it will have.
  std::uint64_t write(ValueKind kind, TimePoint time, const ByteWriter& bytes);
  void erase(ValueKind kind, TimePoint time);
  /// Commits what was written, where the others are to be erased and it is more than
  /// `commit_bytes`. Without a root it means nothing, should commit() not come. What the store
  /// refuses stays here. Order: not between values of one version.
  void make_room();
  /// Returns whether anything was written or erased.
  bool is_changed() const { return !written_.empty() || !erased_.empty(); }
  /// Commits, with the root.
  void commit(const std::string& root);

 private:
  RollupStore& store_;
  std::string log_;
  std::uint64_t version_;
  RollupChange::Others others_;
  const std::size_t commit_bytes_;
  bool may_commit_early_;
  std::size_t written_bytes_ = 0;
  std::map<std::string, std::string> fetched_;
  std::map<std::string, std::string> written_;
  std::set<std::string> erased_;
};

}  // namespace dagloop
