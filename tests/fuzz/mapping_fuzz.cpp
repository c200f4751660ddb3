// Mapping documents: whatever is accepted reads lines, and reads the same line alike each time.
#include <memory>
#include <variant>

#include "dagloop/record/mapping.hpp"
#include "dagloop/record/record_reader.hpp"
#include "property.hpp"

namespace dagloop::fuzz {
namespace {

constexpr std::string_view kLine =
    R"({"pipeline_run_id":"r1","request_id":"q","created_at":"2026-02-25T06:00:00Z",)"
    R"("status":"ok","detail":"node_id=n1; attempt=2;duration_ms=1.5;status=failed;a=b",)"
    R"("payload":{"status":["failed",{"a/b":1,"~":true}],"":null},"attempt":3,"x":1e3})";

ReadResult read(RecordReader& reader) {
  static const std::string padded = std::string(kLine) + std::string(kLinePadding, ' ');
  return reader.read({padded.data(), kLine.size()});
}

bool same(const ReadResult& a, const ReadResult& b) {
  if (a.index() != b.index()) return false;
  if (std::holds_alternative<OtherLine>(a)) return true;
  if (const auto* unread = std::get_if<UnreadLine>(&a)) {
    return unread->reason == std::get<UnreadLine>(b).reason;
  }
  const LogRecord& one = std::get<LogRecord>(a);
  const LogRecord& other = std::get<LogRecord>(b);
  return one.run_key == other.run_key && one.node_id == other.node_id &&
         one.status == other.status && one.created_at == other.created_at &&
         one.duration_ms == other.duration_ms && one.attempt == other.attempt &&
         one.error_code == other.error_code && one.population == other.population;
}

void check(const std::string& text) {
  const Json document = parse_json(text, "the mapping");
  require_same_when_printed(document);
  const Mapping mapping = parse_mapping(document, "the mapping");
  const Mapping again = parse_mapping(parse_json(to_canonical_json(document), "m"), "m");
  require(mapping.fields.size() == again.fields.size(), "the canonical form is the same mapping");
  RecordReader reader(mapping, *parse_time("2026-02-26T00:00:00Z"));
  const auto first = read(reader);
  RecordReader other(again, *parse_time("2026-02-26T00:00:00Z"));
  require(same(read(other), first), "equal mappings read alike");
  require(same(read(reader), read(other)), "and alike once more");
}

}  // namespace
}  // namespace dagloop::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dagloop::fuzz::refused([&] { dagloop::fuzz::check(dagloop::fuzz::text_of(data, size)); });
  return 0;
}
