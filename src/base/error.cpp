#include "dagloop/base/error.hpp"

namespace dagloop {
namespace {

std::string message(ErrorKind kind, std::string_view where, std::string_view what,
                    std::string_view remedy) {
  std::string text(to_string(kind));
  text.append(": ").append(where).append(": ").append(what).append("; ").append(remedy);
  return text;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::config:
      return "config";
    case ErrorKind::insufficient:
      return "insufficient";
    case ErrorKind::source:
      return "source";
    case ErrorKind::preflight:
      return "preflight";
    case ErrorKind::approval:
      return "approval";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::apply_failed:
      return "apply_failed";
    case ErrorKind::attention:
      return "attention";
    case ErrorKind::internal:
      break;
  }
  return "internal";
}

ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::config:
      return ExitCode::usage;
    case ErrorKind::insufficient:
      return ExitCode::insufficient;
    case ErrorKind::source:
    case ErrorKind::preflight:
      return ExitCode::source_failed;
    case ErrorKind::approval:
      return ExitCode::approval;
    case ErrorKind::conflict:
      return ExitCode::conflict;
    case ErrorKind::apply_failed:
      // The earlier policy is in force, as after a rollback.
      return ExitCode::rolled_back;
    case ErrorKind::attention:
      return ExitCode::attention;
    case ErrorKind::internal:
      break;
  }
  return ExitCode::internal;
}

Error::Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view remedy)
    : std::runtime_error(message(kind, where, what, remedy)), kind_(kind) {}

}  // namespace dagloop
