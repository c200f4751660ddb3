#include "tool_main.hpp"

#include <malloc.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "dagloop/base/memory_secrecy.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/cycle/policy_files.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxMessage = 2000;

struct LogFlags {
  std::string level = "info";
  std::string format = "text";
};

bool json_logs = false;  // set once, before the tool runs

void set_up_logging(const std::string& name, const LogFlags& flags) {
  json_logs = flags.format == "json";
  const bool plain = json_logs || std::getenv("NO_COLOR") != nullptr;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(name, std::move(sink)));
  spdlog::set_level(spdlog::level::from_str(flags.level));
  spdlog::set_pattern(
      json_logs ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","tool":"%n",%v})" : "%^%n: %v%$",
      spdlog::pattern_time_type::utc);
}

// Everything that is logged passes here.
void log_line(spdlog::level::level_enum level, const std::string& message) {
  const std::string text = redact_text(message, kMaxMessage);
  spdlog::log(level, "{}", json_logs ? "\"message\":" + to_compact_json(Json(text)) : text);
}

ExitCode run_guarded(const Tool& tool) {
  try {
    return tool.run();
  } catch (const Error& error) {
    log_line(spdlog::level::err, error.what());
    return exit_code(error.kind());
  } catch (const std::exception& error) {
    log_line(spdlog::level::err, "internal: " + redact_text(error.what(), kMaxMessage / 2) +
                                     "; this is a bug: please report it with this line");
    return ExitCode::internal;
  }
}

void set_if_given(const std::string& flag, std::string& target) {
  if (!flag.empty()) target = flag;
}

std::vector<GivenFlag> given_flags(const ConfigFlags& flags) {
  std::vector<GivenFlag> given;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) given.push_back({name, value});
  };
  add("--config", flags.config_file);
  for (const std::string& source : flags.sources) add("--source", source);
  add("--window", flags.window);
  add("--baseline", flags.baseline);
  add("--mapping", flags.mapping);
  add("--dedupe", flags.dedupe);
  add("--rollup", flags.rollup);
  add("--env-file", flags.env_file);
  add("--state", flags.state);
  add("--out", flags.out);
  add("--formats", flags.formats);
  return given;
}

void add_source_flags(CLI::App& app, ConfigFlags& flags) {
  app.add_option("--source", flags.sources,
                 "log: path, glob, directory, - for standard input (repeatable), postgresql://... "
                 "or clickhouse://...")
      ->envname("DAGLOOP_SOURCE");
  app.add_option("--window", flags.window, "length of the window, e.g. 6h, 1d")
      ->envname("DAGLOOP_WINDOW");
  app.add_option("--baseline", flags.baseline, "auto, previous, control, or T1..T2")
      ->envname("DAGLOOP_BASELINE");
  app.add_option(
         "--mapping", flags.mapping,
         "mapping for logs with other field names: a file, or one that ships (docs/mappings/)")
      ->envname("DAGLOOP_MAPPING");
  app.add_option("--dedupe", flags.dedupe, "runs, or records (which also drops identical lines)");
  app.add_option(
         "--rollup", flags.rollup,
         "store that keeps counts, sqlite:PATH or postgresql://...; then only new data is read")
      ->envname("DAGLOOP_ROLLUP");
}

}  // namespace

