// The flag that says which time a tool speaks for.
#pragma once

#include <optional>
#include <string>

#include "dagloop/base/clock.hpp"
#include "tool_main.hpp"

namespace dagloop {

/// Returns whether a time flag asks for the end of the log.
inline bool is_last(const std::string& text) { return text == "last"; }

/// Parses --as-of: a time, or `last`: right after the newest record or unread line of the sources.
/// Empty gives nullopt.
///
/// Errors: Error{usage} naming `flag`; those of just_after_last_record().
std::optional<TimePoint> as_of_flag(const std::string& text, FileSystem& files,
                                    const Config& config, const Clock& clock);

}  // namespace dagloop
