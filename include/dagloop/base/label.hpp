// Labels of figures (error codes, names of nodes, plan sources and pipelines): what services write
// into them beside a name. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dagloop {

/// What stands in a label for an id.
inline constexpr std::string_view kIdMark = "<id>";
/// The label of all labels that have no name of their own, and how many of a kind have one.
inline constexpr std::string_view kOtherLabel = "(other)";
inline constexpr std::size_t kMostLabels = 1000;

/// A text without its ids, and what of them decides how the rest is read.
struct FoldedText {
  std::string text;
  std::string kinds;          // of each id: 'd' digits, 'h' hex, 'm' mixed at random
  bool has_capitals = false;  // in an id that is no number

  bool has_ids() const { return !kinds.empty(); }
};

/// What a label names. In names of nodes, plan sources and pipelines numbers and dates are usual.
enum class LabelKind { code, name };

/// Returns `text` with kIdMark in place of ids: UUIDs; words of letters and digits that are hex
/// with digits among them (8 and more characters; in a code 6 and more unless it is a letter and a
/// number), or mixed at random (16 and more, in a code 10); and numbers of 9 and more digits, in a
/// code 6. A mark of redact_label() stays.
///
/// Shape: bytes; words end at whatever is no letter or digit of ASCII.
/// Cost:  linear.
/// Source: data contract, "Labels".
FoldedText fold_ids(std::string_view text, LabelKind kind);

/// Returns the label of an error code: masked as by redact_label(), without ids. The same secrets
/// with other ids are one label.
std::string label_of(std::string_view text);
/// Returns the label of a node, a plan source or a pipeline: redact_label(), without ids.
std::string label_of_name(std::string_view name);

}  // namespace dagloop
