#include "dagloop/record/mapping_guess.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "dagloop/record/mapping.hpp"
#include "dagloop/record/mapping_explanation.hpp"
#include "reading.hpp"

namespace dagloop::test {
namespace {

// `line` thirty times, with the number of each for every #.
std::vector<std::string> thirty(const std::string& line) {
  std::vector<std::string> lines;
  for (int i = 0; i < 30; ++i) {
    std::string text = line;
    for (std::size_t at = text.find('#'); at != std::string::npos; at = text.find('#')) {
      text.replace(at, 1, std::to_string(10 + i));
    }
    lines.push_back(text);
  }
  return lines;
}

std::string guessed_field(const std::string& line, const std::string& field) {
  const MappingGuess guess = guess_mapping(thirty(line), DocumentLayout::lines);
  CHECK_NOTHROW(parse_mapping(guess.document, "guess"));
  const Json* found = guess.document.find("fields")->find(field);
  return found == nullptr ? "own name" : to_compact_json(*found);
}

TEST_CASE("times are guessed by their names, and how they are written by their values") {
  const std::string rest = R"("run_id":"r#","status":"ok",)";
  CHECK(guessed_field("{" + rest + R"("end_time":"2026-02-25T06:00:#"})", "created_at") ==
        R"({"column":"end_time","zone":"UTC"})");
  CHECK(guessed_field("{" + rest + R"("finishedAt":17720028000#})", "created_at") ==
        R"({"column":"finishedAt","epoch":"ms"})" + std::string());
  CHECK(guessed_field("{" + rest + R"("a":{"started":1772002810},"a2":{"ended":"17720028#"}})",
                      "created_at") == R"({"pointer":"/a2/ended","epoch":"s"})");
  CHECK(guessed_field("{" + rest + R"("created_at":"2026-02-25T06:00:#Z"})", "created_at") ==
        "own name");
}

TEST_CASE("a duration's unit is guessed by its name, else by its size") {
  const std::string rest = R"("run_id":"r#","status":"ok","ts":"2026-02-25T06:00:#Z",)";
  CHECK(guessed_field("{" + rest + R"("elapsed_seconds":#})", "duration_ms") ==
        R"({"column":"elapsed_seconds","unit":"s"})");
  CHECK(guessed_field("{" + rest + R"("latency":1.#})", "duration_ms") ==
        R"({"column":"latency","unit":"s"})");
  CHECK(guessed_field("{" + rest + R"("took":12#})", "duration_ms") == R"({"column":"took"})");
}

TEST_CASE("words of a status that nobody knows are taken for failed, and told") {
  const std::string line = R"({"run_id":"r#","ts":"2026-02-25T06:00:#Z","state":"ok"})";
  std::vector<std::string> lines = thirty(line);
  lines.push_back(R"({"run_id":"r1","ts":"2026-02-25T06:00:00Z","state":"sideways"})");
  lines.push_back("no JSON");
  const MappingGuess guess = guess_mapping(lines, DocumentLayout::lines);
  CHECK(to_compact_json(*guess.document.find("fields")->find("status")) ==
        R"({"column":"state","aliases":{"sideways":"failed"}})");
  CHECK(guess.looks.front() == "status: \"sideways\" is taken for failed");
}

TEST_CASE("of a log that tells nothing a guess says what is missing") {
  const MappingGuess guess = guess_mapping({"{}", "[1]", "x"}, DocumentLayout::lines);
  CHECK_NOTHROW(parse_mapping(guess.document, "guess"));
  CHECK(guess.looks.size() == 4);
}

TEST_CASE("an explanation counts where fields come from, and names the first unread line") {
  const Mapping mapping = parse_mapping(
      parse_json(R"({"schema":"dagloop.mapping/1","only":{"column":"k","values":["r"]},"fields":{
        "pipeline_run_id":["dag","id"],"node_id":null,
        "created_at":{"column":"end","zone":"+09:00","else":{"column":"t","epoch":"s"}}}})",
                 "m"),
      "m");
  const std::vector<std::string> text = explain_mapping(
      mapping,
      {R"({"k":"r","dag":"d","id":1,"end":"2026-02-25T06:00:00","status":"ok"})",
       R"({"k":"r","dag":"d","id":2,"t":1772002800,"status":"failed"})", R"({"k":"x"})", "",
       R"({"k":"r","dag":"d","id":3,"end":"soon","status":"ok"})"},
      at("2026-02-26T00:00:00Z"));
  const auto has = [&](const std::string& part) {
    return std::any_of(text.begin(), text.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  };
  CHECK(text.front() == "4 lines: 2 records (2 of runs, 0 of nodes), 1 other lines, 1 unread");
  CHECK(has("first unread: line 4: created_at: the text \"soon\""));
  CHECK(has("column end (zone +09:00): 2 of 3; else column t (s since 1970): 1 of 3"));
  CHECK(has("column dag: 3 of 3, joined with column id: 3 of 3"));
  CHECK(has("node_id              not read"));
  CHECK(has("from 2026-02-24T21:00:00Z to 2026-02-25T07:00:00Z"));
}

TEST_CASE("places are found where the reader finds them, and nowhere else") {
  const Mapping mapping =
      parse_mapping(parse_json(R"({"schema":"dagloop.mapping/1","detail_column":"info","fields":{
        "pipeline_run_id":{"pointer":"/tags/0"},"node_id":null,
        "created_at":{"pointer":"/payload/end"},
        "error_code":{"pointer":"/attributes/code"},
        "status":{"detail":"status","else":{"column":"state"}},
        "attempt":{"detail":"try"}}})",
                               "m"),
                    "m");
  const std::vector<std::string> text = explain_mapping(
      mapping,
      {R"({"tags":["r1"],"payload":"{\"end\":\"2026-02-25T06:00:00Z\"}","state":"ok",)"
       R"("info":"old_status=1; try = 2","attributes":[{"key":"code","value":{"intValue":"5"}}]})",
       R"({"tags":["r2"],"payload":{"end":"2026-02-25T07:00:00Z"},"state":"",)"
       R"("info":"x;status=failed;try="})"},
      at("2026-02-26T00:00:00Z"));
  const auto has = [&](const std::string& part) {
    return std::any_of(text.begin(), text.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  };
  CHECK(text.front() == "2 lines: 2 records (2 of runs, 0 of nodes), 0 other lines, 0 unread");
  CHECK(has("pointer /tags/0: 2 of 2"));
  CHECK(has("pointer /payload/end: 2 of 2"));
  CHECK(has("pointer /attributes/code: 1 of 2"));
  CHECK(has("detail status: 1 of 2; else column state: 1 of 2"));
  CHECK(has("detail try: 1 of 2"));
}

