#include "dagloop/base/uri.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

namespace dagloop {
namespace {

struct Taken {
  std::string uri;
  std::optional<std::string> value;
  bool operator==(const Taken&) const = default;
};

Taken take(std::string uri) {
  auto value = take_parameter(uri, "a");
  return {std::move(uri), std::move(value)};
}

}  // namespace

TEST_CASE("a scheme is letters, digits, plus, dot and minus before ://, and a path has none") {
  CHECK(uri_scheme("postgresql://h/d") == "postgresql");
  CHECK(uri_scheme("git+ssh2.x-y://h") == "git+ssh2.x-y");
  for (const char* path :
       {"", "logs/a.jsonl", "C:/a", "://h", "a b://h", "logs/x://h", "\xc3\xa4://"}) {
    CAPTURE(path);
    CHECK(uri_scheme(path).empty());
  }
}

TEST_CASE("a parameter is taken out wherever it stands, and the others stay") {
  CHECK(take("s://h/d?a=1") == Taken{"s://h/d", "1"});
  CHECK(take("s://h/d?a=1&b=2") == Taken{"s://h/d?b=2", "1"});
  CHECK(take("s://h/d?b=2&a=1") == Taken{"s://h/d?b=2", "1"});
  CHECK(take("s://h/d?b=2&a=1&c=3") == Taken{"s://h/d?b=2&c=3", "1"});
  CHECK(take("s://h/d?a=&b=2") == Taken{"s://h/d?b=2", ""});
}

TEST_CASE("a parameter that is not there leaves the URI as it is") {
  CHECK(take("s://h/a=1") == Taken{"s://h/a=1", std::nullopt});
  CHECK(take("s://h/d?aa=1&ba=2") == Taken{"s://h/d?aa=1&ba=2", std::nullopt});
  CHECK(take("") == Taken{"", std::nullopt});
}

TEST_CASE("a URI that names no server means the variable, where that names one") {
  setenv("DATABASE_URL", "postgres://h/d", 1);
  CHECK(postgres_server("postgresql://") == "postgres://h/d");
  CHECK(postgres_server("postgresql://other/d") == "postgresql://other/d");
  setenv("DATABASE_URL", "mysql://h/d", 1);
  CHECK(postgres_server("postgresql://") == "postgresql://");
  unsetenv("DATABASE_URL");
  CHECK(postgres_server("postgres://") == "postgres://");
}

TEST_CASE("a PostgreSQL server gets deadlines where its URI names none") {
  ::unsetenv("PGCONNECT_TIMEOUT");
  CHECK(with_deadlines("postgresql://h/d") ==
        "postgresql://h/d?connect_timeout=5&tcp_user_timeout=30000");
  CHECK(with_deadlines("postgresql://h/d?sslmode=require&connect_timeout=9") ==
        "postgresql://h/d?sslmode=require&connect_timeout=9&tcp_user_timeout=30000");
  ::setenv("PGCONNECT_TIMEOUT", "3", 1);
  CHECK(with_deadlines("postgresql://h/d?tcp_user_timeout=1") ==
        "postgresql://h/d?tcp_user_timeout=1");
  ::unsetenv("PGCONNECT_TIMEOUT");
}

}  // namespace dagloop
