// Where something turns from true to false. Private to the evidence layer.
#pragma once

namespace dagloop {

/// Returns where `is_inside` turns from true (at `inside`) to false (at `outside`), by bisection.
template <typename Predicate>
double border(double inside, double outside, const Predicate& is_inside) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (inside + outside) / 2;
    (is_inside(middle) ? inside : outside) = middle;
  }
  return (inside + outside) / 2;
}

}  // namespace dagloop
