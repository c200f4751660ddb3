// Guesses a mapping for an unknown log from names and values, to be looked at by a person. Pure.
#pragma once

#include <string>
#include <vector>

#include "dagloop/base/json.hpp"

namespace dagloop {

/// A guess.
struct MappingGuess {
  Json document;                   // a mapping, which parse_mapping() takes
  std::vector<std::string> looks;  // what a person has to look at, a sentence each
};

/// Whether each document of a file stands on one line.
enum class DocumentLayout { lines, free };

/// Guesses how the records of a log are mapped.
///
/// Shape: `documents` are the first lines, or JSON documents, of a log; `layout` says whether each
///        stands on a line of its own. What is no JSON is passed over.
MappingGuess guess_mapping(const std::vector<std::string>& documents, DocumentLayout layout);

}  // namespace dagloop
