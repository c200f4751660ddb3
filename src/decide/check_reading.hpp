// Reading KPI names and numbers of configurations. Pure; private to the decide layer.
#pragma once

#include <cstdint>
#include <string>

#include "dagloop/base/json_reader.hpp"
#include "dagloop/decide/gate.hpp"

namespace dagloop {

/// Reads the name of a population KPI.
///
/// Errors: Error{config} for any other word.
std::string read_kpi_name(const JsonReader& reader);

/// Reads a comparator's sign.
///
/// Errors: Error{config} for any other word.
Comparator read_comparator(const JsonReader& reader);

/// Reads the threshold of a figure called `kpi`.
///
/// Errors: Error{config} for a negative one, or for a rate's above 1 (90 where 0.9 was meant).
double read_threshold(const JsonReader& reader, const std::string& kpi);

/// Reads a sample size.
///
/// Errors: Error{config} below 1.
std::uint64_t read_sample(const JsonReader& reader);

}  // namespace dagloop
