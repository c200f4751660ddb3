// Private to the source layer: a rollup store in PostgreSQL, for several hosts. One thread at a
// time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dagloop/source/rollup_store.hpp"

namespace dagloop {

/// Keeps values in tables of the schema `dagloop` (sql/0005_rollup.sql), made when missing.
///
/// Shape:  `uri` as libpq has it; a URI with nothing behind `postgresql://` as a source has it. A
///         statement may take `patience`.
/// Errors: as RollupStore says: none. A server that is down or read-only is as an empty store.
class PostgresRollupStore final : public RollupStore {
 public:
  PostgresRollupStore(const std::string& uri, std::function<void(const std::string&)> warn,
                      std::chrono::milliseconds patience);
  ~PostgresRollupStore() override;

  RollupValues load(const std::string& log, const std::string& first,
                    const std::string& last) override;
  bool commit(const std::string& log, std::uint64_t expected_version,
              const RollupChange& change) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dagloop
