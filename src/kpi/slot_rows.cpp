#include "slot_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace dagloop {
namespace {

enum class DurationForm : std::uint8_t { none, whole, real };

constexpr double kMaxWhole = 9007199254740992;  // 2^53

DurationForm form_of(double duration_ms) {
  if (duration_ms < 0) return DurationForm::none;
  const bool is_whole = duration_ms < kMaxWhole && std::floor(duration_ms) == duration_ms &&
                        !std::signbit(duration_ms);
  // Nearly all durations are whole milliseconds: one to three bytes instead of eight.
  return is_whole ? DurationForm::whole : DurationForm::real;
}

// Wraps around instead of overflowing: what is read may be anything.
TimePoint time_at(TimePoint slot, std::int64_t offset) {
  const auto sum = static_cast<std::uint64_t>(slot.time_since_epoch().count()) +
                   static_cast<std::uint64_t>(offset);
  return TimePoint(Microseconds(static_cast<std::int64_t>(sum)));
}

// A block is what one writer wrote of a slot: all keys first (they are looked at without the rest),
// then its texts and fan-outs, then the rows, which name these by number.
class BlockReader {
 public:
  BlockReader(std::string_view block, TimePoint slot, Pools& pools)
      : in_(block), slot_(slot), pools_(pools) {}

  // Returns whether the block was one.
  bool read(const std::function<void(const SlotRun&)>& take) {
    const std::uint64_t count = in_.count(sizeof(Hash128));
    const std::string_view keys = in_.raw(count * sizeof(Hash128));
    for (std::uint64_t left = in_.count(1); left > 0 && in_.ok(); --left) {
      texts_.push_back(pools_.texts.intern(in_.text()));
    }
    for (std::uint64_t left = in_.count(2); left > 0 && in_.ok(); --left) read_code();
    for (std::uint64_t left = in_.count(2); left > 0 && in_.ok(); --left) {
      Fanout fanout;
      fanout.total = in_.number();
      fanout.failed = in_.number();
      const std::uint8_t has = in_.byte();
      fanout.has_tokens = (has & 1U) != 0;
      fanout.has_cost = (has & 2U) != 0;
      if (fanout.has_tokens) fanout.tokens = in_.number();
      if (fanout.has_cost) fanout.cost_micros = in_.number();
      fanouts_.push_back(pools_.fanouts.intern(fanout));
    }
    for (std::uint64_t left = in_.count(2); left > 0 && in_.ok(); --left) {
      Origin origin;
      origin.plan_source = text();
      origin.pipeline = text();
      origins_.push_back(pools_.origins.intern(origin));
    }
    SlotRun run;
    ByteReader key(keys);
    for (std::uint64_t i = 0; i < count && in_.ok(); ++i) {
      run.key.low = key.fixed64();
      run.key.high = key.fixed64();
      read_run(run);
      if (in_.ok()) take(run);
    }
    return in_.done();
  }

 private:
  void read_code() {
    LabelledCode code;
    code.label = in_.text();
    const unsigned states = in_.byte();
    if (states >> 1U > static_cast<unsigned>(ErrorClass::other)) in_.fail();
    if (!in_.ok()) return;
    code.error_class = static_cast<ErrorClass>(states >> 1U);
    code.is_named = (states & 1U) != 0;
    codes_.push_back(pools_.codes.add(code));
  }

  void read_run(SlotRun& run) {
    // One number for both: the lowest bit is the run record, the rest counts the nodes.
    const std::uint64_t head = in_.number();
    const bool has_record = (head & 1U) != 0;
    const std::uint64_t nodes = head >> 1U;
    const std::uint64_t superseded = in_.count(1);
    const std::uint64_t unread = in_.count(2);
    run.user = in_.fixed64();
    run.record = RecordRow();
    if (has_record) run.record = record(true);
    run.nodes.clear();
    for (std::uint64_t i = 0; i < nodes && in_.ok(); ++i) {
      NodeRow row;
      row.record = record(false);
      row.node = text();
      const std::uint64_t attempt = in_.number();
      if (attempt == 0 || attempt > std::numeric_limits<std::uint32_t>::max()) in_.fail();
      row.attempt = static_cast<std::uint32_t>(attempt);
      const std::uint64_t item = in_.number();
      if (item > std::numeric_limits<std::uint32_t>::max()) in_.fail();
      row.item = static_cast<std::uint32_t>(item);
      run.nodes.push_back(row);
    }
    run.superseded.clear();
    for (std::uint64_t i = 0; i < superseded && in_.ok(); ++i) {
      run.superseded.push_back(time_at(slot_, in_.signed_number()));
    }
    // A run has a record or nodes, and only records are superseded.
    run.unread.clear();
    for (std::uint64_t i = 0; i < unread && in_.ok(); ++i) {
      const unsigned states = in_.byte();
      if ((states & 3U) > static_cast<unsigned>(Cohort::control) || states > 7U) in_.fail();
      run.unread.push_back({time_at(slot_, in_.signed_number()), 0,
                            static_cast<Cohort>(states & 3U), (states & 4U) != 0});
    }
    if (!has_record && (nodes + unread == 0 || superseded > 0)) in_.fail();
  }

