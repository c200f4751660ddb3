#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/groups.hpp"

namespace dagloop {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // of a group with very many members

struct Group {
  std::uint32_t gid = 0;
  std::string name;
  std::vector<std::string> members;
};

// Calls one of the functions of the C library that want a buffer of unknown size.
template <typename Entry, typename Look>
bool found(Entry& entry, std::vector<char>& buffer, const Look& look) {
  for (buffer.resize(4096); buffer.size() <= kMostBytes; buffer.resize(buffer.size() * 4)) {
    Entry* result = nullptr;
    const int error = look(&entry, buffer.data(), buffer.size(), &result);
    if (error != ERANGE) return error == 0 && result != nullptr;
  }
  return false;
}

template <typename Look>
std::optional<Group> group_by(const Look& look) {
  struct group entry {};
  std::vector<char> buffer;
  if (!found(entry, buffer, look)) return std::nullopt;
  Group group{entry.gr_gid, entry.gr_name, {}};
  for (char** member = entry.gr_mem; *member != nullptr; ++member)
    group.members.emplace_back(*member);
  return group;
}

std::optional<Group> group_of(std::uint32_t gid) {
  return group_by([&](auto* entry, char* bytes, std::size_t size, auto** result) {
    return ::getgrgid_r(gid, entry, bytes, size, result);
  });
}

}  // namespace

std::optional<std::uint32_t> gid_of(const std::string& group) {
  std::uint32_t number = 0;
  const char* end = group.data() + group.size();
  const auto read = std::from_chars(group.data(), end, number);
  if (!group.empty() && read.ec == std::errc() && read.ptr == end) return number;
  const auto known = group_by([&](auto* entry, char* bytes, std::size_t size, auto** result) {
    return ::getgrnam_r(group.c_str(), entry, bytes, size, result);
  });
  return known ? std::optional(known->gid) : std::nullopt;
}

std::string told_group(std::uint32_t gid) {
  const auto group = group_of(gid);
  const std::string number = "gid " + std::to_string(gid);
  return group ? group->name + " (" + number + ")" : number;
}

bool is_private_group(std::uint32_t gid, std::uint32_t uid) {
  if (uid == 0 || gid != uid) return false;
  struct passwd entry {};
  std::vector<char> buffer;
  const bool is_known =
      found(entry, buffer, [&](auto* user, char* bytes, std::size_t size, auto** result) {
        return ::getpwuid_r(uid, user, bytes, size, result);
      });
  const auto group = group_of(gid);
  if (!is_known || !group || group->name != entry.pw_name) return false;
  for (const std::string& member : group->members) {
    if (member != entry.pw_name) return false;
  }
  // Whose group it is from the first stands in no list of members.
  bool has_others = false;
  ::setpwent();
  while (found(entry, buffer, &::getpwent_r)) {
    has_others = has_others || (entry.pw_gid == gid && entry.pw_uid != uid);
  }
  ::endpwent();
  return !has_others;
}

}  // namespace dagloop
