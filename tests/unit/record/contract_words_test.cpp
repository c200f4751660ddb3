// The table of the contract's words is whole: every enumerator has one, and what is printed is read.
#include "dagloop/record/contract_words.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "reading.hpp"

namespace dagloop::test {
namespace {

// The printed words stand first, one a value and in the order of the values; each word is read.
template <typename Value, std::size_t kCount>
void check_words(const std::array<Word<Value>, kCount>& words, int first, int last) {
  for (int value = first; value <= last; ++value) {
    const auto place = static_cast<std::size_t>(value - first);
    REQUIRE(place < kCount);
    CHECK(words[place].value == static_cast<Value>(value));
    CHECK(word_of(words, static_cast<Value>(value)) == words[place].text);
  }
  std::set<std::string_view> texts;
  for (const Word<Value>& word : words) {
    CAPTURE(word.text);
    CHECK_FALSE(word.text.empty());
    CHECK(texts.insert(word.text).second);
    CHECK(value_of(words, word.text) == word.value);
    CHECK(value_in_any_case(words, word.text) == word.value);
    for (const char c : word.text) CHECK_FALSE(is_ascii_upper(c));
    CHECK_FALSE(word_of(words, word.value).empty());
  }
  CHECK_FALSE(value_of(words, "").has_value());
  CHECK_FALSE(value_of(words, "no word").has_value());
}

// Of a repeated key the last one counts.
Reading read_with(Field field, std::string_view word) {
  return read_line(
      run_line(",\"" + std::string(to_string(field)) + "\":\"" + std::string(word) + "\""));
}

}  // namespace

TEST_CASE("every value of the contract has one printed word, and every word is read back") {
  check_words(kStatusWords, 0, static_cast<int>(Status::compensating));
  check_words(kCompensationWords, 1, static_cast<int>(CompensationStatus::manual_required));
  check_words(kCohortWords, 1, static_cast<int>(Cohort::control));
  check_words(kRejectWords, 0, static_cast<int>(RejectReason::line_too_long));
}

TEST_CASE("a record of a file has every word of the contract") {
  for (const Word<Status>& word : kStatusWords) {
    CAPTURE(word.text);
    CHECK(read_with(Field::status, word.text).record().status == word.value);
  }
  for (const Word<CompensationStatus>& word : kCompensationWords) {
    CAPTURE(word.text);
    const Reading reading = read_with(Field::compensation_status, word.text);
    CHECK(reading.record().compensation == word.value);
  }
  for (const Word<Cohort>& word : kCohortWords) {
    CAPTURE(word.text);
    CHECK(read_with(Field::cohort, word.text).record().cohort == word.value);
  }
  for (const std::string_view mode : kDagModes) {
    CAPTURE(mode);
    CHECK(read_with(Field::execution_mode, mode).record().population == Population::dag);
  }
}

TEST_CASE("a word of any case, with spaces around it, is that word") {
  CHECK(value_in_any_case(kStatusWords, "SUCCEEDED") == Status::succeeded);
  CHECK(value_in_any_case(kStatusWords, "In_Progress") == Status::running);
  CHECK(value_in_any_case(kCohortWords, "  Canary ") == Cohort::canary);
  for (const char* word : {"canary\t", "can ary", "canaries", "", " "}) {
    CAPTURE(word);
    CHECK_FALSE(value_in_any_case(kCohortWords, word).has_value());
  }
}

TEST_CASE("every word for a timeout is a status, and one that failed") {
  for (const std::string_view word : kTimeoutWords) {
    CHECK(value_of(kStatusWords, word) == Status::failed);
  }
}

TEST_CASE("a field is found by its name") {
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    CHECK(field_named(kContractFields.at(i).name) == static_cast<Field>(i));
  }
  CHECK_FALSE(field_named("prompt").has_value());
}

TEST_CASE("final statuses stand before the others") {
  for (int i = 0; i < static_cast<int>(Status::compensating); ++i) {
    CHECK(is_final(static_cast<Status>(i)) >= is_final(static_cast<Status>(i + 1)));
  }
}

TEST_CASE("the order of reasons has each that a record's fields can give once") {
  std::set<RejectReason> ordered(kRejectOrder.begin(), kRejectOrder.end());
  CHECK(ordered.size() == kRejectOrder.size());
  for (const Word<RejectReason>& word : kRejectWords) {
    // These two are of a line that has no fields.
    const bool is_of_a_line =
        word.value == RejectReason::not_json_object || word.value == RejectReason::line_too_long;
    CHECK(ordered.contains(word.value) != is_of_a_line);
  }
}

TEST_CASE("fields have names of their own") {
  std::set<std::string_view> names;
  for (const ContractField& field : kContractFields) names.insert(field.name);
  CHECK(names.size() == kFieldCount);
  CHECK(to_string(Field::request_id) == "request_id");
  CHECK(to_string(Field::cohort) == "cohort");
  CHECK(type_of(Field::created_at) == FieldType::time);
  CHECK(type_of(Field::idempotent_reuse) == FieldType::truth);
}

}  // namespace dagloop::test
