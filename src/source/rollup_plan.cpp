#include "source/rollup_plan.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "source/byte_stream.hpp"

namespace dagloop {
namespace {

// A file may change without its time changing, where that is as fresh as the clock of the file
// system is coarse.
constexpr std::chrono::milliseconds kFresh{100};

std::chrono::nanoseconds mtime_of(const struct stat& info) {
  return std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
}

FileForm form_of(const std::string& path, const OpenFile& file, std::uint64_t size) {
  std::array<char, kMagicBytes> head{};
  const std::uint64_t count = std::min<std::uint64_t>(size, head.size());
  file.read(head.data(), 0, count);
  return is_compressed(path, {head.data(), count}) ? FileForm::compressed : FileForm::plain;
}

// Returns the first slot behind all that is kept of a file: its records, and the lines that could
// not be read.
TimePoint end_of(const LineCounts& counts) {
  TimePoint end = TimePoint::min();
  if (counts.newest) end = ceil_to_slot(*counts.newest + Microseconds{1});
  if (!counts.by_slot.empty()) end = std::max(end, counts.by_slot.rbegin()->first + kSlot);
  return end;
}

class Planner {
 public:
  Planner(const RollupRoot& root, const Window& range, unsigned threads)
      : root_(root), range_(range), threads_(threads), is_matched_(root.files.size()) {
    plan_.kept_from = root.kept_from;
    now_ = std::chrono::system_clock::now().time_since_epoch();
  }

  RollupPlan plan(const std::vector<std::string>& paths) {
    plan_.path_count = paths.size();
    std::vector<struct stat> infos(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const bool is_there = ::stat(paths[i].c_str(), &infos[i]) == 0;
      // What is no file, or not there, the reading without a store has to say.
      if (!is_there || !S_ISREG(infos[i].st_mode)) return unusable();
    }
    const std::vector<std::optional<std::size_t>> known = match(paths, infos);
    for (std::size_t i = 0; i < paths.size() && plan_.state == PlanState::ready; ++i) {
      add(paths[i], infos[i], known[i]);
    }
    for (std::size_t i = 0; i < root_.files.size(); ++i) {
      if (!is_matched_[i]) remember(root_.files[i]);
    }
    return std::move(plan_);
  }

 private:
  RollupPlan unusable() {
    plan_.state = PlanState::unusable;
    return std::move(plan_);
  }

  // Finds each path's file: by what the system calls it, for logs are renamed; then by its path.
  std::vector<std::optional<std::size_t>> match(const std::vector<std::string>& paths,
                                                const std::vector<struct stat>& infos) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> by_inode;
    std::map<std::string_view, std::size_t> by_path;
    for (std::size_t i = 0; i < root_.files.size(); ++i) {
      const LogFile& file = root_.files[i];
      by_inode.emplace(std::pair(file.device, file.inode), i);
      by_path.emplace(file.path, i);
    }
    std::vector<std::optional<std::size_t>> known(paths.size());
    const auto take = [&](std::size_t path, const auto& map, const auto& key) {
      const auto found = map.find(key);
      if (known[path] || found == map.end() || is_matched_[found->second]) return;
      known[path] = found->second;
      is_matched_[found->second] = true;
    };
    for (std::size_t i = 0; i < paths.size(); ++i) {
      take(i, by_inode, std::pair<std::uint64_t, std::uint64_t>(infos[i].st_dev, infos[i].st_ino));
    }
    for (std::size_t i = 0; i < paths.size(); ++i) take(i, by_path, std::string_view(paths[i]));
    return known;
  }

  // A file that is not among the paths, or no longer what it was, must have no line in the range.
  bool is_behind(const LogFile& file) const { return end_of(file.counts) <= range_.start; }

  void remember(const LogFile& file) {
    if (!is_behind(file)) plan_.state = PlanState::rebuild;
    if (end_of(file.counts) <= plan_.kept_from) return;
    plan_.files.push_back(file);
    plan_.consumed.push_back(file.consumed);
  }

