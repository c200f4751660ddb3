#include "decide/retry_posterior.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace dagloop {
namespace {

/// The figures of 1000 pairs: `failed` first attempts, a share of which lasts; each retry mends a
/// share of the others. Whole numbers where the shares allow it.
NodeFigures figures(double failed, double lasting, double mended, int attempts) {
  NodeFigures node;
  double open = failed * (1 - lasting);
  double retries = 0;
  double succeeded = 0;
  for (int attempt = 2; attempt <= attempts; ++attempt) {
    retries += open + failed * lasting;
    succeeded += open * mended;
    open *= 1 - mended;
  }
  node.pairs = 1000;
  node.retries = static_cast<std::uint64_t>(std::llround(retries));
  node.retries_succeeded = static_cast<std::uint64_t>(std::llround(succeeded));
  node.attempts = node.pairs + node.retries;
  node.failed_attempts =
      static_cast<std::uint64_t>(std::llround(failed)) + node.retries - node.retries_succeeded;
  return node;
}

RetryDraw mean_of(const RetryPosterior& posterior, std::size_t node) {
  Draws draws(3);
  RetryDraw mean{0, 0};
  constexpr int kDraws = 500;
  for (int i = 0; i < kDraws; ++i) {
    const RetryDraw each = posterior.draw(draws)[node];
    mean.lasting += each.lasting / kDraws;
    mean.mended += each.mended / kDraws;
  }
  return mean;
}

}  // namespace

TEST_CASE("counts of retries are taken apart as they came about") {
  // 80 first failures, 20 of which last; of the others half are mended by each of 2 retries:
  // 30 and 15 are mended, 35 are lost; retries 80 + 50, steps 30 + 2 * 15.
  const RetryCounts counts = retry_counts(figures(80, 0.25, 0.5, 3), 3);
  CHECK(counts.first_failed == 80);
  CHECK(counts.mended == 45);
  CHECK(counts.lost == 35);
  CHECK(counts.steps == 60);
  CHECK(counts.never_retried == 0);
}

TEST_CASE("failures that were never retried are told from those that were in vain") {
  NodeFigures node = figures(80, 0.25, 0.5, 2);  // 30 mended by one retry of 80
  node.failed_attempts += 10;                    // 10 more, without any retry
  const RetryCounts counts = retry_counts(node, 2);
  CHECK(counts.first_failed == 90);
  CHECK(counts.never_retried == 10);
  CHECK(counts.lost == 50);
  CHECK(counts.mended == 30);
}

TEST_CASE("counts that contradict one another are bounded") {
  NodeFigures node;
  node.pairs = 10;
  node.attempts = 10;
  node.retries = 2;
  node.retries_succeeded = 5;
  for (int attempts = 1; attempts < 6; ++attempts) {
    const RetryCounts counts = retry_counts(node, attempts);
    CHECK(counts.lost >= 0);
    CHECK(counts.never_retried >= 0);
    CHECK(counts.mended <= counts.first_failed);
    CHECK(counts.steps >= (attempts > 1 ? counts.mended : 0));
  }
}

TEST_CASE("with many failures the node's own shares are found") {
  NodeFigures node = figures(800, 0.25, 0.5, 4);
  const RetryPosterior posterior({retry_counts(node, 4)}, 4);
  CHECK(mean_of(posterior, 0).lasting == Approx(0.25).margin(0.04));
  CHECK(mean_of(posterior, 0).mended == Approx(0.5).margin(0.04));
}

TEST_CASE("a node with few failures is drawn towards the others, one with many is not") {
  const RetryCounts often = retry_counts(figures(400, 0.05, 0.8, 3), 3);
  const RetryCounts few = retry_counts(figures(4, 0.5, 0.25, 3), 3);
  const double alone = mean_of(RetryPosterior({few}, 3), 0).mended;
  const RetryPosterior together({often, often, often, few}, 3);
  CHECK(mean_of(together, 3).mended > alone + 0.05);
  CHECK(mean_of(together, 0).mended == Approx(0.8).margin(0.04));
}

TEST_CASE("the same counts and seed give the same draws") {
  const RetryCounts counts = retry_counts(figures(80, 0.25, 0.5, 3), 3);
  Draws one(9);
  Draws other(9);
  const RetryPosterior posterior({counts, counts}, 3);
  for (int i = 0; i < 20; ++i) {
    const auto a = posterior.draw(one);
    const auto b = posterior.draw(other);
    CHECK(a[1].lasting == b[1].lasting);
    CHECK(a[1].mended == b[1].mended);
  }
}

}  // namespace dagloop
