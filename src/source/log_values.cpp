#include "source/log_values.hpp"

#include <utility>

namespace dagloop {

bool LogValues::fetch(ValueKind kind, const std::vector<TimePoint>& times) {
  const bool is_hourly = kind == ValueKind::hour_partials || kind == ValueKind::hour_keys;
  // A few values too many cost less than a query more.
  const Microseconds near = 4 * (is_hourly ? Microseconds(kHour) : Microseconds(kSlot));
  for (std::size_t first = 0; first < times.size();) {
    std::size_t last = first;
    while (last + 1 < times.size() && times[last + 1] - times[last] <= near) ++last;
    RollupValues loaded =
        store_.load(log_, value_name(kind, times[first]), value_name(kind, times[last]));
    // Somebody else has committed since the root was read: values of two versions do not fit
    // together.
    if (loaded.version != version_) return false;
    fetched_.merge(loaded.values);
    first = last + 1;
  }
  return true;
}

std::optional<ByteReader> LogValues::find(ValueKind kind, TimePoint time,
                                          std::uint64_t version) const {
  const std::string name = value_name(kind, time);
  const bool is_written = version == version_ + 1;
  const auto& values = is_written ? written_ : fetched_;
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  ByteReader in(found->second);
  // The root says which version each value must have. One that an interrupted writer left is not
  // taken.
  if (in.fixed64() != version || !in.ok()) return std::nullopt;
  return in;
}

std::uint64_t LogValues::write(ValueKind kind, TimePoint time, const ByteWriter& bytes) {
  ByteWriter out;
  out.fixed64(version_ + 1);
  out.raw(bytes.bytes());
  const std::string name = value_name(kind, time);
  written_[name] = out.take();
  erased_.erase(name);
  written_bytes_ += bytes.bytes().size();
  return version_ + 1;
}

void LogValues::make_room() {
  // The first reading of a long log would hold all of its values in memory. What is committed early
  // has no root that names it, so a crash leaves garbage and no wrong figure.
  if (!may_commit_early_ || written_bytes_ <= commit_bytes_) return;
  RollupChange change{std::move(erased_), std::move(written_), others_};
  may_commit_early_ = store_.commit(log_, version_, change);
  // Lost against another writer: what was computed still answers this query, it is only not kept.
  if (!may_commit_early_) {
    erased_ = std::move(change.erased);
    written_ = std::move(change.written);
    return;
  }
  others_ = RollupChange::Others::kept;
  erased_.clear();
  written_.clear();
  written_bytes_ = 0;
  ++version_;
}

void LogValues::erase(ValueKind kind, TimePoint time) {
  const std::string name = value_name(kind, time);
  written_.erase(name);
  erased_.insert(name);
}

void LogValues::commit(const std::string& root) {
  written_[kRootName] = root;
  store_.commit(log_, version_, {std::move(erased_), std::move(written_), others_});
}

}  // namespace dagloop
