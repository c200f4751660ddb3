// One HTTP request at a time, over libcurl. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace dagloop {

/// A server and who asks, as a URI names them.
struct HttpServer {
  std::string base;  // http://host:port or https://host:port
  std::string path;  // without its first slash
  std::string user;
  std::string password;
};

/// How a server is spoken to.
enum class Transport { plain, tls };

/// What a kind of URI says beside its words.
struct UriScheme {
  Transport transport = Transport::plain;
  int port = 80;        // where the URI names none
  std::string example;  // of such a URI, for a message
};

/// Reads `anything://user:password@host:port/path`, percent-decoded.
///
/// Errors: Error{usage} naming the redacted URI when it cannot be read.
HttpServer parse_http_server(const std::string& uri, const UriScheme& scheme);

/// What a server answered.
struct HttpAnswer {
  /// More of an answer is not taken: no number of counts needs it, and memory ends.
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20U;

  long status = 0;  // 0: there was no whole answer
  std::string body;
  std::string redirect;       // where the server wants to be asked instead, as a URI
  bool tells_its_end = true;  // else a connection that broke in the middle looks like the end
  std::string failure;        // why there was none
  bool is_passing = false;    // asking again may help
  bool is_too_long = false;   // more than kMaxBytes were coming
};

/// Sends `body` to `server` with `parameters` behind the '?', as the server's user (HTTP Basic).
///
/// Errors: none thrown: see HttpAnswer. Certificates are verified, redirects not followed: the
///         password is for this server.
HttpAnswer http_post(const HttpServer& server, const std::map<std::string, std::string>& parameters,
                     const std::string& body, std::chrono::milliseconds timeout);

}  // namespace dagloop