  // Everything is checked while it is read: a damaged value must say so, not become a figure.
  RecordRow record(bool is_run_record) {
    RecordRow row;
    const unsigned states = in_.byte();
    const unsigned flags = in_.byte();
    const unsigned node_flags = in_.byte();
    if ((states & 0xFU) > static_cast<unsigned>(Status::compensating)) in_.fail();
    if (states >> 4U > static_cast<unsigned>(CompensationStatus::manual_required)) in_.fail();
    if (((flags >> 1U) & 3U) > static_cast<unsigned>(Cohort::control)) in_.fail();
    row.status = static_cast<Status>(states & 0xFU);
    row.compensation = static_cast<CompensationStatus>(states >> 4U);
    row.population = static_cast<Population>(flags & 1U);
    row.cohort = static_cast<Cohort>((flags >> 1U) & 3U);
    row.has_verification_reason = (flags & 8U) != 0;
    row.has_fallback_reason = (flags & 16U) != 0;
    row.idempotent_reuse = (flags & 32U) != 0;
    row.is_run_record = is_run_record;
    row.is_compensation = (node_flags & 1U) != 0;
    row.is_upstream_failed = (node_flags & 2U) != 0;
    row.unread = (node_flags >> 2U) & kAllUnread;
    row.created_at = time_at(slot_, in_.signed_number());
    row.duration_ms = duration(flags >> 6U);
    row.error_code = one_of(codes_);
    row.origin = one_of(origins_);
    row.fanout = one_of(fanouts_);
    return row;
  }

  double duration(unsigned form) {
    if (form == static_cast<unsigned>(DurationForm::none)) return kNoDuration;
    const bool is_whole = form == static_cast<unsigned>(DurationForm::whole);
    const double value = is_whole ? static_cast<double>(in_.number()) : in_.real();
    if (!(value >= 0 && std::isfinite(value))) in_.fail();
    return in_.ok() ? value : kNoDuration;
  }

  std::uint32_t text() { return one_of(texts_); }

  std::uint32_t one_of(const std::vector<std::uint32_t>& numbers) {
    const std::uint64_t number = in_.number();
    if (number > numbers.size()) in_.fail();
    return number > 0 && in_.ok() ? numbers[number - 1] : 0;
  }

  ByteReader in_;
  TimePoint slot_;
  Pools& pools_;
  std::vector<std::uint32_t> texts_;  // number in the block, less 1 -> number in the pool
  std::vector<std::uint32_t> codes_;  // likewise
  std::vector<std::uint32_t> fanouts_;
  std::vector<std::uint32_t> origins_;
};

}  // namespace

void SettledSlot::merge(SettledSlot&& other) {
  earliest = std::min(earliest, other.earliest);
  latest = std::max(latest, other.latest);
  runs += other.runs;
  duplicates += other.duplicates;
  for (const auto& [key, partial] : other.partials) partials[key].merge(partial);
  key_prefixes += other.key_prefixes;
  // Blocks stand one behind another, so two slots are joined without being read.
  rows += other.rows;
}

void SlotRowsWriter::add_time(TimePoint time) {
  slot_.earliest = std::min(slot_.earliest, time);
  slot_.latest = std::max(slot_.latest, time);
  rows_.signed_number((time - slot_.slot).count());
}

// 0 is the empty text in the pool, too.
std::uint64_t SlotRowsWriter::text_number(std::uint32_t number) {
  if (number == 0) return 0;
  const auto [known, is_new] = text_numbers_.try_emplace(number, text_numbers_.size() + 1);
  if (is_new) texts_.text(pools_.texts.text(number));
  return known->second;
}

std::uint64_t SlotRowsWriter::code_number(std::uint32_t number) {
  if (number == 0) return 0;
  const auto [known, is_new] = code_numbers_.try_emplace(number, code_numbers_.size() + 1);
  if (!is_new) return known->second;
  const CodePool& codes = pools_.codes;
  codes_.text(codes.label(number));
  codes_.byte(static_cast<std::uint8_t>(static_cast<unsigned>(codes.error_class(number)) << 1U |
                                        (codes.is_named(number) ? 1U : 0U)));
  return known->second;
}

