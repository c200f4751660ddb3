#include "source/user_rows.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace dagloop {

std::vector<Window> user_windows(const LogQuery& query) {
  if (!query.users_from) return {};
  const Window all{std::max(*query.users_from, query.range.start), query.range.end};
  std::vector<Window> windows;
  for (const Window& each : query.users_in.empty() ? std::vector{all} : query.users_in) {
    const Window part{std::max(each.start, all.start), std::min(each.end, all.end)};
    if (part.start < part.end) windows.push_back(part);
  }
  return windows;
}

bool are_most(const std::vector<Window>& windows, const LogQuery& query) {
  Microseconds length{0};
  for (const Window& window : windows) length += window.length();
  return length * 2 > query.range.length();
}

UserRows::UserRows(const SourceOptions& options, const LogQuery& query)
    : options_(options),
      windows_(user_windows(query)),
      reader_(options.mapping, query.latest),
      table_({.range = query.range,
              .outcome_node = options.mapping.outcome_node,
              .dedupe = options.dedupe,
              .cuts = query.cuts,
              .rules = options.rules,
              .users_from = query.users_from}) {}

void UserRows::add(std::string_view row) {
  const ReadResult& result = reader_.read_copy(row);
  if (const auto* record = std::get_if<LogRecord>(&result)) table_.add(*record, row);
}

void UserRows::put_into(PartialSet& set) {
  for (auto& [key, partial] : table_.finish(options_.classes).partials) {
    const bool is_asked = std::ranges::any_of(
        windows_, [slot = key.slot](const Window& window) { return window.contains(slot); });
    // A run that ended elsewhere is not here with all others of its slot.
    if (!is_asked || partial.users.users().empty()) continue;
    set.partials[key].users.merge(partial.users);
  }
}

}  // namespace dagloop
