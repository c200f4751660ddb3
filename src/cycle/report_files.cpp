#include "dagloop/cycle/report_files.hpp"

#include <optional>

#include "dagloop/base/error.hpp"
#include "dagloop/base/redaction.hpp"
#include "dagloop/report/documents.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMaxMessage = 2000;

// Archive names end in the compact time, e.g. _20260225T060000Z.json, temporary ones too, but for
// those of dagloop 0.1, which have .tmp behind the whole name.
std::optional<TimePoint> archive_time(const std::string& name) {
  if (constexpr std::string_view kEarlier = ".json.tmp"; name.ends_with(kEarlier)) {
    return archive_time(name.substr(0, name.size() - 4));
  }
  const std::size_t dot = name.rfind('.');
  const std::size_t underscore = name.rfind('_', dot);
  if (dot == std::string::npos || underscore == std::string::npos) return std::nullopt;
  const std::string text = name.substr(underscore + 1, dot - underscore - 1);
  if (text.size() != 16) return std::nullopt;
  std::string time = text;
  for (const std::size_t at : {13U, 11U}) time.insert(at, ":");
  for (const std::size_t at : {6U, 4U}) time.insert(at, "-");
  return parse_time(time);
}

enum class OldFiles { all, temporary };

void remove_old(FileSystem& file_system, const std::string& directory, TimePoint oldest,
                OldFiles which) {
  for (const std::string& name : file_system.list(directory)) {
    if (which == OldFiles::temporary && !name.ends_with(".tmp")) continue;
    const auto time = archive_time(name);
    if (time && *time < oldest) file_system.remove(std::string(directory).append("/").append(name));
  }
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
      path + "-" + writer_word() + "_" + format_time_compact(time) + ".tmp";
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
             const std::vector<ReportFile>& files) {
  // The archive first: whoever sees the latest one finds its twin there.
  const std::string archive = reports.dir + "/archive";
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
  // Last: where a report cannot be written, the older ones are still there to be looked at.
  remove_old(file_system, archive, time - reports.retention, OldFiles::all);
  remove_old(file_system, reports.dir, time - reports.retention, OldFiles::temporary);
}

void publish_failure(FileSystem& file_system, const ReportsConfig& reports, TimePoint time,
                     const Error& error) {
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
    publish(file_system, reports, time, files);
  } catch (const Error& fault) {
    if (may_be_under_way) return;  // the same disk, as like as not
    throw Error(error.kind(), reports.dir,
                std::string(error.what()) + "; nor is the page written that says so",
                std::string("mend both: ") + fault.what());
  }
}

}  // namespace dagloop
