// Private to the base layer: what the machine says of groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dagloop {

/// Returns the number of a group that is given by name or number; nullopt where there is none.
std::optional<std::uint32_t> gid_of(const std::string& group);

/// Returns "NAME (gid N)", or "gid N" where the group has no name.
std::string told_group(std::uint32_t gid);

/// Returns whether a group is the private one of a user: of the same number and name, and with no
/// other member. Never of root's, whom processes of all kinds share.
bool is_private_group(std::uint32_t gid, std::uint32_t uid);

}  // namespace dagloop
