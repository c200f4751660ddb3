// One HTTP request at a time, over libcurl. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace dagloop {

/// A server and who asks, as a URI names them.
struct HttpServer {
  std::string base;      // http://host:port or https://host:port
  std::string database;  // the path, without its slash
  std::string user;
  std::string password;
};

/// Reads `scheme://user:password@host:port/database`, percent-decoded.
///
/// Errors: Error{usage} naming the redacted URI when it cannot be read.
HttpServer parse_http_server(const std::string& uri, bool secure, int port);

/// What a server answered.
struct HttpAnswer {
  long status = 0;  // 0: there was no whole answer
  std::string body;
  std::string failure;      // why there was none
  bool is_passing = false;  // asking again may help
};

/// Sends `body` to `server` with `parameters` behind the '?', as the server's user (HTTP Basic).
///
/// Errors: none thrown: see HttpAnswer. Certificates are verified.
HttpAnswer http_post(const HttpServer& server, const std::map<std::string, std::string>& parameters,
                     const std::string& body, std::chrono::milliseconds timeout);

}  // namespace dagloop
