// Private to the source layer: what a mapping lets a database do by itself. Pure.
#pragma once

#include "dagloop/record/contract_words.hpp"
#include "dagloop/source/log_source.hpp"

namespace dagloop {

/// Returns whether a database can count what is asked for, types of columns apart: every field
/// stands in a column of its own, words alone have aliases, and `created_at` is the end.
bool can_count_in_sql(const SourceOptions& options);

/// Returns whether the mapping has other words for values of a field: then a server, which knows
/// only what stands in the column, cannot tell by it which rows may matter.
bool has_aliases(const Mapping& mapping, Field field);

}  // namespace dagloop
