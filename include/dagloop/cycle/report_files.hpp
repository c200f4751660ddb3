// The report directory: `_latest` files replaced by atomic renames, an archive by time, retention.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/error.hpp"
#include "dagloop/base/file_system.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/config/config.hpp"
#include "dagloop/report/page.hpp"

namespace dagloop {

/// One file to be published, e.g. {"dag_quality", "json", ...} -> dag_quality_latest.json and
/// archive/dag_quality_20260225T060000Z.json.
struct ReportFile {
  std::string stem;
  std::string extension;
  std::string content;
};

/// Renders the quality report in the wanted formats.
std::vector<ReportFile> render_quality_files(const PageInputs& inputs,
                                             const std::vector<ReportFormat>& formats);

/// What becomes of archived files that are older than the retention.
enum class OldReports { removed, kept };

/// Publishes `files` under `time`, archive first, and removes archived files older than the
/// retention: those that have a name which only dagloop gives, and are no links.
///
/// Errors: Error{preflight} naming the path; also where the archive is a link.
void publish(FileSystem& file_system, const ReportsConfig& reports, TimePoint time,
             const std::vector<ReportFile>& files, OldReports old = OldReports::removed);

/// Publishes a page that says why the tick of `time` decided nothing; the figures of the last good
/// tick stay in the JSON files.
///
/// Errors: one of the kind of `error`, with what it says, when the page cannot be written; none
///         where that kind is preflight: the reports may be what cannot be written.
void publish_failure(FileSystem& file_system, const ReportsConfig& reports, TimePoint time,
                     const Error& error, OldReports old);

}  // namespace dagloop
