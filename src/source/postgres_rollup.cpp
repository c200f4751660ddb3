#include "source/postgres_rollup.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "source/counted_range.hpp"
#include "source/postgres_aggregate.hpp"
#include "source/postgres_count.hpp"
#include "source/postgres_repetition.hpp"

namespace dagloop {
namespace {

constexpr const char* kWhole = ".whole";
constexpr std::chrono::hours kSealedAtOnce{2};  // the least by which a sealed range grows
constexpr std::int64_t kSlotsChecked = 24;      // the latest ones, and as many in turn

std::string time_column(const Mapping& mapping) {
  return quoted_name(column_of(mapping, Field::created_at));
}

std::string within(const std::string& column, const Window& window) {
  return fmt::format("({0} >= {1} AND {0} < {2})", column, time_literal(window.start),
                     time_literal(window.end));
}

std::vector<std::string> within_any(const std::string& column, const std::vector<Window>& windows) {
  std::vector<std::string> conditions;
  for (const Window& window : windows) conditions.push_back(within(column, window));
  return conditions;
}

// The same table, of which only some rows are seen.
PostgresTable part_with(const PostgresTable& table, const std::string& condition) {
  PostgresTable part = table;
  part.name = "(SELECT * FROM " + table.name + " WHERE " + condition + ") AS part";
  return part;
}

class RollupReading {
 public:
  RollupReading(pqxx::transaction_base& transaction, const std::vector<PostgresTable>& tables,
                const LogQuery& query, const SourceOptions& options)
      : transaction_(transaction), tables_(tables), query_(query), options_(options) {}

  // What a range holds, counted from its start.
  CountedRange count_anew(const LogQuery& range) {
    CountedRange kept;
    kept.query = range;
    std::vector<PostgresTable> parts;
    for (const PostgresTable& table : tables_) {
      parts.push_back(part_with(table, within(time_column(options_.mapping), range.range)));
    }
    const std::string repeated =
        repeated_keys(transaction_, {parts, scope_of(range), options_.statement_timeout});
    kept.sums = counted(parts, range, repeated);
    kept.slots = slots_of({floor_to_slot(range.range.start), range.range.end});
    return kept;
  }

  // Whether the slots that are looked at this time hold what they held.
  bool is_unchanged(const CountedRange& kept) {
    // To look at all slots would cost as much as to count. The newest are where late rows come; the
    // others take turns, so that a change in an old slot is found some ticks later.
    const std::int64_t first = slot_number(kept.query.range.start);
    const std::int64_t last = slot_number(kept.query.range.end);
    const std::int64_t turn = first + kept.turn % std::max<std::int64_t>(1, last - first);
    for (const std::int64_t from : {std::max(first, last - kSlotsChecked), turn}) {
      const std::int64_t to = std::min(last, from + kSlotsChecked);
      if (slots_of({slot_time(from), slot_time(to)}) != slots_between(kept.slots, from, to)) {
        return false;
      }
    }
    return true;
  }

  // What some rows are in a range: those of it alone, for what lies behind is not kept.
  RowSums counted(const std::vector<PostgresTable>& rows, const LogQuery& query) {
    std::vector<PostgresTable> tables;
    for (const PostgresTable& table : rows) {
      tables.push_back(part_with(table, within(time_column(options_.mapping), query.range)));
    }
    return counted(tables, query, repeated_query(tables, scope_of(query)));
  }

  // The sums of a range, moved to another one: the rows of runs that may lie elsewhere are taken
  // away, and come back as they lie there. None where that cannot be.
  std::optional<RowSums> moved(const CountedRange& from, const LogQuery& to) {
    const std::vector<Window> windows = windows_between(from.query, to);
    if (windows.empty()) return from.sums;
    const std::string at = time_column(options_.mapping);
    const std::vector<PostgresTable> touched =
        touched_by(within_any(at, windows), within(at, hull_of(from.query.range, to.range)));
    RowSums sums = from.sums;
    sums.add(counted(touched, from.query), RowSign::minus);
    RowSums::Newest newest = sums.newest();
    for (std::int64_t* us : {&newest.record_us, &newest.unread_us}) {
      if (*us < to.range.start.time_since_epoch().count()) *us = -1;
    }
    sums.set_newest(newest);
    sums.add(counted(touched, to), RowSign::plus);
    // More was taken away than there was: a row has changed that was not looked at. All is counted
    // anew.
    if (!sums.are_possible()) return std::nullopt;
    return sums;
  }

