// One run's records as the contract orders them, and a run derived from its nodes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "make_record.hpp"

namespace dagloop::test::naive {

/// A node and, of a fan-out, the item.
using Place = std::pair<std::string, std::optional<std::uint32_t>>;

inline bool lacks(const OwnedRecord& record, Field field) {
  return (record.lacks & unread_bit(field)) != 0;
}

inline bool bad(Status status) {
  return is_final(status) && status != Status::succeeded && status != Status::skipped;
}

inline bool is_upstream_failed(const OwnedRecord& node) {
  return node.error_code == "Upstream_Failed";
}

inline bool bad(const OwnedRecord& node) {
  return bad(node.status) || (is_upstream_failed(node) && is_final(node.status));
}

inline bool is_attempt(const OwnedRecord& node) {
  return node.status != Status::skipped && !is_upstream_failed(node) && !node.undoes;
}

inline std::string latest(const std::vector<OwnedRecord>& nodes, std::string OwnedRecord::*text) {
  std::string found;
  TimePoint latest = TimePoint::min();
  for (const OwnedRecord& node : nodes) {
    if ((node.*text).empty() || node.at < latest) continue;
    if (node.at > latest || node.*text < found) found = node.*text;
    latest = node.at;
  }
  return found;
}

inline std::optional<std::uint64_t> sum(const std::vector<OwnedRecord>& nodes,
                                        std::optional<std::uint64_t> OwnedRecord::*number) {
  std::optional<std::uint64_t> total;
  for (const OwnedRecord& node : nodes) {
    if (node.*number) total = total.value_or(0) + *(node.*number);
  }
  return total;
}

inline auto content(const OwnedRecord& r) {
  return std::tuple(r.status, r.error_code, r.compensation, r.population, r.cohort, r.verification,
                    r.fallback, r.reuse, r.duration_ms.value_or(-1), r.undoes && !r.node.empty(),
                    r.fanout_total, r.fanout_failed, r.tokens.value_or(0), r.cost.value_or(0),
                    r.tokens.has_value(), r.cost.has_value(), r.plan_source, r.pipeline, r.lacks);
}

// "Two run records of one run: the later stands; on a tie a final status over a non-final one."
// Records that tie beyond that are ordered by content, whatever the order they came in.
inline bool stands_before(const OwnedRecord& a, const OwnedRecord& b) {
  if (a.at != b.at) return a.at < b.at;
  if (is_final(a.status) != is_final(b.status)) return is_final(b.status);
  return content(a) < content(b);
}

// "Highest attempt, then latest."
inline bool attempt_before(const OwnedRecord& a, const OwnedRecord& b) {
  if (a.attempt != b.attempt) return a.attempt < b.attempt;
  if (a.at != b.at) return a.at < b.at;
  if (is_final(a.status) != is_final(b.status)) return is_final(b.status);
  if (bad(a.status) != bad(b.status)) return bad(b.status);
  return content(a) < content(b);
}

template <typename Test>
bool any(const std::vector<OwnedRecord>& records, const Test& test) {
  return std::any_of(records.begin(), records.end(), test);
}

// max(end) - min(start) is the longest time from a record's start to the run's end.
inline void derive_duration(OwnedRecord& run, const std::vector<OwnedRecord>& nodes) {
  if (!any(nodes, [](const OwnedRecord& n) { return n.duration_ms.has_value(); })) return;
  double longest = 0;
  for (const OwnedRecord& node : nodes) {
    const double after_ms = static_cast<double>((run.at - node.at).count()) / 1000;
    longest = std::max(longest, after_ms + node.duration_ms.value_or(0));
  }
  run.duration_ms = longest;
}

inline std::vector<OwnedRecord> last_attempts(const std::vector<OwnedRecord>& nodes) {
  std::set<Place> names;
  for (const OwnedRecord& node : nodes) names.insert({node.node, node.item});
  std::vector<OwnedRecord> last;
  for (const Place& name : names) {
    std::vector<OwnedRecord> attempts;
    for (const OwnedRecord& node : nodes) {
      if (Place{node.node, node.item} == name) attempts.push_back(node);
    }
    last.push_back(*std::max_element(attempts.begin(), attempts.end(), attempt_before));
  }
  return last;
}

inline void derive_outcome(OwnedRecord& run, const std::vector<OwnedRecord>& nodes,
                           const std::string& outcome_node) {
  std::vector<OwnedRecord> last = last_attempts(nodes);
  if (any(last, [](const OwnedRecord& r) { return !r.undoes; })) {
    std::erase_if(last, [](const OwnedRecord& r) { return r.undoes; });
  }
  // "In flight when the last attempt of any node has no final status", of whichever node.
  for (const Status open : {Status::running, Status::compensating, Status::pending}) {
    if (!any(last, [&](const OwnedRecord& r) { return r.status == open; })) continue;
    run.status = open;
    return;
  }
  run.status = Status::skipped;
  const auto has_run = [](const OwnedRecord& r) {
    return r.status != Status::skipped || is_upstream_failed(r);
  };
  if (!any(last, has_run)) return;
  const auto decides = [&](const OwnedRecord& r) { return r.node == outcome_node; };
  if (any(last, decides)) {
    std::erase_if(last, [&](const OwnedRecord& r) { return !decides(r); });
  }
  run.status = Status::succeeded;
  if (any(last, [](const OwnedRecord& r) { return bad(r); })) run.status = Status::failed;
  const OwnedRecord* first = nullptr;
  for (const OwnedRecord& r : last) {
    if (!bad(r) || r.error_code.empty()) continue;
    if (first == nullptr ||
        std::tie(r.at, r.node, r.item) < std::tie(first->at, first->node, first->item)) {
      first = &r;
    }
  }
  if (first != nullptr) run.error_code = first->error_code;
}

/// Returns the run that its node records come to, where no run record was read.
inline OwnedRecord derive(const std::vector<OwnedRecord>& nodes, const std::string& outcome_node) {
  OwnedRecord run;
  run.population = Population::non_dag;
  run.at = TimePoint::min();
  for (const OwnedRecord& node : nodes) {
    run.at = std::max(run.at, node.at);
    if (node.population == Population::dag) run.population = Population::dag;
    run.verification = run.verification || node.verification;
    run.fallback = run.fallback || node.fallback;
    run.reuse = run.reuse || node.reuse;
    run.fanout_total += node.fanout_total;
    run.fanout_failed += node.fanout_failed;
    for (const Field field : kDecisiveFields) {
      if (lacks(node, field)) run.lacks = static_cast<UnreadBits>(run.lacks | unread_bit(field));
    }
  }
  for (const CompensationStatus worst :
       {CompensationStatus::not_required, CompensationStatus::completed, CompensationStatus::failed,
        CompensationStatus::manual_required}) {
    if (any(nodes, [&](const OwnedRecord& n) { return n.compensation == worst; })) {
      run.compensation = worst;
    }
  }
  for (const Cohort cohort : {Cohort::control, Cohort::canary}) {
    if (any(nodes, [&](const OwnedRecord& n) { return n.cohort == cohort; })) run.cohort = cohort;
  }
  derive_duration(run, nodes);
  run.plan_source = latest(nodes, &OwnedRecord::plan_source);
  run.pipeline = latest(nodes, &OwnedRecord::pipeline);
  run.tokens = sum(nodes, &OwnedRecord::tokens);
  run.cost = sum(nodes, &OwnedRecord::cost);
  derive_outcome(run, nodes, outcome_node);
  return run;
}

}  // namespace dagloop::test::naive
