// The twins of the loaders against what the loaders themselves read (scripts/record_env_readings.py
// records it, tests/cli/test_env_loaders.py compares the record with the loaders installed).
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "dagloop/base/json.hpp"
#include "dagloop/policy/env_reading.hpp"

using namespace dagloop;

namespace {

struct Recorded {
  std::string text;
  bool is_utf8 = true;
  // By loader, bash and dash apart; nullopt where it refuses the file.
  std::map<std::string, std::optional<std::map<std::string, std::string>>> readings;
};

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

Recorded recorded_from(const Json& document) {
  Recorded recorded;
  const Json* hex = document.find("hex");
  recorded.text = hex != nullptr ? from_hex(hex->as_string()) : document.find("text")->as_string();
  recorded.is_utf8 = hex == nullptr;
  for (const Json& group : document.find("readings")->as_array()) {
    std::optional<std::map<std::string, std::string>> values;
    if (const Json& reading = group.as_array()[1]; reading.is_object()) {
      values.emplace();
      for (const auto& [key, value] : reading.as_object()) values->emplace(key, value.as_string());
    }
    for (const Json& name : group.as_array()[0].as_array()) {
      recorded.readings.emplace(name.as_string(), values);
    }
  }
  return recorded;
}

std::vector<Recorded> recorded_readings() {
  const char* other = std::getenv("DAGLOOP_ENV_READINGS");
  std::ifstream file(other != nullptr ? other : DAGLOOP_ENV_READINGS);
  std::vector<Recorded> all;
  for (std::string line; std::getline(file, line);) {
    all.push_back(recorded_from(parse_json(line, "env_readings.jsonl")));
  }
  return all;
}

std::vector<std::string> loaders_of(EnvReader reader) {
  switch (reader) {
    case EnvReader::shell:
      return {"bash", "dash"};
    case EnvReader::node:
      return {"node"};
    case EnvReader::python:
      return {"python"};
    case EnvReader::ruby:
      return {"ruby"};
    case EnvReader::go:
      return {"go"};
    default:
      return {std::string(to_string(reader))};
  }
}

// A record has U+FFFD for bytes that are no UTF-8: what they are is not compared.
bool is_comparable(const std::string& value) {
  return value.find("\xEF\xBF\xBD") == std::string::npos;
}

std::string shown(const std::optional<std::string>& value) {
  return value ? "'" + *value + "'" : "-";
}

}  // namespace

TEST_CASE("what a twin of a loader is sure of is what the loader reads") {
  const auto all = recorded_readings();
  REQUIRE(all.size() > 300);
  std::map<EnvReader, std::size_t> sure;
  for (const Recorded& recorded : all) {
    for (const EnvReader reader : kEnvReaders) {
      const EnvReading reading = read_env(reader, recorded.text);
      for (const std::string& loader : loaders_of(reader)) {
        const auto& real = recorded.readings.at(loader);
        INFO(loader << " reads " << recorded.text.substr(0, 200));
        const auto& stop = reading.stop ? reading.stop : reading.strict;
        // A shell's twin gives up early, Ruby's is that of two editions; go takes any byte.
        if (reader == EnvReader::ruby) CHECK((stop || real));
        if (reader != EnvReader::shell && reader != EnvReader::ruby && recorded.is_utf8) {
          CHECK(stop.has_value() == !real.has_value());
        }
        if (stop || !real) continue;
        for (const std::string key : {"OURS", "LAST", "A", "B"}) {
          const EnvSight* sight = reading.find(key);
          if (sight != nullptr && sight->certainty == EnvCertainty::unsure) continue;
          const bool is_set = sight != nullptr && sight->certainty == EnvCertainty::known;
          const auto there = real->find(key);
          const auto value =
              there == real->end() ? std::nullopt : std::optional<std::string>(there->second);
          if (value && !is_comparable(*value)) continue;
          INFO(key);
          CHECK(shown(is_set ? std::optional<std::string>(sight->value) : std::nullopt) ==
                shown(value));
          sure[reader] += is_set ? 1 : 0;
        }
      }
    }
  }
  // Not merely by being sure of nothing.
  for (const EnvReader reader : kEnvReaders) CHECK(sure[reader] > all.size() / 2);
}
