#include "dagloop/base/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"

namespace dagloop {
namespace {

// The query may take minutes. That nobody listens is known after seconds.
constexpr long kConnectTimeoutMs = 5000;

void initialize() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK)
    throw Error(ErrorKind::internal, "libcurl", "cannot be initialized", "report it");
}

struct Freed {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};
template <typename T>
using Owned = std::unique_ptr<T, Freed>;

std::string part_of(CURLU* url, CURLUPart part, const std::string& missing) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_URLDECODE) != CURLUE_OK) return missing;
  return Owned<char>(text).get();
}

// Less than was given ends the transfer.
std::size_t append(const char* data, std::size_t size, std::size_t count, void* target) {
  auto& body = *static_cast<std::string*>(target);
  if (size * count > HttpAnswer::kMaxBytes - body.size()) return 0;
  body.append(data, size * count);
  return size * count;
}

// Whether a header is one that says where the body ends, in the versions that need one.
std::size_t look_for_end(const char* data, std::size_t size, std::size_t count, void* target) {
  std::string line(data, size * count);
  std::ranges::transform(line, line.begin(), to_ascii_lower);
  auto& tells_its_end = *static_cast<bool*>(target);
  if (line.starts_with("http/")) tells_its_end = line.starts_with("http/2");
  if (line.starts_with("content-length:") ||
      (line.starts_with("transfer-encoding:") && line.find("chunked") != std::string::npos)) {
    tells_its_end = true;
  }
  return size * count;
}

std::string escaped(CURL* handle, const std::string& text) {
  return Owned<char>(curl_easy_escape(handle, text.data(), static_cast<int>(text.size()))).get();
}

// Not a timeout: the server works on the query still, and asking again would double its load.
bool may_pass(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
         code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE;
}

}  // namespace

HttpServer parse_http_server(const std::string& uri, const UriScheme& scheme) {
  initialize();
  const Owned<CURLU> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, uri.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    throw Error(ErrorKind::usage, redact_uri(uri), "is no URI", "write " + scheme.example);
  }
  HttpServer server;
  server.base = std::string(scheme.transport == Transport::tls ? "https://" : "http://") +
                part_of(url.get(), CURLUPART_HOST, "localhost") + ":" +
                part_of(url.get(), CURLUPART_PORT, std::to_string(scheme.port));
  const std::string path = part_of(url.get(), CURLUPART_PATH, "/");
  server.path = path.substr(std::min<std::size_t>(1, path.size()));
  server.user = part_of(url.get(), CURLUPART_USER, "");
  server.password = part_of(url.get(), CURLUPART_PASSWORD, "");
  return server;
}

HttpAnswer http_post(const HttpServer& server, const std::map<std::string, std::string>& parameters,
                     const std::string& body, std::chrono::milliseconds timeout) {
  initialize();
  const Owned<CURL> handle(curl_easy_init());
  std::string url = server.base + "/";
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    url += separator + name + "=" + escaped(handle.get(), value);
    separator = '&';
  }
  HttpAnswer answer;
  std::string why(CURL_ERROR_SIZE, '\0');
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  if (!server.user.empty() || !server.password.empty()) {
    curl_easy_setopt(handle.get(), CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle.get(), CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_PASSWORD, server.password.c_str());
  }
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERFUNCTION, look_for_end);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &answer.tells_its_end);
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  // Without it libcurl uses SIGALRM for timeouts, which is unsafe with several threads.
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  // libcurl also reads files and speaks mail; a URI given by mistake must not.
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) {
    answer.failure = why.c_str()[0] != '\0' ? why.c_str() : curl_easy_strerror(code);
    answer.is_passing = may_pass(code);
    answer.is_too_long = code == CURLE_WRITE_ERROR;
    if (answer.is_too_long) {
      answer.failure =
          "the answer is longer than " + std::to_string(HttpAnswer::kMaxBytes >> 20U) + " MiB";
    }
    answer.body = {};
    return answer;
  }
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  const char* redirect = nullptr;
  curl_easy_getinfo(handle.get(), CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) answer.redirect = redirect;
  return answer;
}

}  // namespace dagloop
