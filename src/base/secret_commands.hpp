// Private: which words of a command line are secrets, by the flags of well-known commands. For one
// text; pure.
#pragma once

#include <string_view>

namespace dagloop {

/// Follows the words of a text, in order: `curl -u user:secret`, `mysql -psecret`.
class CommandSecrets {
 public:
  /// Returns where in `word` a secret begins, npos where there is none.
  ///
  /// Order: every word of the text, once.
  std::size_t secret_in(std::string_view word);

  /// A line of the text ends, and with it a command.
  void end_line();

 private:
  enum class Expected { no, whole, behind_sign, behind_sign_perhaps };

  bool expect_by(std::string_view flag);

  std::string_view command_;  // of the table, empty outside commands that are known
  Expected expected_ = Expected::no;
  char sign_ = ':';
};

}  // namespace dagloop