  // Makes a sealed range longer.
  bool seal(CountedRange& kept, const LogQuery& sealed) {
    std::optional<RowSums> sums = moved(kept, sealed);
    if (!sums) return false;
    kept.sums = *std::move(sums);
    kept.slots.merge(slots_of({kept.query.range.end, sealed.range.end}));
    kept.slots.erase(kept.slots.begin(), kept.slots.lower_bound(slot_number(sealed.range.start)));
    kept.query = sealed;
    return true;
  }

  // The tables, of which only the rows `in_hull` of runs are seen that have a row for which one of
  // the conditions holds.
  std::vector<PostgresTable> touched_by(const std::vector<std::string>& conditions,
                                        const std::string& in_hull) {
    std::string near;
    for (const PostgresTable& table : tables_) {
      for (const std::string& condition : conditions) {
        near += fmt::format("{}SELECT {} AS run, {} AS request FROM {} WHERE {}",
                            near.empty() ? "" : " UNION ALL ", key(table, Field::pipeline_run_id),
                            key(table, Field::request_id), table.name, condition);
      }
    }
    const std::string keys = fmt::format(
        "WITH dagloop_near AS MATERIALIZED ({}), dagloop_runs AS MATERIALIZED (SELECT DISTINCT run "
        "AS dagloop_key FROM dagloop_near WHERE run <> ''), dagloop_requests AS MATERIALIZED "
        "(SELECT "
        "DISTINCT request AS dagloop_key FROM dagloop_near WHERE (run <> '') IS NOT TRUE AND "
        "request "
        "<> '') ",
        near);
    // Keys are looked up one by one: the planner does not know how few they are.
    transaction_.exec(
        "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL "
        "enable_seqscan = off");
    std::vector<PostgresTable> parts;
    for (const PostgresTable& table : tables_) {
      std::string places;
      for (const pqxx::row& row : transaction_.exec(keys + places_query(table, in_hull) +
                                                    keyless_query(table, conditions))) {
        places += (places.empty() ? "\"" : ",\"") + row[0].as<std::string>() + "\"";
      }
      parts.push_back(part_with(table, "ctid = ANY ('{" + places + "}'::tid[])"));
    }
    transaction_.exec(
        "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_seqscan "
        "= on");
    return parts;
  }

  // The answer: the sums, and what no range holds: rows behind it, and those without a time. Of the
  // latter the malformed ones may be of runs inside: those are settled anew. None as with moved().
  std::optional<PartialSet> answer(const RowSums& sums) {
    const std::string at = time_column(options_.mapping);
    const std::string placeless =
        fmt::format("({0} > {1} OR {0} IS NULL)", at, time_literal(query_.latest));
    RowSums all = sums;
    std::vector<PostgresTable> beyond;
    for (const PostgresTable& table : tables_) {
      beyond.push_back(part_with(
          table, fmt::format("{0} >= {1} OR {0} IS NULL", at, time_literal(query_.range.end))));
    }
    const bool has_unread =
        count_runs(transaction_, beyond, scope_of(query_),
                   [&](const PartialRow& row) { all.add(row, query_, RowSign::plus); });
    if (has_unread && !settle_placeless(placeless, all)) return std::nullopt;
    return all.partials(query_);
  }

