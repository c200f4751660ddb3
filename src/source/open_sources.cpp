#include <filesystem>
#include <string_view>

#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/base/uri.hpp"
#include "dagloop/source/clickhouse_source.hpp"
#include "dagloop/source/file_source.hpp"
#include "dagloop/source/log_source.hpp"
#include "dagloop/source/postgres_source.hpp"

namespace dagloop {
namespace {

// The same log from another working directory has the same name, another one has another.
std::string name_of(const std::vector<std::string>& uris) {
  std::string name;
  for (const std::string& uri : uris) name += std::filesystem::absolute(uri).native() + '\n';
  return name;
}

}  // namespace

std::unique_ptr<LogSource> open_sources(const std::vector<std::string>& uris,
                                        const SourceOptions& options) {
  if (uris.empty()) {
    throw Error(ErrorKind::usage, "--source", "no source is named",
                "name a file, a glob, a directory, or - for standard input");
  }
  for (const std::string& uri : uris) {
    // The rest may hold a password and never goes into a message.
    const std::string_view scheme = uri_scheme(uri);
    if (scheme.empty()) continue;
    const bool is_postgres = scheme == "postgresql" || scheme == "postgres";
    const bool is_clickhouse = scheme == "clickhouse";
    if (is_postgres && uris.size() == 1) return std::make_unique<PostgresSource>(uri, options);
    if (is_clickhouse && uris.size() == 1) return std::make_unique<ClickHouseSource>(uri, options);
    if (is_postgres || is_clickhouse) {
      throw Error(ErrorKind::usage, "--source " + std::string(scheme) + "://...",
                  "a database cannot be read together with another source",
                  "name the database alone, or the files alone");
    }
    throw Error(ErrorKind::usage, "--source " + std::string(scheme) + "://...",
                "this build reads files, standard input, postgresql:// and clickhouse:// only",
                "export the rows as JSON lines and name the file");
  }
  return std::make_unique<FileSource>(expand_paths(uris, options.warn), options, name_of(uris));
}

SourceTraits traits_of(const std::vector<std::string>& uris) {
  SourceTraits traits;
  for (const std::string& uri : uris) {
    const std::string_view scheme = uri_scheme(uri);
    if (!scheme.empty()) traits.cut_cost = CutCost::each_row;
    if (uri == "-") traits.is_fed = true;
    if (&uri != &uris.front()) continue;
    const bool is_postgres = scheme == "postgresql" || scheme == "postgres";
    traits.name = scheme.empty() ? uri : redact_uri(is_postgres ? postgres_server(uri) : uri);
  }
  if (traits.name == "-") traits.name = "standard input";
  if (uris.size() > 1) traits.name += " and " + std::to_string(uris.size() - 1) + " more";
  return traits;
}

}  // namespace dagloop
