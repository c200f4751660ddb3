// The whole configuration (JSON, comments allowed): defaults, reading, validation. Value types.
// Every key is described in docs/configuration.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/guarded_file.hpp"
#include "dagloop/base/json.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/decide/data_state.hpp"
#include "dagloop/decide/decision.hpp"
#include "dagloop/decide/gate.hpp"
#include "dagloop/kpi/run_table.hpp"
#include "dagloop/policy/approval.hpp"
#include "dagloop/policy/env_loader.hpp"
#include "dagloop/record/error_class.hpp"

namespace dagloop {

/// Which window the report is compared with.
struct BaselineSpec {
  BaselineKind kind = BaselineKind::automatic;
  std::optional<Window> period;  // with kind period
};

/// Reads "auto", "previous", "control" or "T1..T2" (RFC 3339 times on slot boundaries).
///
/// Errors: Error{usage} naming `where`.
BaselineSpec parse_baseline(std::string_view text, std::string_view where);

/// Configuration, "input".
struct InputConfig {
  std::vector<std::string> sources;
  std::string mapping;  // file; empty: contract names
  std::string rollup;   // store of what was counted, as a URI; empty: none
  DataLimits limits;
  Microseconds future_skew = std::chrono::minutes(5);
  Microseconds lateness = std::chrono::hours(1);  // of rows of a database, with a rollup store
  Microseconds run_horizon = std::chrono::hours(24);
  Microseconds statement_timeout = std::chrono::seconds(60);  // of a database
  Microseconds read_timeout = std::chrono::minutes(10);       // of all sources together
  Dedupe dedupe = Dedupe::runs;
  CountingRules rules;  // overdue_statuses, cancelled, pipelines
  Microseconds overdue_after =
      std::chrono::hours(1);  // or the policy's timeout, where that is longer
};

/// Configuration, "policy".
struct PolicyConfig {
  std::string env_file;
  EnvLoader loader = EnvLoader::any;  // who reads it
  std::string allowlist = "config/policy_allowlist.json";
  std::string rules = "config/policy_rules.json";
  std::string approvers = "config/approvers.json";
  std::string approvals_dir;  // empty: that of the reports, see settle_directories()
  Microseconds approval_ttl = std::chrono::hours(24);
  ApprovalDemand::People people = ApprovalDemand::People::one;
  std::vector<std::string> reload;  // argv; empty: no hook
  Microseconds reload_timeout = std::chrono::seconds(30);
  Symlinks symlinks = Symlinks::refuse;  // of guarded files
  std::string trusted_group = {};  // name or number; its members are no strangers; empty: none
  std::string pipeline_timeout_key = "DAG_PIPELINE_TIMEOUT_MS";  // how long a run may take
};

/// What a report is written as; the ending of its file.
enum class ReportFormat { json, md, html };

/// Configuration, "reports".
struct ReportsConfig {
  std::string dir = "reports";
  std::vector<ReportFormat> formats{ReportFormat::json, ReportFormat::md, ReportFormat::html};
  Microseconds retention = std::chrono::hours(24 * 90);
};

/// Reads "json,md,html" in any order.
///
/// Errors: Error{usage} for an unknown format.
std::vector<ReportFormat> parse_formats(std::string_view text);

/// Returns `window` unless it is no positive multiple of the 5-minute slot.
///
/// Errors: Error{usage} naming `where`.
Microseconds checked_window(Microseconds window, std::string_view where);

/// A flag, or its variable, that led to a configuration: {"--state", "sqlite:state/loop.db"}.
struct GivenFlag {
  std::string name;
  std::string value;
};

/// The configuration.
struct Config {
  std::string file = {};  // where it was read; empty: nowhere
  Microseconds window = std::chrono::hours(24);
  BaselineSpec baseline;
  InputConfig input;
  ErrorClasses error_classes;
  std::vector<GateCheck> gate = default_gate();
  DecisionConfig decision;
  PolicyConfig policy;
  std::string state = "sqlite:state/dagloop.db";
  ReportsConfig reports;
  std::vector<GivenFlag> given;  // for messages that name a command; no key of the file
};

/// Reads a configuration document: validated against the shipped schema, then by meaning.
///
/// Errors: Error{config} naming `where` and the key.
Config parse_config(const Json& document, std::string_view where);

/// Lets what follows another directory follow it. Order: behind all that overrides `config`.
void settle_directories(Config& config);

}  // namespace dagloop
