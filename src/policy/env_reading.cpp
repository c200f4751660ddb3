#include "dagloop/policy/env_reading.hpp"

#include <algorithm>

namespace dagloop {

std::string_view to_string(EnvReader reader) {
  switch (reader) {
    case EnvReader::systemd:
      return "systemd";
    case EnvReader::docker:
      return "docker";
    case EnvReader::shell:
      return "shell";
    case EnvReader::node:
      return "dotenv (node)";
    case EnvReader::python:
      return "dotenv (python)";
    case EnvReader::ruby:
      return "dotenv (ruby)";
    case EnvReader::go:
      return "dotenv (go)";
  }
  return "";
}

std::map<std::string_view, const EnvSight*> last_sights(const EnvReading& reading) {
  std::map<std::string_view, const EnvSight*> last;
  for (const EnvSight& sight : reading.seen) last[sight.key] = &sight;
  return last;
}

const EnvSight* EnvReading::find(std::string_view key) const {
  const auto last = std::find_if(seen.rbegin(), seen.rend(),
                                 [&](const EnvSight& each) { return each.key == key; });
  return last == seen.rend() ? nullptr : &*last;
}

}  // namespace dagloop
