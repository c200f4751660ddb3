// The first lines of a log in files, to be looked at by a person. Touches the world.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace dagloop {

/// How much of a log is looked at.
struct HeadLimits {
  std::size_t lines = 10'000;
  std::size_t bytes = std::size_t{32} << 20;
};

/// Returns the first lines of files, in the order of their names; with `records` (a pointer, as in
/// Mapping) the first records of their documents.
///
/// Errors: Error{usage} where a source is a database; Error{source} where nothing can be read.
std::vector<std::string> first_lines(const std::vector<std::string>& sources,
                                     const std::optional<std::string>& records,
                                     const HeadLimits& limits = {});

}  // namespace dagloop
