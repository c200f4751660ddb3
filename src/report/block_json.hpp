// Blocks of a quality report: what was counted step by step. Private to the report layer.
#pragma once

#include "dagloop/base/json.hpp"
#include "dagloop/base/json_reader.hpp"
#include "dagloop/base/struct_codec.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

/// Returns the steps with a run as blocks, the counts of each side by place, and those of strata
/// where there are several; without users, cold runs and latencies by edge. More than kMostBlocks
/// are left out: none is. With more than 2,000 sides of strata neighbours are merged, two by two.
Json blocks_to_json(const std::vector<NewsStep>& steps);

/// Reads them.
///
/// Errors: Error{config} for blocks that do not follow one another, and for impossible counts.
std::vector<NewsStep> read_blocks(const JsonReader& reader);

/// Both, of a member.
inline constexpr ByHand<std::vector<NewsStep>> kBlocks{&blocks_to_json, &read_blocks};

/// Returns whether all blocks lie within the window of the news.
bool are_blocks_inside(const News& news);

/// Returns whether the blocks of no side count more than the side as a whole, and the strata of no
/// block more than the block.
bool are_blocks_parts(const News& news);

}  // namespace dagloop
