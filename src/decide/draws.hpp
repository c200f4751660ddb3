// Random numbers of effect models: the same on every run, for seeds come from the figures. The
// distributions are written out, for those of the standard library differ between libraries.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace dagloop {

/// Mixes 64 bits (the finalizer of SplitMix64; Steele, Lea, Flood 2014).
inline std::uint64_t mixed(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

/// Returns a number in (0, 1) that depends on `bits` alone.
inline double unit_of(std::uint64_t bits) {
  return (static_cast<double>(mixed(bits) >> 12U) + 0.5) * 0x1.0p-52;
}

/// A sequence of draws.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(mixed(seed)) {}

  double uniform() { return unit_of(state_++); }
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }
  /// Source: Marsaglia and Tsang 2000. Shape: shape > 0; scale 1.
  double gamma(double shape) {
    if (shape < 1) {
      const double power = std::pow(uniform(), 1 / shape);
      return gamma(shape + 1) * power;
    }
    const double d = shape - 1.0 / 3;
    const double c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal();
      const double v = std::pow(1 + c * x, 3);
      if (v > 0 && std::log(uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
    }
  }
  /// A gamma of a whole shape from 1, for weights of a bootstrap: a third of the time.
  /// Source: Wilson and Hilferty 1931, the cube of a normal.
  double weight(double shape) {
    const double root = 1 - 1 / (9 * shape) + normal() / (3 * std::sqrt(shape));
    return root > 0 ? shape * root * root * root : 0;
  }
  double beta(double a, double b) {
    const double x = gamma(a);
    return x / (x + gamma(b));
  }
  /// Returns a draw of a share that was seen `events` times in `trials` (Jeffreys' prior).
  double share(double events, double trials) {
    return beta(events + 0.5, std::fmax(trials - events, 0) + 0.5);
  }

 private:
  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace dagloop