  // Counts the malformed rows without a place in the range among the runs of it.
  bool settle_placeless(const std::string& placeless, RowSums& sums) {
    const std::string in_range = within(time_column(options_.mapping), query_.range);
    const auto touched = touched_by({placeless}, "(" + in_range + " OR " + placeless + ")");
    std::vector<PostgresTable> inside;
    for (const PostgresTable& table : touched) inside.push_back(part_with(table, in_range));
    const RowSums::Newest newest = sums.newest();
    sums.add(settled(inside), RowSign::minus);
    sums.add(settled(touched), RowSign::plus);
    sums.set_newest(newest);
    return sums.are_possible();
  }

  // What settling adds to some rows of the query.
  RowSums settled(const std::vector<PostgresTable>& tables) {
    RowSums sums;
    const CountScope scope = scope_of(query_);
    settle_runs(transaction_, tables, scope, {repeated_query(tables, scope), true},
                [&](const PartialRow& row) { sums.add(row, query_, RowSign::plus); });
    return sums;
  }

  SlotMarks slots_of(const Window& window) {
    SlotMarks marks;
    if (window.start >= window.end) return marks;
    const std::string at = time_column(options_.mapping);
    for (const PostgresTable& table : tables_) {
      // A row that is written again has another xmin.
      for (const pqxx::row& row : transaction_.exec(
               fmt::format("SELECT floor(extract(epoch FROM {0}) / 300)::int8, count(*), "
                           "sum(xmin::text::int8) FROM {1} WHERE {2} GROUP BY 1",
                           at, table.name, within(at, window)))) {
        SlotMark& mark = marks[row[0].as<std::int64_t>()];
        mark.rows += row[1].as<std::int64_t>();
        mark.writers += row[2].as<std::int64_t>();
      }
    }
    return marks;
  }

 private:
  static std::string key_column(const Mapping& mapping, Field field) {
    return quoted_name(column_of(mapping, field));
  }

  std::string key(const PostgresTable& table, Field field) const {
    const std::string column = column_of(options_.mapping, field);
    return table.columns.contains(column) ? quoted_name(column) + "::text" : "NULL::text";
  }

  // The rows of those runs.
  std::string places_query(const PostgresTable& table, const std::string& in_hull) const {
    const Mapping& mapping = options_.mapping;
    const bool has_run = table.columns.contains(column_of(mapping, Field::pipeline_run_id));
    const bool has_request = table.columns.contains(column_of(mapping, Field::request_id));
    const std::string run = "t." + key_column(mapping, Field::pipeline_run_id);
    const std::string by_run = fmt::format(
        "SELECT t.ctid::text FROM dagloop_runs JOIN {} AS t ON {} = dagloop_key WHERE {}",
        table.name, run, in_hull);
    std::string by_request = fmt::format(
        "SELECT t.ctid::text FROM dagloop_requests JOIN {} AS t ON t.{} = dagloop_key WHERE {}{}",
        table.name, key_column(mapping, Field::request_id), in_hull,
        has_run ? fmt::format(" AND ({0} IS NULL OR {0} = '')", run) : "");
    if (!has_run) return by_request;
    return has_request ? by_run + " UNION ALL " + by_request : by_run;
  }

  // Rows without any key are no run's.
  std::string keyless_query(const PostgresTable& table,
                            const std::vector<std::string>& conditions) const {
    std::string query;
    for (const std::string& condition : conditions) {
      query += fmt::format(
          " UNION ALL SELECT ctid::text FROM {} WHERE {} AND ({} <> '') IS NOT TRUE AND ({} <> '') "
          "IS NOT TRUE",
          table.name, condition, key(table, Field::pipeline_run_id), key(table, Field::request_id));
    }
    return query;
  }

  RowSums counted(const std::vector<PostgresTable>& tables, const LogQuery& query,
                  const std::string& repeated) {
    RowSums sums;
    const RowSink sink = [&](const PartialRow& row) { sums.add(row, query, RowSign::plus); };
    const CountScope scope = scope_of(query);
    const bool has_unread = count_runs(transaction_, tables, scope, sink);
    settle_runs(transaction_, tables, scope, {repeated, has_unread}, sink);
    return sums;
  }

