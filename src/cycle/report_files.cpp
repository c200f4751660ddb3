#include "dagloop/cycle/report_files.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "dagloop/base/ascii.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxMessage = 2000;

// What dagloop publishes, and ever did. A new kind of document has to be named here, or it stays.
constexpr std::array<std::string_view, 8> kStems{"dag_quality",
                                                 "dag_quality_gate",
                                                 "dag_policy_decision",
                                                 "dag_policy_approval",
                                                 "dag_policy_approval_second",
                                                 "dag_policy_replay",
                                                 "dag_rollback_drill",
                                                 "dag_trends"};
constexpr std::array<std::string_view, 3> kExtensions{"json", "md", "html"};

std::optional<TimePoint> compact_time(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::string time(text);
  for (const std::size_t at : {13U, 11U}) time.insert(at, ":");
  for (const std::size_t at : {6U, 4U}) time.insert(at, "-");
  return parse_time(time);
}

// Returns what stands behind `text`'s last `mark`, and cuts both off; nullopt where there is none.
std::optional<std::string_view> cut_behind(std::string_view& text, char mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

// The time of dag_quality_20260225T060000Z.json, or of dag_quality_latest.json where that is none.
struct ReportName {
  bool is_ours = false;
  std::optional<TimePoint> time;
};

ReportName report_name(std::string_view name) {
  const auto extension = cut_behind(name, '.');
  const auto when = cut_behind(name, '_');
  if (!extension || !when || std::ranges::find(kExtensions, *extension) == kExtensions.end() ||
      std::ranges::find(kStems, name) == kStems.end()) {
    return {};
  }
  const auto time = compact_time(*when);
  return {time || *when == "latest", time};
}

// The time of a temporary file: a report's whole name, who wrote it, and when. Those of dagloop 0.1
// have .tmp behind the name of an archived file.
std::optional<TimePoint> temporary_time(std::string_view name) {
  if (cut_behind(name, '.') != "tmp") return std::nullopt;
  if (const ReportName earlier = report_name(name); earlier.is_ours) return earlier.time;
  const auto when = cut_behind(name, '_');
  const std::size_t extension = name.rfind('.');
  const std::size_t writer = name.find('-', std::min(extension, name.size()));
  if (!when || writer == std::string_view::npos || !report_name(name.substr(0, writer)).is_ours) {
    return std::nullopt;
  }
  const bool is_writer = std::ranges::all_of(
      name.substr(writer), [](char c) { return c == '-' || is_ascii_alphanumeric(c); });
  return is_writer ? compact_time(*when) : std::nullopt;
}

enum class OldFiles { all, temporary };

// Removes what is by its name a file of dagloop's own: others may keep theirs beside it.
void remove_old(FileSystem& file_system, const std::string& directory, TimePoint oldest,
                OldFiles which) {
  for (const std::string& name : file_system.list(directory)) {
    auto time = temporary_time(name);
    if (!time && which == OldFiles::all) time = report_name(name).time;
    if (!time || *time >= oldest) continue;
    const std::string path = std::string(directory).append("/").append(name);
    const auto info = file_system.stat(path);
    if (info && info->is_regular && !info->is_symlink) file_system.remove(path);
  }
}

// Whoever may write the directory of the reports would else have files written and removed
// elsewhere.
void refuse_link(FileSystem& file_system, const std::string& directory) {
  const auto info = file_system.stat(directory);
  if (!info || (info->is_directory && !info->is_symlink)) return;
  throw Error(ErrorKind::preflight, directory,
              info->is_symlink ? "is a link, which is not followed" : "is no directory",
              "make it a directory, or let reports.dir itself be elsewhere");
}

void discard(FileSystem& file_system, const std::string& path) {
  try {
    file_system.remove(path);
  } catch (const Error&) {
    // it goes with its retention
  }
}

// Several tools may publish at once, dry runs among them: each has a temporary file of its own. One
// that is left by a crash has its time in its name, like an archived file.
void replace_report(FileSystem& file_system, const std::string& path, TimePoint time,
                    const std::string& content) {
  const std::string temporary =
      path + "-" + unguessable_word() + "_" + format_time_compact(time) + ".tmp";
  try {
    FileAttributes attributes;
    attributes.existing = FileAttributes::Existing::refuse;
    file_system.write_synced(temporary, content, attributes);
    file_system.rename_synced(temporary, path, RenameMode::replace);
  } catch (const Error&) {
    discard(file_system, temporary);
    throw;
  }
}

}  // namespace

std::vector<ReportFile> render_quality_files(const PageInputs& inputs,
                                             const std::vector<ReportFormat>& formats) {
  std::vector<ReportFile> files;
  for (const ReportFormat format : formats) {
    switch (format) {
      case ReportFormat::json:
        files.push_back({"dag_quality", "json", to_pretty_json(quality_to_json(inputs.quality))});
        break;
      case ReportFormat::md:
        files.push_back({"dag_quality", "md", render_markdown(compose_quality_page(inputs))});
        break;
      case ReportFormat::html:
        files.push_back({"dag_quality", "html", render_html(compose_quality_page(inputs))});
        break;
    }
  }
  return files;
}

void publish(FileSystem& file_system, const ReportsConfig& reports, TimePoint time,
             const std::vector<ReportFile>& files, OldReports old) {
  // The archive first: whoever sees the latest one finds its twin there.
  const std::string archive = reports.dir + "/archive";
  refuse_link(file_system, archive);
  for (const ReportFile& file : files) {
    replace_report(
        file_system,
        archive + "/" + file.stem + "_" + format_time_compact(time) + "." + file.extension, time,
        file.content);
  }
  for (const ReportFile& file : files) {
    replace_report(file_system, reports.dir + "/" + file.stem + "_latest." + file.extension, time,
                   file.content);
  }
  if (old == OldReports::kept) return;
  // Last: where a report cannot be written, the older ones are still there to be looked at.
  remove_old(file_system, archive, time - reports.retention, OldFiles::all);
  remove_old(file_system, reports.dir, time - reports.retention, OldFiles::temporary);
}

void publish_failure(FileSystem& file_system, const ReportsConfig& reports, TimePoint time,
                     const Error& error, OldReports old) {
  // What a disk or the state refuses may be refused in the middle of a change.
  const bool may_be_under_way = error.kind() == ErrorKind::preflight;
  const Page page{
      Heading{1, "DAG quality: no decision"},
      Paragraph{"The tick of " + format_time(time) +
                (may_be_under_way
                     ? " did not come to its end. The next one goes on from where it stopped."
                     : " ended before it could decide. Nothing was changed.")},
      Paragraph{redact_text(error.what(), kMaxMessage)},
  };
  std::vector<ReportFile> files;
  for (const ReportFormat format : reports.formats) {
    if (format == ReportFormat::md) {
      files.push_back({"dag_quality", "md", render_markdown(page)});
    } else if (format == ReportFormat::html) {
      files.push_back({"dag_quality", "html", render_html(page)});
    }
  }
  try {
    publish(file_system, reports, time, files, old);
  } catch (const Error& fault) {
    if (may_be_under_way) return;  // the same disk, as like as not
    throw Error(error.kind(), reports.dir,
                std::string(error.what()) + "; nor is the page written that says so",
                std::string("mend both: ") + fault.what());
  }
}

}  // namespace dagloop
