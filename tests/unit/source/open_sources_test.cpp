#include <catch2/catch.hpp>
#include <string>

#include "dagloop/base/error.hpp"
#include "dagloop/source/log_source.hpp"
#include "log_text.hpp"
#include "temp_files.hpp"

namespace dagloop::test {
namespace {

TEST_CASE("several files are opened as one log") {
  const TempFiles files;
  files.write("a.jsonl", log_line(1, 3) + "\n" + log_line(2, 3) + "\n");
  files.write("b.jsonl", log_line(1, 3) + "\n");
  const auto source = open_sources({files.path("a.jsonl"), files.path("b.jsonl")}, {});
  const PartialSet set = source->read(log_query());
  CHECK(set.input.records == 3);
  CHECK(set.input.duplicates == 1);  // the run of both files
  CHECK(set.sum(log_query().range, Population::dag).total_runs == 2);
  CHECK(source->describe() == files.path("a.jsonl") + " and 1 more");
}

TEST_CASE("what cannot be read is refused as a wrong argument, without showing the password") {
  const std::string database = "postgresql://me:secret@host/db";
  const std::vector<std::vector<std::string>> wrong{{"mysql://me:secret@host"},
                                                    {"https://me:secret@host/x.jsonl"},
                                                    {database, "x.jsonl"},
                                                    {"x.jsonl", database},
                                                    {database, database}};
  for (const std::vector<std::string>& uris : wrong) {
    try {
      open_sources(uris, {});
      FAIL("no error for " << uris.front());
    } catch (const Error& error) {
      const std::string what = error.what();
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(what.find("files") != std::string::npos);
      CHECK(what.find("secret") == std::string::npos);
    }
  }
}

TEST_CASE("no source at all is a wrong argument, and a missing file a source that failed") {
  try {
    open_sources({}, {});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
  }
  try {
    open_sources({"/no/such/file.jsonl"}, {});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::source);
  }
}

TEST_CASE("a path with :// behind other letters than a scheme's is a path") {
  const TempFiles files;
  try {
    open_sources({files.path("a b://c")}, {});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::source);
  }
}

}  // namespace
}  // namespace dagloop::test