int tool_main(int argc, char** argv, const Tool& tool) {
  // Memory that is freed is soon needed again: having it back from the system costs more than all
  // that is done with it.
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
  mallopt(M_MMAP_THRESHOLD, 1 << 25);
  // A reader that went away (`| head`) is told by print(), with an exit code, not by a signal in
  // the middle of a change.
  std::signal(SIGPIPE, SIG_IGN);
  // Private keys and passwords of databases pass through memory.
  forbid_core_dumps();
  CLI::App app{tool.description, tool.name};
  LogFlags log_flags;
  app.set_version_flag("--version", tool.name + " " DAGLOOP_VERSION);
  app.add_option("--log-level", log_flags.level, "debug, info, warning, error, off")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
  app.add_option("--log-format", log_flags.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  tool.add_flags(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::cerr << tool.name << ": usage: command line: " << redact_text(error.what(), kMaxMessage)
              << "; see " << tool.name << " --help\n";
    return static_cast<int>(ExitCode::usage);
  }
  set_up_logging(tool.name, log_flags);
  return static_cast<int>(run_guarded(tool));
}

void log_info(const std::string& text) { log_line(spdlog::level::info, text); }
void log_warning(const std::string& text) { log_line(spdlog::level::warn, text); }

void add_config_flags(CLI::App& app, ConfigFlags& flags, const std::vector<FlagGroup>& groups) {
  app.add_option("--config", flags.config_file, "configuration file (JSON, comments allowed)")
      ->envname("DAGLOOP_CONFIG");
  add_flag_groups(app, flags, groups);
}

void add_flag_groups(CLI::App& app, ConfigFlags& flags, const std::vector<FlagGroup>& groups) {
  for (const FlagGroup group : groups) {
    switch (group) {
      case FlagGroup::config:
        break;
      case FlagGroup::source:
        add_source_flags(app, flags);
        break;
      case FlagGroup::env_file:
        app.add_option("--env-file", flags.env_file, "the service's env file")
            ->envname("DAGLOOP_ENV_FILE");
        break;
      case FlagGroup::state:
        app.add_option("--state", flags.state, "state store, sqlite:PATH or postgresql://...")
            ->envname("DAGLOOP_STATE");
        break;
      case FlagGroup::out:
        app.add_option("--out", flags.out, "directory of the reports")->envname("DAGLOOP_OUT");
        break;
      case FlagGroup::formats:
        app.add_option("--formats", flags.formats, "formats of the quality report: json,md,html");
        break;
    }
  }
}

Config load_config(FileSystem& files, const ConfigFlags& flags, const NeededFiles& also) {
  Config config;
  if (!flags.config_file.empty()) {
    const NeededFiles needed{{flags.config_file, "configuration file"}};
    // Named together with what else is missing: one round of mending, not several.
    if (missing_files(files, needed)) check_present(files, together(needed, also));
    config =
        parse_config(read_json_file(files, flags.config_file, "configuration"), flags.config_file);
    config.file = flags.config_file;
  }
  // Flags and environment stand over the file (CLI11 reads the variables).
  if (!flags.sources.empty()) config.input.sources = flags.sources;
  if (const auto window = duration_flag(flags.window, "--window")) {
    config.window = checked_window(*window, "--window");
  }
  if (!flags.baseline.empty()) config.baseline = parse_baseline(flags.baseline, "--baseline");
  if (!flags.dedupe.empty() && flags.dedupe != "runs" && flags.dedupe != "records") {
    throw Error(ErrorKind::usage, "--dedupe", "unknown value \"" + flags.dedupe + "\"",
                "give runs or records");
  }
  if (!flags.dedupe.empty()) {
    config.input.dedupe = flags.dedupe == "records" ? Dedupe::records : Dedupe::runs;
  }
  set_if_given(flags.mapping, config.input.mapping);
  set_if_given(flags.rollup, config.input.rollup);
  set_if_given(flags.env_file, config.policy.env_file);
  set_if_given(flags.state, config.state);
  set_if_given(flags.out, config.reports.dir);
  if (!flags.formats.empty()) config.reports.formats = parse_formats(flags.formats);
  settle_directories(config);
  config.given = given_flags(flags);
  return config;
}

void guard_config(FileSystem& files, const ConfigFlags& flags) {
  const auto info = files.stat(flags.config_file);
  if (!info || !info->is_regular) return;
  check_guarded(files, flags.config_file, *info, {"configuration", Symlinks::follow});
}

std::optional<TimePoint> time_flag(const std::string& text, std::string_view flag) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_time(text);
  if (!time) {
    throw Error(ErrorKind::usage, flag, "no RFC 3339 time: \"" + text + "\"",
                "give e.g. 2026-02-25T06:00:00Z");
  }
  return time;
}

std::optional<Microseconds> duration_flag(const std::string& text, std::string_view flag) {
  if (text.empty()) return std::nullopt;
  const auto duration = parse_duration(text);
  if (!duration) {
    throw Error(ErrorKind::usage, flag, "no duration: \"" + text + "\"",
                "give a number and a unit, e.g. 90m, 6h, 1d");
  }
  return duration;
}

Json read_document(FileSystem& files, const std::string& path, std::string_view role) {
  if (path != "-") return read_json_file(files, path, role);
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  return parse_json(text, "standard input");
}

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + escape_controls(line) + "\n";
  return text;
}

void print(std::string_view text, const std::vector<std::string>& done) {
  const std::string shown = escape_lines(text);
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  // A full disk is noticed only when the buffer is written; a document cut short must not end as 0.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::string what = "cannot be written";
    for (const std::string& each : done) what += (&each == &done.front() ? ", but " : "; ") + each;
    throw Error(ErrorKind::source, "standard output", what,
                done.empty() ? "check what reads it, or the disk it goes to"
                             : "check what reads it, or the disk it goes to; what was done stands");
  }
}

}  // namespace dagloop
