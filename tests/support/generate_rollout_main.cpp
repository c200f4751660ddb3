// generate_rollout: writes a generated log to standard output (examples/README.md has the
// commands).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "rollout_generator.hpp"

int main(int argc, char** argv) {
  using namespace dagloop;
  test::RolloutOptions options;
  std::string start = "2026-02-22T00:00:00Z";
  std::string bad_from;
  CLI::App app{"Writes a generated execution log."};
  app.add_option("--seed", options.seed);
  app.add_option("--start", start);
  app.add_option("--days", options.days);
  app.add_option("--runs-per-day", options.runs_per_day);
  app.add_option("--canary-share", options.canary_share);
  app.add_option("--success-rate", options.success_rate);
  app.add_option("--bad-from", bad_from);
  app.add_option("--bad-success-rate", options.bad_success_rate);
  app.add_option("--bad-error-code", options.bad_error_code);
  app.add_option("--bad-slowdown", options.bad_slowdown);
  app.add_option("--nodes", options.node_records);
  app.add_option("--duplicates", options.duplicates);
  app.add_option("--derived", options.derived);
  app.add_option("--malformed", options.malformed);
  app.add_flag("--shuffle-keys", options.shuffle_keys);
  CLI11_PARSE(app, argc, argv);
  const auto from = parse_time(start);
  if (!from) {
    std::fprintf(stderr, "generate_rollout: --start is no RFC 3339 time\n");
    return 2;
  }
  options.start = *from;
  if (!bad_from.empty()) options.bad_from = parse_time(bad_from);
  test::generate_rollout(options, [](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
  });
  return 0;
}