  void add(const std::string& path, const struct stat& info, std::optional<std::size_t> known) {
    LogFile file;
    if (known) file = root_.files[*known];
    file.path = path;
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::chrono::nanoseconds mtime = mtime_of(info);
    const bool is_same_file = file.device == info.st_dev && file.inode == info.st_ino;
    const bool is_same_time = is_same_file && file.mtime_ns == mtime.count();
    const bool is_unchanged = known && is_same_time && file.size == size && !file.was_fresh;
    std::uint64_t end = file.consumed;
    if (!is_unchanged) {
      const OpenFile open(path);
      const struct stat now = open.info();
      if (now.st_dev != info.st_dev || now.st_ino != info.st_ino || now.st_size < info.st_size) {
        plan_.state = PlanState::unusable;
        return;
      }
      if (known && !continues(file, open, info)) {
        if (!is_behind(file)) {
          plan_.state = PlanState::rebuild;
          return;
        }
        forget(file);
        known.reset();
      }
      if (!known) file = LogFile();
      file.path = path;
      file.form = form_of(path, open, size);
      end = file.form == FileForm::compressed ? size : end_of_lines(open, file.consumed, size);
    }
    file.device = info.st_dev;
    file.inode = info.st_ino;
    file.size = size;
    file.mtime_ns = mtime.count();
    // Such a time proves nothing the next time, so the file is looked into then.
    file.was_fresh = now_ - mtime < kFresh;
    add_parts(file, end);
  }

  // Returns whether the file still begins with what was consumed of it.
  bool continues(const LogFile& file, const OpenFile& open, const struct stat& info) const {
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const bool is_same_file = file.device == info.st_dev && file.inode == info.st_ino;
    const bool is_same_time = is_same_file && file.mtime_ns == mtime_of(info).count();
    if (size < file.size || form_of(file.path, open, size) != file.form) return false;
    if (file.form == FileForm::compressed && size != file.size) return false;
    const bool has_grown = is_same_file && size > file.size;
    // The usual case, a log that was written on: its first and last 64 KiB are compared. Anything
    // else that claims to be the same file (copied, restored, renamed) is hashed as a whole.
    if (has_grown || is_same_time) return ends_match(open, file.hash, file.consumed);
    return extend_hash(open, {}, 0, file.consumed, threads_) == file.hash;
  }

  // Lines of the file may be kept that are not in the log any more: all before kept_from.
  void forget(const LogFile& file) {
    plan_.kept_from = std::max(plan_.kept_from, end_of(file.counts));
  }

  void add_parts(LogFile& file, std::uint64_t end) {
    const std::size_t index = plan_.files.size();
    const auto add = [&](PartUse use, const LineRange& lines) {
      plan_.parts.push_back({index, use, lines, {}});
    };
    if (file.form == FileForm::compressed) {
      const LineRange whole{0, file.size, 1, 0, {}};
      if (end > file.consumed) add(PartUse::lines, whole);
      if (!file.pending.empty()) {
        add(PartUse::lines, whole);
        plan_.parts.back().only = file.pending;
      }
    } else {
      for (const LineRange& pending : file.pending) add(PartUse::lines, pending);
      if (end > file.consumed) add(PartUse::lines, {file.consumed, end, file.lines + 1, 0, {}});
      if (file.size > end) {
        add(PartUse::last_line, {end, file.size, 1, 0, {}});
        plan_.parts.back().follows = end > file.consumed;
      }
    }
    plan_.files.push_back(std::move(file));
    plan_.consumed.push_back(end);
  }

  const RollupRoot& root_;
  const Window range_;
  const unsigned threads_;
  std::vector<bool> is_matched_;
  std::chrono::nanoseconds now_{0};
  RollupPlan plan_;
};

}  // namespace

RollupPlan plan_read(const RollupRoot& root, const std::vector<std::string>& paths,
                     const Window& range, unsigned threads) {
  return Planner(root, range, threads).plan(paths);
}

bool take_reading(RollupPlan& plan, const LogReading& reading, unsigned threads) {
  for (std::size_t i = 0; i < plan.path_count; ++i) {
    LogFile& file = plan.files[i];
    const FileReading& read = reading.files[i];
    file.counts.merge(read.settled);
    file.pending = read.pending;
    file.lines += read.lines;
    file.times.merge(read.times);
    const std::uint64_t before = std::exchange(file.consumed, plan.consumed[i]);
    if (file.consumed == before) continue;
    const OpenFile open(file.path);
    // The log was rotated between reading and hashing: the hash would be that of another file.
    if (open.info().st_dev != file.device || open.info().st_ino != file.inode) return false;
    file.hash = extend_hash(open, file.hash, before, file.consumed, threads);
  }
  return true;
}

}  // namespace dagloop
