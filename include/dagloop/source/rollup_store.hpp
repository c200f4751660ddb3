// A cache of what a source has counted, kept between ticks as named values: losing any or all of it
// costs time, never a figure. Replaced in tests by one in memory. Used by one thread at a time;
// many processes may share one store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "dagloop/base/guarded_file.hpp"

namespace dagloop {

/// What a commit does to the values of a log.
struct RollupChange {
  /// What becomes of the values that are neither erased nor written.
  enum class Others { kept, erased };

  std::set<std::string> erased;  // names; one that is not there is no fault
  std::map<std::string, std::string> written;
  Others others = Others::kept;
};

/// Values of a log, as they stood at one version of it.
struct RollupValues {
  std::map<std::string, std::string> values;  // bytes by name
  std::uint64_t version = 0;                  // of the whole log; 0: nothing was ever committed
};

/// Keeps values by log and name.
///
/// Shape:  `log` is a fingerprint of the source and of everything that changes its figures
///         (mapping, error classes, outcome node, the format of the values); names are printable
///         ASCII and order by bytes; values are any bytes.
/// Errors: none. What cannot be read, is damaged or was written by another version is not there;
///         what cannot be written is not written; the operator is warned. A value that is given out
///         is, byte for byte, one that was committed for this log and name; but some of those
///         committed with it may be missing, or older: whoever needs them to fit together has to
///         see to it.
class RollupStore {
 public:
  virtual ~RollupStore() = default;
  /// Returns the values whose names lie in [first, last], and the log's present version. Values of
  /// two loads belong together only if both give the same version.
  virtual RollupValues load(const std::string& log, const std::string& first,
                            const std::string& last) = 0;
  /// Makes the change, wholly or not at all; the log's version grows by one. Returns false, and
  /// nothing is written, where the version is no longer `expected_version` or the store cannot be
  /// written.
  virtual bool commit(const std::string& log, std::uint64_t expected_version,
                      const RollupChange& change) = 0;
  /// Returns whether it makes sense to commit: not where the store cannot be had at all.
  virtual bool is_usable() { return true; }
};

/// Whom a store in a file may be shared with (policy.symlinks, policy.trusted_group).
struct RollupTrust {
  Symlinks symlinks = Symlinks::refuse;
  std::string trusted_group = {};
};

/// Returns how long a statement of a store on a server may take, where one of the logs' database
/// may take `statement_timeout`: at most 50 s. A store that is frozen is given up before who waits
/// for the log takes that for dead: then the log is read all the same.
std::chrono::milliseconds rollup_patience(std::chrono::milliseconds statement_timeout);

/// Opens a store: `sqlite:PATH` (a file of its own, made when missing, parents too), or
/// `postgresql://...` (tables of the schema `dagloop`, made when missing).
///
/// Shape:  `warn` is told, once a store, what is wrong with it; may be empty. A file is guarded as
///         the state's is: where somebody else may have put it there, it is as an empty one. A
///         statement of a server may take `patience`.
/// Errors: Error{usage} for anything else; a store that cannot be opened is as an empty one.
std::unique_ptr<RollupStore> open_rollup_store(
    const std::string& uri, std::function<void(const std::string&)> warn = {},
    const RollupTrust& trust = {}, std::chrono::milliseconds patience = std::chrono::seconds(50));

}  // namespace dagloop
