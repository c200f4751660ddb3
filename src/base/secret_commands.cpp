#include "base/secret_commands.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/secret_shapes.hpp"
#include "dagloop/base/ascii.hpp"

namespace dagloop {
namespace {

constexpr char kWhole = '\0';

// A flag with a secret behind it: all of the next word, or what stands behind a sign in it, as in
// user:secret. `attached`: also the rest of the flag's own word; `attached_only`: that alone, for
// without it the command asks.
struct SecretFlag {
  enum class Form { next_word, attached, attached_only };

  std::string_view command;
  std::string_view flag;
  char sign = kWhole;
  Form form = Form::next_word;
};

constexpr auto kAttached = SecretFlag::Form::attached;
constexpr auto kAttachedOnly = SecretFlag::Form::attached_only;
constexpr std::array kFlags{
    SecretFlag{"curl", "-u", ':', kAttached},
    SecretFlag{"curl", "--user", ':'},
    SecretFlag{"curl", "-U", ':', kAttached},
    SecretFlag{"curl", "--proxy-user", ':'},
    SecretFlag{"mysql", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mysqldump", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mysqladmin", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mysqlimport", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mariadb", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mariadb-dump", "-p", kWhole, kAttachedOnly},
    SecretFlag{"sshpass", "-p", kWhole, kAttached},
    SecretFlag{"redis-cli", "-a", kWhole},
    SecretFlag{"mongo", "-p", kWhole},
    SecretFlag{"mongosh", "-p", kWhole},
    SecretFlag{"mongodump", "-p", kWhole},
    SecretFlag{"ldapsearch", "-w", kWhole},
    SecretFlag{"ldapmodify", "-w", kWhole},
    SecretFlag{"smbclient", "-U", '%'},
    SecretFlag{"lftp", "-u", ','},
    SecretFlag{"sqlcmd", "-P", kWhole, kAttached},
    SecretFlag{"bcp", "-P", kWhole, kAttached},
    SecretFlag{"zip", "-P", kWhole},
    SecretFlag{"unzip", "-P", kWhole},
    SecretFlag{"7z", "-p", kWhole, kAttachedOnly},
    SecretFlag{"mosquitto_pub", "-P", kWhole},
    SecretFlag{"mosquitto_sub", "-P", kWhole},
    SecretFlag{"openssl", "-passin", ':'},
    SecretFlag{"openssl", "-passout", ':'},
    SecretFlag{"openssl", "-pass", ':'},
    SecretFlag{"login", "-p", kWhole},  // docker login, podman login, az login
    SecretFlag{"keytool", "-storepass", kWhole},
    SecretFlag{"keytool", "-keypass", kWhole}};

// As a list of arguments quotes its words, in a text within a text, too.
std::string_view bare(std::string_view word) {
  constexpr std::string_view kAround = "\"'`[](){},;$\\";
  const std::size_t begin = std::min(word.find_first_not_of(kAround), word.size());
  word.remove_prefix(begin);
  return word.substr(0, word.find_last_not_of(kAround) + 1);
}

bool ends_command(std::string_view word) {
  return word.ends_with(';') || word == "|" || word == "&&" || word == "||";
}

std::string_view command_named(std::string_view word) {
  // Of a path, of a key's path, or of "cmd=curl"; npos + 1 is 0.
  const std::string_view name = word.substr(word.find_last_of("/.=:") + 1);
  const auto flag = std::find_if(kFlags.begin(), kFlags.end(),
                                 [&](const SecretFlag& each) { return each.command == name; });
  return flag == kFlags.end() ? std::string_view() : flag->command;
}

std::size_t behind(std::string_view word, char sign) {
  if (sign == kWhole) return std::min(word.find_first_not_of("\"'\\"), word.size());
  const std::size_t at = word.find(sign);
  return at == std::string_view::npos || at + 1 == word.size() ? std::string_view::npos : at + 1;
}

}  // namespace

// Whether `flag` announces a secret in the next word.
bool CommandSecrets::expect_by(std::string_view flag) {
  for (const SecretFlag& each : kFlags) {
    if (each.command != command_ || each.flag != flag) continue;
    if (each.form == SecretFlag::Form::attached_only) return false;
    expected_ = each.sign == kWhole ? Expected::whole : Expected::behind_sign;
    sign_ = each.sign;
    return true;
  }
  // Without its command: -u 1000:1000 is one, too.
  if (!command_.empty() || (flag != "-u" && flag != "--user")) return false;
  expected_ = Expected::behind_sign_perhaps;
  sign_ = ':';
  return true;
}

std::size_t CommandSecrets::secret_in(std::string_view word) {
  const Expected expected = expected_;
  expected_ = Expected::no;
  const std::string_view plain = bare(word);
  if (expected == Expected::whole) return behind(word, kWhole);
  if (expected == Expected::behind_sign) return behind(word, sign_);
  if (expected == Expected::behind_sign_perhaps) {
    const bool is_one = password_before_host(std::string(plain) + "@h") != std::string::npos;
    return is_one ? behind(word, sign_) : std::string_view::npos;
  }
  if (const std::string_view command = command_named(plain); !command.empty()) {
    command_ = command;
  } else if (!expect_by(plain) && !command_.empty()) {
    for (const SecretFlag& each : kFlags) {
      const bool is_attached = each.form != SecretFlag::Form::next_word;
      if (each.command != command_ || !plain.starts_with(each.flag)) continue;
      const std::size_t begin = word.find(each.flag) + each.flag.size();
      const bool is_long = plain.substr(each.flag.size()).starts_with('=');
      if (plain.size() == each.flag.size() || (!is_attached && !is_long)) continue;
      const std::size_t at = behind(word.substr(begin), each.sign);
      return at == std::string_view::npos ? at : begin + at;
    }
  }
  if (ends_command(word)) end_line();
  return std::string_view::npos;
}

void CommandSecrets::end_line() {
  command_ = {};
  expected_ = Expected::no;
}

}  // namespace dagloop
