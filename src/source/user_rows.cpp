#include "source/user_rows.hpp"

#include <algorithm>

namespace dagloop {

std::vector<Window> user_windows(const LogQuery& query) {
  std::vector<Window> windows;
  for (const Window& each : query.users_in) {
    const Window part{std::max(each.start, query.range.start), std::min(each.end, query.range.end)};
    if (part.start < part.end) windows.push_back(part);
  }
  return windows;
}

bool are_most(const std::vector<Window>& windows, const LogQuery& query) {
  Microseconds length{0};
  for (const Window& window : windows) length += window.length();
  return length * 2 > query.range.length();
}

void put_users(const PartialSet& rows, const LogQuery& query, PartialSet& set) {
  const std::vector<Window> windows = user_windows(query);
  for (const auto& [key, partial] : rows.partials) {
    const bool is_asked = std::ranges::any_of(
        windows, [slot = key.slot](const Window& window) { return window.contains(slot); });
    // A run that ended elsewhere is not here with all others of its slot.
    if (!is_asked || partial.users.users().empty()) continue;
    set.partials[key].users.merge(partial.users);
  }
}

}  // namespace dagloop
