// The list of keys that may ever be changed. Anything else is refused, whatever asks for it.
// Immutable value, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dagloop/base/json.hpp"
#include "dagloop/policy/env_file.hpp"
#include "dagloop/policy/policy_key.hpp"

namespace dagloop {

/// Whether a change goes forward (maximum steps hold) or back to an earlier policy (they do not).
enum class ChangeDirection { forward, back };

/// The allowlisted keys.
class Allowlist {
 public:
  /// Reads an allowlist document (config/policy_allowlist.json).
  ///
  /// Errors: Error{config} naming `where` and the key: repeated name, bad type, default outside its
  ///         own bounds, min > max.
  static Allowlist parse(const Json& document, std::string_view where);

  /// Returns the keys in the document's order.
  const std::vector<KeySpec>& keys() const { return keys_; }

  /// Returns the keys' names, in the same order.
  std::vector<std::string> names() const;

  /// Returns why `patch` is refused, a fault a key; empty when every change is allowed. A change
  /// forward is, too, where the present value is none to go back to. Values of a key off the list
  /// are not told.
  std::vector<KeyFault> refusals(const Patch& patch, ChangeDirection direction) const;

  /// Returns the values of all allowlisted keys that stand in `env`, but those that look like
  /// secrets.
  ///
  /// Errors: Error{config} for an allowlisted key that is ambiguous in the file (see
  ///         EnvFile::value).
  PolicyValues values_in(const EnvFile& env) const;

 private:
  std::vector<KeySpec> keys_;
};

}  // namespace dagloop
