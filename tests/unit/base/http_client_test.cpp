#include "dagloop/base/http_client.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

const UriScheme kPlain{Transport::plain, 8123, "clickhouse://host"};

}  // namespace

TEST_CASE("a URI names server, path and who asks") {
  const HttpServer full =
      parse_http_server("clickhouse://me:p%40ss%2Fword@db.internal:9123/logs", kPlain);
  CHECK(full.base == "http://db.internal:9123");
  CHECK(full.path == "logs");
  CHECK(full.user == "me");
  CHECK(full.password == "p@ss/word");
  const HttpServer bare = parse_http_server("clickhouse://db", {Transport::tls, 8443, ""});
  CHECK(bare.base == "https://db:8443");
  CHECK(bare.path.empty());
  CHECK(bare.user.empty());
}

TEST_CASE("what is no URI is refused without its password") {
  try {
    parse_http_server("clickhouse://me:secret@db:port/logs", kPlain);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
    CHECK(std::string(error.what()).find("write clickhouse://host") != std::string::npos);
  }
}

TEST_CASE("a server that is not there is a passing failure, not an exception") {
  const HttpServer nobody = parse_http_server("clickhouse://127.0.0.1:1", kPlain);
  const HttpAnswer answer = http_post(nobody, {{"a", "b c"}}, "SELECT 1", std::chrono::seconds(5));
  CHECK(answer.status == 0);
  CHECK(answer.is_passing);
  CHECK_FALSE(answer.failure.empty());
}

}  // namespace dagloop
