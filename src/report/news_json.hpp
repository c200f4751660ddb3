// What is new since evidence was last added to, as JSON. Private to the report layer.
#pragma once

#include "dagloop/base/json_reader.hpp"
#include "dagloop/kpi/arm_figures.hpp"

namespace dagloop {

/// Returns news as JSON, without users, its steps as blocks, and reads them back.
///
/// Errors: Error{config} naming the member.
Json news_to_json(const News& news);
News read_news(const JsonReader& reader);

}  // namespace dagloop