TEST_CASE("an exit code is no status of a span, and nobody guesses which arm is the canary") {
  const MappingGuess guess = guess_mapping(
      {R"({"job_id":"a","finished_at":"2026-02-25T06:00:00Z","exit_code":0,"arm":"stable"})",
       R"({"job_id":"b","finished_at":"2026-02-25T06:01:00Z","exit_code":1,"arm":"stable"})",
       R"({"job_id":"c","finished_at":"2026-02-25T06:02:00Z","exit_code":2,"arm":"new"})"},
      DocumentLayout::lines);
  const Json* status = guess.document.find("fields")->find("status");
  REQUIRE(status != nullptr);
  CHECK(to_compact_json(*status->find("aliases")) ==
        R"({"0":"succeeded","1":"failed","2":"failed"})");
  CHECK(guess.document.find("fields")->find("cohort") == nullptr);
  CHECK(std::any_of(guess.looks.begin(), guess.looks.end(), [](const std::string& look) {
    return look.starts_with("cohort: arm has the words new, stable; ");
  }));
}

TEST_CASE("an explanation says what of the cohorts is read") {
  const auto explained = [](const std::string& aliases) {
    const Mapping mapping = parse_mapping(
        parse_json(
            R"({"schema":"dagloop.mapping/1","fields":{"cohort":{"column":"arm")" + aliases + "}}}",
            "m"),
        "m");
    std::string all;
    for (
        const std::string& line : explain_mapping(
            mapping,
            {R"({"pipeline_run_id":"a","created_at":"2026-02-25T06:00:00Z","status":"ok","arm":"new"})",
             R"({"pipeline_run_id":"b","created_at":"2026-02-25T06:00:00Z","status":"ok","arm":"old"})"},
            at("2026-02-26T00:00:00Z"))) {
      all += line + "\n";
    }
    return all;
  };
  const std::string none = explained("");
  CHECK_THAT(none, Catch::Contains("cohorts: canary 0, control 0, none that can be read 2\n"));
  CHECK_THAT(none, Catch::Contains("odd: no record of the canary, or none of control; "));
  const std::string both = explained(R"(,"aliases":{"new":"canary","old":"control"})");
  CHECK_THAT(both, Catch::Contains("cohorts: canary 1, control 1, none that can be read 0\n"));
  CHECK_THAT(both, !Catch::Contains("odd: no record of the canary"));
}

}  // namespace
}  // namespace dagloop::test
