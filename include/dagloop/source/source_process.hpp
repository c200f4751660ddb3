// A log that is read in a child process with a deadline, whatever kind it is.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dagloop/base/child_call.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Whether the source was read before: what is told once is told at the first reading.
enum class Reading { first, again };

/// A source that the child opens, and what the caller knows of it without opening it.
struct SourceToOpen {
  std::function<std::unique_ptr<LogSource>(Reading)> open;
  std::string name;  // for messages, without secrets
  CutCost cut_cost = CutCost::each_row;
  ChildLimits limits;
  /// Done in the caller, before the first child: reads what is the caller's own, as a pipe that a
  /// shell opened, and can be read once.
  std::function<void()> prepare = nullptr;
};

/// Reads another source. What hangs there (a server that accepts and never answers, or is frozen in
/// a query; a disk) ends as an error; what takes all memory takes the child's. Nothing stays open
/// between two reads.
class SourceProcess final : public LogSource {
 public:
  explicit SourceProcess(SourceToOpen source) : source_(std::move(source)) {}
  /// Errors: as the source that is opened; Error{source} where a limit is crossed or the child is
  ///         killed.
  PartialSet read(const LogQuery& query) override;
  CutCost cut_cost() const override { return source_.cut_cost; }
  std::string describe() const override { return source_.name; }

 private:
  SourceToOpen source_;
  Reading reading_ = Reading::first;
};

}  // namespace dagloop
