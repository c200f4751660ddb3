// Private to the source layer: the records of JSON documents, which stand in arrays, as lines. One
// thread at a time.
#pragma once

#include <memory>
#include <string>

#include "source/byte_stream.hpp"

namespace dagloop {

/// Returns the elements of the arrays at `pointer` of the documents in `from`, one a line, in their
/// order.
///
/// Shape:  documents follow one another, laid out in whatever way; a byte order mark is dropped. An
///         object at the pointer is a record itself, and null is none. A document that is an array
///         has its records in it, whatever the pointer; one that has nothing at the pointer's first
///         token is a record itself. What is no JSON or is cut off gives a line that is no record:
///         it counts as malformed. Where the first document stands on one line so does each, and
///         one that is cut off costs no other.
/// Errors: those of `from`.
/// Cost:   linear; holds what one read of `from` gives.
std::unique_ptr<ByteStream> make_record_stream(const std::string& pointer,
                                               std::unique_ptr<ByteStream> from);

}  // namespace dagloop
