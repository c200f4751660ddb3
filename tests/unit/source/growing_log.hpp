// A log as services write it, at its worst: lines come late, twice, half, from the future; files
// are rotated, packed, cut off, rewritten and removed.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "dagloop/base/time.hpp"
#include "rollout_generator.hpp"
#include "temp_files.hpp"

namespace dagloop::test {

/// A directory of log files. Everything follows from the seed.
class GrowingLog {
 public:
  explicit GrowingLog(std::uint64_t seed) : random_(seed) {}

  Random& random() { return random_; }
  std::string path(const std::string& name) const { return files_.path(name); }
  TimePoint now() const { return now_; }

  /// Lets time pass and lines be written.
  void tick() {
    now_ += std::chrono::minutes(1 + random_.below(random_.chance(0.2) ? 200 : 25));
    const std::size_t appends = random_.below(4);
    for (std::size_t i = 0; i < appends; ++i) append(one_file(), lines(random_.below(12)));
    if (random_.chance(0.3)) append(one_file(), half_line());
  }

  /// Does one thing that happens to files.
  void disturb() {
    const std::string name = one_file();
    switch (random_.below(7)) {
      case 0:
        rotate(name);
        break;
      case 1:
        pack();
        break;
      case 2:
        write(name, lines(3));  // shorter, mostly
        break;
      case 3:
        std::filesystem::remove(path(name));
        names_.erase(name);
        break;
      case 4:
        rewrite(name);
        break;
      case 5:
        std::filesystem::last_write_time(path(name), std::filesystem::file_time_type::clock::now());
        break;
      default:
        copy(name);
    }
  }

  /// Returns the paths of all files, as expand_paths would.
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const std::string& name : names_) paths.push_back(path(name));
    return paths;
  }

 private:
  std::string one_file() {
    std::vector<std::string> plain;
    for (const std::string& name : names_) {
      if (!name.ends_with(".gz")) plain.push_back(name);
    }
    if (plain.size() < 2 || random_.chance(0.05)) {
      const std::string day =
          random_.chance(0.3) ? "dt=2026-02-2" + std::to_string(random_.below(9)) + "/" : "";
      write(day + "f" + std::to_string(next_name_++) + ".jsonl",
            random_.chance(0.1) ? "\xef\xbb\xbf" : "");
      return one_file();
    }
    return plain[random_.below(plain.size())];
  }

  void write(const std::string& name, const std::string& text) {
    files_.write(name, text);
    names_.insert(name);
  }

  void append(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::binary | std::ios::app) << text;
  }

  std::string content(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // As log rotation does: the writer goes on in a new file of the old name.
  void rotate(const std::string& name) {
    const std::string old = name + "." + std::to_string(next_name_++) + ".jsonl";
    std::filesystem::rename(path(name), path(old));
    names_.insert(old);
    write(name, "");
  }

  void pack() {
    const std::string name = one_file();
    const std::string packed = name + std::to_string(next_name_++) + ".jsonl.gz";
    write(packed, gzip(content(name)));
    std::filesystem::remove(path(name));
    names_.erase(name);
  }

  // Other content of the same size, at a moment that no file system's time tells apart.
  void rewrite(const std::string& name) {
    std::string text = content(name);
    const std::size_t at = text.find("succeeded");
    if (at == std::string::npos) return;
    text.replace(at, 9, "failed\" \t");
    write(name, text);
  }

  // The same content in another file.
  void copy(const std::string& name) {
    const std::string text = content(name);
    std::filesystem::remove(path(name));
    files_.write("other", "");
    write(name, text);
  }

  std::string lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += line() + (random_.chance(0.1) ? "\r\n" : "\n");
      if (random_.chance(0.1)) text += text.substr(0, text.find('\n') + 1);
    }
    return text;
  }

  // The start of a line; whatever is appended next belongs to it.
  std::string half_line() {
    const std::string whole = line();
    return random_.chance(0.3) ? whole : whole.substr(0, random_.below(whole.size() + 1));
  }

  std::string line() {
    if (random_.chance(0.05)) return random_.chance(0.5) ? "" : " \t";
    if (random_.chance(0.1)) return "{broken";
    if (random_.chance(0.05)) return odd_line();
    if (random_.chance(0.002)) return std::string((1U << 20U) + 5, 'x');
    const bool is_new = random_.chance(0.6);
    const std::uint64_t run =
        is_new ? next_run_++ : next_run_ - std::min(next_run_, random_.below(30));
    std::string text = "{\"pipeline_run_id\":\"r" + std::to_string(run) + "\",\"created_at\":\"" +
                       format_time(time()) + "\"";
    static const std::vector<std::string> kStatus{"succeeded", "succeeded",       "failed",
                                                  "running",   "manual_required", "skipped"};
    text += ",\"status\":\"" + kStatus[random_.below(kStatus.size())] + "\"";
    if (random_.chance(0.4)) {
      text += ",\"node_id\":\"" + std::string(random_.chance(0.5) ? "a" : "evaluate") +
              "\",\"attempt\":" + std::to_string(random_.below(3));
    }
    if (random_.chance(0.6))
      text += ",\"duration_ms\":" + std::to_string(random_.below(90000)) +
              (random_.chance(0.3) ? ".125" : "");
    if (random_.chance(0.3))
      text += ",\"error_code\":\"E" + std::to_string(random_.below(4)) + "\"";
    if (random_.chance(0.3))
      text += ",\"cohort\":\"" + std::string(random_.chance(0.5) ? "canary" : "control") + "\"";
    if (random_.chance(0.2))
      text += ",\"plan_source\":\"llm\",\"fanout_total\":5,\"fanout_failed\":" +
              std::to_string(random_.below(3));
    if (random_.chance(0.1)) text += ",\"execution_mode\":\"rule\",\"fallback_reason\":\"x\"";
    return text + "}";
  }

  // A line that shows its time, or not even that.
  std::string odd_line() {
    const std::string when = random_.chance(0.6) ? format_time(time()) : "noon";
    return "{\"pipeline_run_id\":\"r" + std::to_string(random_.below(next_run_ + 1)) +
           "\",\"status\":\"sideways\",\"cohort\":\"canary\",\"created_at\":\"" + when + "\"}";
  }

  // Mostly just past, sometimes late, long gone, or to come.
  TimePoint time() {
    const auto minutes = [this](std::uint64_t most) {
      return std::chrono::milliseconds(random_.below(most * 60'000));
    };
    if (random_.chance(0.05)) return now_ + minutes(600);
    if (random_.chance(0.1)) return now_ + minutes(9);
    if (random_.chance(0.2)) return now_ - minutes(1000);
    return now_ - minutes(20);
  }

  TempFiles files_;
  Random random_;
  std::set<std::string> names_;
  TimePoint now_ = *parse_time("2026-02-25T00:00:00Z");
  std::uint64_t next_run_ = 1;
  int next_name_ = 0;
};

}  // namespace dagloop::test
