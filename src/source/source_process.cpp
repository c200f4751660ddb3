#include "dagloop/source/source_process.hpp"

#include <csignal>
#include <exception>
#include <stdexcept>
#include <utility>

#include "dagloop/base/bytes.hpp"
#include "dagloop/base/error.hpp"
#include "dagloop/base/time.hpp"
#include "dagloop/kpi/partial_set_codec.hpp"

namespace dagloop {
namespace {

// What the first byte of an answer says of the rest.
enum class Answer : std::uint8_t { set, error, bug };

std::string told(Answer answer, const std::string& text) {
  ByteWriter out;
  out.byte(static_cast<std::uint8_t>(answer));
  out.raw(text);
  return out.take();
}

// In the child.
std::string read_and_tell(const SourceToOpen& source, Reading reading, const LogQuery& query) {
  try {
    std::string bytes = encode(source.open(reading)->read(query));
    bytes.insert(bytes.begin(), static_cast<char>(Answer::set));
    return bytes;
  } catch (const Error& error) {
    return told(Answer::error, static_cast<char>(error.kind()) + std::string(error.what()));
  } catch (const std::exception& error) {
    return told(Answer::bug, error.what());
  }
}

[[noreturn]] void refuse_answer(const std::string& name) {
  throw Error(ErrorKind::internal, name, "the process that reads it gave no answer",
              "this is a bug: please report it with this line");
}

// In the caller.
PartialSet told_set(const std::string& name, std::string_view bytes) {
  ByteReader in(bytes);
  const auto answer = static_cast<Answer>(in.byte());
  switch (answer) {
    case Answer::set:
      if (auto set = decode_partial_set(in.rest())) return *std::move(set);
      break;
    case Answer::error: {
      const auto kind = static_cast<ErrorKind>(in.byte());
      throw Error::retold(kind, std::string(in.rest()));
    }
    case Answer::bug:
      throw std::runtime_error(std::string(in.rest()));
  }
  refuse_answer(name);
}

std::string seconds_text(std::chrono::milliseconds time) {
  return format_duration(std::chrono::ceil<std::chrono::seconds>(time));
}

[[noreturn]] void refuse_end(const SourceToOpen& source, const ChildOutcome& outcome) {
  using End = ChildOutcome::End;
  const auto refuse = [&](const std::string& what, const char* remedy) {
    throw Error(ErrorKind::source, source.name, what, remedy);
  };
  if (outcome.end == End::silent) {
    refuse(
        "gave no sign of life for " + seconds_text(source.limits.silence),
        "check that the server or the disk answers; input.statement_timeout says how long it may "
        "keep silent");
  }
  if (outcome.end == End::too_long) {
    refuse("is not read within " + seconds_text(source.limits.whole),
           "raise input.read_timeout, take a shorter window, or let a rollup store keep counts");
  }
  if (outcome.signal == SIGKILL) {
    refuse("the process that reads it was killed", "look for a lack of memory in the system's log");
  }
  refuse_answer(source.name);
}

}  // namespace

PartialSet SourceProcess::read(const LogQuery& query) {
  const Reading reading = std::exchange(reading_, Reading::again);
  if (reading == Reading::first && source_.prepare) source_.prepare();
  const ChildOutcome outcome =
      call_in_child([&] { return read_and_tell(source_, reading, query); }, source_.limits);
  if (outcome.end != ChildOutcome::End::done) refuse_end(source_, outcome);
  return told_set(source_.name, outcome.bytes);
}

}  // namespace dagloop
