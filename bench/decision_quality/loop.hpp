// What watches a simulated rollout and moves it: the engine in process, its executables, or a rule
// of others. Replaced story by story; for one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "story.hpp"
#include "world.hpp"

namespace dagloop::bench {

/// A change that waits is approved half an hour after it was proposed.
inline constexpr std::chrono::minutes kApprovalTakes{30};

/// What a tick found.
enum class Finding { nothing, rollback };

/// Watches one rollout.
class Loop {
 public:
  virtual ~Loop() = default;
  /// Is told what arrives in the log.
  virtual void take(const Run& run) = 0;
  /// Looks at the log at `now`; steps up to `approved_up_to` percent are approved.
  virtual Finding tick(TimePoint now, int approved_up_to) = 0;
  /// Returns the percentage that is in force.
  virtual int percent() = 0;
};

/// The names of all rules, this engine first.
const std::vector<std::string>& loop_names();

/// Makes the loop of that name for a story whose rollout begins at `start`.
///
/// Shape: `tools`: the directory of the executables, for the loop that runs them.
std::unique_ptr<Loop> make_loop(const std::string& name, const Story& story, TimePoint start,
                                const std::string& tools);

}  // namespace dagloop::bench
