// A store in PostgreSQL, for several hosts: tables `state` and `journal` in the schema `dagloop`, a
// row of `state` for each name. The change lock is an advisory lock of the session, so the server
// frees it when a host dies; a commit is on disk of the server when it returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/state/state_store.hpp"

namespace dagloop {

/// A store behind a connection that lives as long as the object.
///
/// Shape: `uri` as libpq has it, and `state_name=NAME` among its parameters (default `default`):
///        services that share a database each have their own. No pooler that gives every
///        transaction another session may stand in between.
class PostgresStore final : public StateStore {
 public:
  /// Errors: Error{preflight} when the server cannot be reached or the tables cannot be made.
  PostgresStore(const std::string& uri, StateAccess access);
  ~PostgresStore() override;
  std::unique_ptr<StateLock> try_lock() override;
  CycleState load() override;
  void commit(CycleState& next, const std::vector<JournalEvent>& events) override;
  StoredRecords records() override;
  StoredRecords newest_records() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
