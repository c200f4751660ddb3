#include "dagloop/base/http_client.hpp"

#include <catch2/catch.hpp>

#include "dagloop/base/error.hpp"

namespace dagloop {

TEST_CASE("a URI names server, database and who asks") {
  const HttpServer full =
      parse_http_server("clickhouse://me:p%40ss%2Fword@db.internal:9123/logs", false, 8123);
  CHECK(full.base == "http://db.internal:9123");
  CHECK(full.database == "logs");
  CHECK(full.user == "me");
  CHECK(full.password == "p@ss/word");
  const HttpServer bare = parse_http_server("clickhouse://db", true, 8443);
  CHECK(bare.base == "https://db:8443");
  CHECK(bare.database.empty());
  CHECK(bare.user.empty());
}

TEST_CASE("what is no URI is refused without its password") {
  try {
    parse_http_server("clickhouse://me:secret@db:port/logs", false, 8123);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
}

TEST_CASE("a server that is not there is a passing failure, not an exception") {
  const HttpServer nobody = parse_http_server("clickhouse://127.0.0.1:1", false, 8123);
  const HttpAnswer answer = http_post(nobody, {{"a", "b c"}}, "SELECT 1", std::chrono::seconds(5));
  CHECK(answer.status == 0);
  CHECK(answer.is_passing);
  CHECK_FALSE(answer.failure.empty());
}

}  // namespace dagloop
