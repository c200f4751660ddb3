// What of a URI is ours to read: its scheme, and the parameters that are not the server's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dagloop {

/// Returns the scheme of `scheme://...`; empty where `text` is no URI, as a path.
std::string_view uri_scheme(std::string_view text);

/// Takes `name=VALUE` out of the parameters of `uri` (behind its '?') and returns VALUE as it
/// stands; nullopt, and `uri` unchanged, where it is not there.
std::optional<std::string> take_parameter(std::string& uri, std::string_view name);

/// Returns what libpq is to connect to: `uri`, or the variable DATABASE_URL where `uri` names
/// nothing (`postgresql://`) and the variable names a PostgreSQL server.
std::string postgres_server(const std::string& uri);

/// Returns the URI of a PostgreSQL server with the time limits of connecting, and of a peer that is
/// gone, where it says none (nor does the environment).
std::string with_deadlines(const std::string& server);

}  // namespace dagloop