  CountScope scope_of(const LogQuery& query) const {
    return {options_.mapping, options_.rules, query, options_.classes};
  }

  pqxx::transaction_base& transaction_;
  const std::vector<PostgresTable>& tables_;
  const LogQuery& query_;
  const SourceOptions& options_;
};

// Queries of different shape keep sums beside one another.
std::string sums_name(const LogQuery& query) {
  const auto days = std::chrono::floor<std::chrono::days>(query.range.length()).count();
  return fmt::format("counts.{}.{}", query.cuts.size(), days);
}

// None where it is missing, damaged, or too far away.
std::optional<CountedRange> kept_value(const RollupValues& stored, const std::string& name,
                                       const LogQuery& query) {
  const auto value = stored.values.find(name);
  if (value == stored.values.end()) return std::nullopt;
  std::optional<CountedRange> kept = decode_counted_range(value->second);
  if (!kept || !is_near(kept->query, query)) return std::nullopt;
  kept->query.latest = query.latest;  // no row of a range is of the future
  return kept;
}

bool is_plain_text(const std::string& type) { return type == "text" || type == "varchar"; }

}  // namespace

bool can_keep(const std::vector<PostgresTable>& tables, const Mapping& mapping) {
  return std::ranges::all_of(tables, [&](const PostgresTable& table) {
    const std::string at = column_of(mapping, Field::created_at);
    if (!table.is_plain || table.columns.at(at) != "timestamptz") return false;
    for (const Field field : {Field::pipeline_run_id, Field::request_id}) {
      const auto mapped = mapping.fields.find(std::string(to_string(field)));
      if (mapped != mapping.fields.end() && !mapped->second.aliases.empty()) return false;
      const std::string column = column_of(mapping, field);
      const auto found = table.columns.find(column);
      if (found == table.columns.end()) continue;
      if (!is_plain_text(found->second) || !table.indexed.contains(column)) return false;
    }
    return true;
  });
}

std::optional<PartialSet> read_with_rollup(pqxx::transaction_base& transaction,
                                           const std::vector<PostgresTable>& tables,
                                           const LogQuery& query, const SourceOptions& options,
                                           const std::string& log) {
  const LogQuery sealed = sealed_part(query, options.lateness);
  if (query.latest < query.range.end || query.cuts.empty()) return {};
  if (sealed.range.start >= sealed.range.end) return {};
  RollupReading reading(transaction, tables, query, options);
  const std::string name = sums_name(query);
  const RollupValues stored = options.rollup->load(log, name, name + kWhole);
  std::optional<CountedRange> kept = kept_value(stored, name, query);
  std::optional<CountedRange> whole = kept_value(stored, name + kWhole, query);
  if (!kept || !reading.is_unchanged(*kept)) {
    kept = reading.count_anew(sealed);
    whole.reset();
  }
  // What the last tick counted serves as long as the rows that were not sealed are still the same.
  const bool is_whole =
      whole && whole->slots == reading.slots_of({kept->query.range.end, whole->query.range.end});
  const CountedRange& base = is_whole ? *whole : *kept;
  const std::optional<RowSums> sums = reading.moved(base, query);
  if (!sums) return {};
  std::optional<PartialSet> answer = reading.answer(*sums);
  if (!answer) return {};
  const bool is_earlier = sealed.range.end < kept->query.range.end ||
                          (is_whole && query.range.end < whole->query.range.end);
  // A look back in time (--as-of, another window) must not replace what the next tick goes on from.
  if (is_earlier) return answer;
  if (sealed.range.end - kept->query.range.end >= kSealedAtOnce && !reading.seal(*kept, sealed)) {
    return {};
  }
  kept->turn += kSlotsChecked;
  const CountedRange next{query, *sums, reading.slots_of({kept->query.range.end, query.range.end}),
                          0};
  options.rollup->commit(log, stored.version,
                         {{}, {{name, encode(*kept)}, {name + kWhole, encode(next)}}});
  return answer;
}

}  // namespace dagloop