std::uint64_t SlotRowsWriter::fanout_number(std::uint32_t number) {
  if (number == 0) return 0;
  const auto [known, is_new] = fanout_numbers_.try_emplace(number, fanout_numbers_.size() + 1);
  if (!is_new) return known->second;
  const Fanout& fanout = pools_.fanouts.fanout(number);
  fanouts_.number(fanout.total);
  fanouts_.number(fanout.failed);
  fanouts_.byte(
      static_cast<std::uint8_t>((fanout.has_tokens ? 1U : 0U) | (fanout.has_cost ? 2U : 0U)));
  if (fanout.has_tokens) fanouts_.number(fanout.tokens);
  if (fanout.has_cost) fanouts_.number(fanout.cost_micros);
  return known->second;
}

std::uint64_t SlotRowsWriter::origin_number(std::uint32_t number) {
  if (number == 0) return 0;
  const auto [known, is_new] = origin_numbers_.try_emplace(number, origin_numbers_.size() + 1);
  if (!is_new) return known->second;
  origins_.number(text_number(pools_.origins.origin(number).plan_source));
  origins_.number(text_number(pools_.origins.origin(number).pipeline));
  return known->second;
}

void SlotRowsWriter::add_record(const RecordRow& record) {
  const DurationForm form = form_of(record.duration_ms);
  rows_.byte(static_cast<std::uint8_t>(static_cast<unsigned>(record.status) |
                                       static_cast<unsigned>(record.compensation) << 4U));
  rows_.byte(static_cast<std::uint8_t>(
      static_cast<unsigned>(record.population) | static_cast<unsigned>(record.cohort) << 1U |
      (record.has_verification_reason ? 8U : 0U) | (record.has_fallback_reason ? 16U : 0U) |
      (record.idempotent_reuse ? 32U : 0U) | static_cast<unsigned>(form) << 6U));
  rows_.byte(static_cast<std::uint8_t>((record.is_compensation ? 1U : 0U) |
                                       (record.is_upstream_failed ? 2U : 0U) |
                                       static_cast<unsigned>(record.unread) << 2U));
  add_time(record.created_at);
  if (form == DurationForm::whole) rows_.number(static_cast<std::uint64_t>(record.duration_ms));
  if (form == DurationForm::real) rows_.real(record.duration_ms);
  rows_.number(code_number(record.error_code));
  rows_.number(origin_number(record.origin));
  rows_.number(fanout_number(record.fanout));
}

void SlotRowsWriter::add(const WholeRun& run) {
  ++slot_.runs;
  slot_.duplicates += run.superseded.size();
  ByteWriter key;
  key.fixed64(run.run->key.low);
  key.fixed64(run.run->key.high);
  keys_ += key.bytes();
  ByteWriter prefix;
  prefix.fixed32(key_prefix(run.run->key));
  slot_.key_prefixes += prefix.bytes();
  const bool has_record = run.run->record.is_run_record;
  rows_.number(run.nodes.size() << 1U | (has_record ? 1U : 0U));
  rows_.number(run.superseded.size());
  rows_.number(run.unread.size());
  rows_.fixed64(run.user);
  if (has_record) add_record(run.run->record);
  for (const NodeRow& node : run.nodes) {
    add_record(node.record);
    rows_.number(text_number(node.node));
    rows_.number(node.attempt);
    rows_.number(node.item);
  }
  for (const SupersededRow& row : run.superseded) add_time(row.created_at);
  for (const UnreadRow& row : run.unread) {
    rows_.byte(static_cast<std::uint8_t>(static_cast<unsigned>(row.cohort) |
                                         (row.may_be_attempt ? 4U : 0U)));
    add_time(row.at);
  }
}

SettledSlot SlotRowsWriter::take() {
  ByteWriter block;
  block.number(slot_.runs);
  block.raw(keys_);
  block.number(text_numbers_.size());
  block.raw(texts_.bytes());
  block.number(code_numbers_.size());
  block.raw(codes_.bytes());
  block.number(fanout_numbers_.size());
  block.raw(fanouts_.bytes());
  block.number(origin_numbers_.size());
  block.raw(origins_.bytes());
  block.raw(rows_.bytes());
  ByteWriter out;
  out.text(block.bytes());
  slot_.rows = out.take();
  return std::move(slot_);
}

bool read_slot_runs(std::string_view rows, TimePoint slot, Pools& pools,
                    const std::function<void(const SlotRun&)>& take) {
  ByteReader blocks(rows);
  while (blocks.ok() && !blocks.done()) {
    if (!BlockReader(blocks.text(), slot, pools).read(take)) return false;
  }
  return blocks.ok();
}

bool read_slot_keys(std::string_view rows, const std::function<void(const Hash128&)>& take) {
  ByteReader blocks(rows);
  while (blocks.ok() && !blocks.done()) {
    ByteReader in(blocks.text());
    const std::uint64_t count = in.count(sizeof(Hash128));
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      const std::uint64_t low = in.fixed64();
      take({low, in.fixed64()});
    }
    if (!in.ok()) return false;
  }
  return blocks.ok();
}

}  // namespace dagloop
