#include "dagloop/base/uri.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "dagloop/base/ascii.hpp"

namespace dagloop {

std::string_view uri_scheme(std::string_view text) {
  const auto is_of_scheme = [](char c) {
    return is_ascii_alphanumeric(c) || c == '+' || c == '.' || c == '-';
  };
  const std::string_view scheme = text.substr(0, std::min(text.find("://"), text.size()));
  if (scheme.size() == text.size() || !std::ranges::all_of(scheme, is_of_scheme)) return {};
  return scheme;
}

std::optional<std::string> take_parameter(std::string& uri, std::string_view name) {
  const std::string wanted = std::string(name) + "=";
  std::size_t at = uri.find('?');
  while (at != std::string::npos && uri.compare(at + 1, wanted.size(), wanted) != 0) {
    at = uri.find('&', at + 1);
  }
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = at + 1 + wanted.size();
  const std::size_t end = std::min(uri.find('&', begin), uri.size());
  std::string value = uri.substr(begin, end - begin);
  // The first parameter leaves its '?' to the next one.
  uri.erase(end < uri.size() ? at + 1 : at, end - at);
  return value;
}

std::string postgres_server(const std::string& uri) {
  if (uri != "postgresql://" && uri != "postgres://") return uri;
  const char* variable = std::getenv("DATABASE_URL");
  const std::string_view value = variable == nullptr ? "" : variable;
  // Frameworks put other databases into DATABASE_URL, too.
  const bool is_server = value.starts_with("postgresql://") || value.starts_with("postgres://");
  return is_server ? std::string(value) : uri;
}

std::string with_deadlines(const std::string& server) {
  // Seconds until there is a connection; milliseconds until a peer that is gone is given up.
  constexpr std::array<std::array<const char*, 3>, 2> kDeadlines{
      {{"connect_timeout", "5", "PGCONNECT_TIMEOUT"}, {"tcp_user_timeout", "30000", nullptr}}};
  std::string limited = server;
  for (const auto& [name, value, variable] : kDeadlines) {
    if (variable != nullptr && std::getenv(variable) != nullptr) continue;
    std::string copy = limited;
    if (take_parameter(copy, name)) continue;  // whoever wrote it knows better
    limited +=
        (limited.find('?') == std::string::npos ? '?' : '&') + std::string(name) + "=" + value;
  }
  return limited;
}

}  // namespace dagloop
