#include "as_of_flag.hpp"

#include "dagloop/cycle/last_record.hpp"

namespace dagloop {

std::optional<TimePoint> as_of_flag(const std::string& text, FileSystem& files,
                                    const Config& config, const Clock& clock) {
  if (is_last(text)) return just_after_last_record(files, config, clock);
  return time_flag(text, "--as-of");
}

}  // namespace dagloop
