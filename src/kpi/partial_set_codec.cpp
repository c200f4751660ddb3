#include "dagloop/kpi/partial_set_codec.hpp"

#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagloop/base/bytes.hpp"
#include "dagloop/kpi/partial_codec.hpp"

namespace dagloop {
namespace {

static_assert(sizeof(InputCounts) == 9 * sizeof(std::uint64_t) + 2 * sizeof(std::map<int, int>) +
                                         2 * sizeof(std::vector<int>) +
                                         2 * sizeof(std::optional<TimePoint>) + sizeof(RangeLines),
              "a new member belongs into encode_input() and decode_input()");

void encode_time(const std::optional<TimePoint>& time, ByteWriter& out) {
  out.byte(time ? 1 : 0);
  if (time) out.signed_number(time->time_since_epoch().count());
}

std::optional<TimePoint> decode_time(ByteReader& in) {
  if (in.byte() == 0) return std::nullopt;
  return TimePoint(Microseconds(in.signed_number()));
}

template <typename Number>
void encode_pairs(const std::vector<std::pair<Number, std::uint32_t>>& pairs, ByteWriter& out) {
  out.number(pairs.size());
  for (const auto& [what, count] : pairs) {
    out.signed_number(static_cast<std::int64_t>(what));
    out.number(count);
  }
}

template <typename Number>
void decode_pairs(ByteReader& in, std::vector<std::pair<Number, std::uint32_t>>& pairs) {
  pairs.resize(in.count(2));
  for (auto& [what, count] : pairs) {
    what = static_cast<Number>(in.signed_number());
    count = static_cast<std::uint32_t>(in.number());
  }
}

// In the one order in which both have them.
constexpr std::array kUserCounts{&UserRuns::runs, &UserRuns::failed, &UserRuns::aided,
                                 &UserRuns::attempts, &UserRuns::failed_attempts};

static_assert(sizeof(UserRuns) ==
                  sizeof(std::uint64_t) + 6 * sizeof(std::uint32_t) + 2 * sizeof(std::vector<int>),
              "a new member belongs into encode_users() and decode_users()");

void encode_users(const UserSums& users, ByteWriter& out) {
  out.number(users.users().size());
  for (const UserRuns& user : users.users()) {
    out.fixed64(user.hash);
    for (const auto count : kUserCounts) out.number(user.*count);
    encode_pairs(user.error_classes, out);
    encode_pairs(user.durations, out);
  }
}

UserSums decode_users(ByteReader& in) {
  std::vector<UserRuns> users(in.count(sizeof(std::uint64_t)));
  for (UserRuns& user : users) {
    user.hash = in.fixed64();
    for (const auto count : kUserCounts) user.*count = static_cast<std::uint32_t>(in.number());
    decode_pairs(in, user.error_classes);
    decode_pairs(in, user.durations);
  }
  return UserSums(std::move(users));
}

void encode_share(const LineShare& share, ByteWriter& out) {
  out.number(share.lines);
  out.number(share.unread);
}

void decode_share(ByteReader& in, LineShare& share) {
  share.lines = in.number();
  share.unread = in.number();
}

constexpr std::array kInputCounts{
    &InputCounts::records,      &InputCounts::run_records, &InputCounts::node_records,
    &InputCounts::other_lines,  &InputCounts::duplicates,  &InputCounts::malformed,
    &InputCounts::out_of_range, &InputCounts::set_aside,   &InputCounts::without_time};

template <typename Word>
void encode_words(const std::map<Word, std::uint64_t>& counts, ByteWriter& out) {
  out.number(counts.size());
  for (const auto& [word, count] : counts) {
    out.byte(static_cast<std::uint8_t>(word));
    out.number(count);
  }
}

template <typename Word>
void decode_words(ByteReader& in, std::map<Word, std::uint64_t>& counts) {
  for (std::uint64_t left = in.count(2); left > 0 && in.ok(); --left) {
    const auto word = static_cast<Word>(in.byte());
    counts[word] = in.number();
  }
}

void encode_example(const MalformedExample& example, ByteWriter& out) {
  out.text(example.file);
  out.number(example.line);
  out.byte(static_cast<std::uint8_t>(example.reason));
  out.byte(example.field ? 1 : 0);
  if (example.field) out.byte(static_cast<std::uint8_t>(*example.field));
  for (const std::string* text : {&example.found, &example.wanted, &example.mapping}) {
    out.text(*text);
  }
}

void decode_example(ByteReader& in, MalformedExample& example) {
  example.file = in.text();
  example.line = in.number();
  example.reason = static_cast<RejectReason>(in.byte());
  if (in.byte() != 0) example.field = static_cast<Field>(in.byte());
  for (std::string* text : {&example.found, &example.wanted, &example.mapping}) *text = in.text();
}

void encode_example(const MendedExample& example, ByteWriter& out) {
  out.text(example.file);
  out.number(example.line);
  out.byte(static_cast<std::uint8_t>(example.field));
  out.text(example.found);
  out.text(example.wanted);
}

void decode_example(ByteReader& in, MendedExample& example) {
  example.file = in.text();
  example.line = in.number();
  example.field = static_cast<Field>(in.byte());
  example.found = in.text();
  example.wanted = in.text();
}

template <typename Example>
void encode_examples(const std::vector<Example>& examples, ByteWriter& out) {
  out.number(examples.size());
  for (const Example& example : examples) encode_example(example, out);
}

template <typename Example>
void decode_examples(ByteReader& in, std::vector<Example>& examples) {
  examples.resize(in.count(4));
  for (Example& example : examples) decode_example(in, example);
}

void encode_input(const InputCounts& input, ByteWriter& out) {
  for (const auto count : kInputCounts) out.number(input.*count);
  encode_words(input.malformed_by_reason, out);
  encode_words(input.mended_by_field, out);
  encode_examples(input.examples, out);
  encode_examples(input.mended_examples, out);
  encode_time(input.newest_record, out);
  encode_time(input.newest_unread, out);
  for (const LineShare* share : {&input.window.all, &input.window.canary, &input.window.control}) {
    encode_share(*share, out);
  }
}

void decode_input(ByteReader& in, InputCounts& input) {
  for (const auto count : kInputCounts) input.*count = in.number();
  decode_words(in, input.malformed_by_reason);
  decode_words(in, input.mended_by_field);
  decode_examples(in, input.examples);
  decode_examples(in, input.mended_examples);
  input.newest_record = decode_time(in);
  input.newest_unread = decode_time(in);
  for (LineShare* share : {&input.window.all, &input.window.canary, &input.window.control}) {
    decode_share(in, *share);
  }
}

}  // namespace

std::string encode(const PartialSet& set) {
  ByteWriter out;
  encode(set.partials, out);
  for (const auto& [key, partial] : set.partials) encode_users(partial.users, out);
  encode_input(set.input, out);
  return out.take();
}

std::optional<PartialSet> decode_partial_set(std::string_view bytes) {
  ByteReader in(bytes);
  PartialSet set;
  decode(in, set.partials);
  for (auto& [key, partial] : set.partials) {
    if (!in.ok()) break;
    partial.users = decode_users(in);
  }
  decode_input(in, set.input);
  if (!in.done()) return std::nullopt;
  return set;
}

}  // namespace dagloop
