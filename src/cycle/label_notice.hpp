// Private to the cycle layer: says when labels of a log are not shown as they were written.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dagloop/kpi/partial.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns one sentence on the labels of what was read that are without their ids, with the
/// commonest of them, and on those that have no name; empty where there are none.
std::string label_notice(const PartialSet& set);

/// Returns a source that reads `inner` and tells `warn` of that notice, once.
std::unique_ptr<LogSource> with_label_notice(std::unique_ptr<LogSource> inner,
                                             std::function<void(const std::string&)> warn);

}  // namespace dagloop
