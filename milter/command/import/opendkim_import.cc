#include "import/opendkim_import.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <authmilter/config.h>
#include <authmilter/domain_name.h>
#include <authmilter/toml_literal.h>

#include "import/host_list.h"
#include "import/opendkim_settings.h"
#include "import/opendkim_signing.h"
#include "import/text.h"

namespace authmilter::importer {
namespace {

class Opendkim {
 public:
  Opendkim(const Settings& settings, const Files& files, const std::string& keys_directory,
           Translation& translation)
      : to_("OpenDKIM", settings, files, translation),
        settings_(settings),
        keys_directory_(keys_directory) {}

  Result<DkimFacts> translate() {
    remark_on_losses(settings_, opendkim_settings(), to_.remarks());
    mode();
    to_.socket();
    user();
    to_.authserv_id();
    if (auto hosts = internal_hosts(); !hosts) return hosts.error();
    to_.dns_timeout();
    nameservers();
    limits();
    dns_error();
    if (signs_) {
      if (auto signing = translate_signing(to_, keys_directory_); !signing) return signing.error();
    }
    to_.log();
    return facts_;
  }

 private:
  void mode() {
    const std::string mode = lower(settings_.text("Mode").value_or("sv"));
    signs_ = mode.find('s') != std::string::npos;
    facts_.verifies = mode.find('v') != std::string::npos;
    if (!facts_.verifies)
      to_.warn("Mode", "mail from outside is always examined and gets a results field");
    if (!signs_ && (settings_.has("KeyTable") || settings_.has("KeyFile")))
      to_.note("Mode", "the keys are left out because OpenDKIM did not sign");
  }

  void user() {
    if (const auto root = settings_.text("ChangeRootDirectory"))
      to_.warn("ChangeRootDirectory",
               "has no equal: the systemd unit confines authmilterd, and key files are named as "
               "they are outside");
    const auto user = settings_.text("UserID");
    if (!user) return;
    const std::size_t colon = user->find(':');
    const std::string group = colon == std::string::npos ? "" : user->substr(colon + 1);
    if (!group.empty() && group != "postfix" && !group.starts_with("opendkim"))
      to_.note("UserID", fmt::format("the socket's group is postfix; if the MTA connects by the "
                                     "group {}, make authmilter a member and set "
                                     "milter.socket_group",
                                     group));
  }

  Status internal_hosts() {
    DataSet hosts;
    if (const Setting* setting = settings_.find("InternalHosts")) {
      auto read = read_data_set(*setting, to_.base_directory(), to_.read_file());
      if (!read) return read.error();
      hosts = std::move(*read);
      if (hosts.kind == DataSetKind::other)
        to_.warn("InternalHosts", fmt::format("data sets of the kind \"{}\" are not read: list the "
                                              "networks in network.internal",
                                              hosts.type));
    } else {
      // The manual page names the first of them only.
      hosts.entries = {{"127.0.0.1", "", {}}, {"::1", "", {}}};
    }
    facts_.internal = networks_of("InternalHosts", hosts, to_.remarks());
    to_.set("network", "internal", quoted_list(texts_of(facts_.internal)), "InternalHosts",
            "mail from here is signed and never judged");
    return Done{};
  }

  void nameservers() {
    if (const auto text = settings_.text("Nameservers")) {
      std::vector<std::string> servers;
      for (const std::string& name : pieces(*text, ',')) {
        if (const auto address = IpAddress::parse(name)) {
          servers.push_back(address->text());
        } else {
          to_.warn("Nameservers", fmt::format("\"{}\" is not an address", name));
        }
      }
      to_.set("dns", "nameservers", quoted_list(servers), "Nameservers");
    }
    const auto anchor = settings_.text("TrustAnchorFile");
    if (!anchor) {
      to_.set("dns", "dnssec", "\"off\"", "TrustAnchorFile",
              "nothing is validated; without this line authmilter validates");
    } else if (!anchor->starts_with("/usr/share/dns/") && *anchor != "/var/lib/unbound/root.key") {
      to_.set("dns", "trust_anchor", literal(*anchor), "TrustAnchorFile");
    }
  }

  void limits() {
    constexpr long kMostSignatures = 100;
    raise_limit("MaximumSignaturesToVerify", "maximum_signatures",
                static_cast<long>(VerifyConfig{}.maximum_signatures), kMostSignatures,
                "a signature that counts for DMARC may stand behind others");

    constexpr long kBits = 1024;
    constexpr long kMostBits = 8192;
    const long bits = settings_.integer("MinimumKeyBits", kBits);
    if (bits < kBits)
      to_.warn("MinimumKeyBits", "keys of less than 1024 bits never count (RFC 8301)");
    if (bits > kBits)
      to_.set("verify", "minimum_rsa_bits", fmt::format("{}", std::min(bits, kMostBits)),
              "MinimumKeyBits");

    constexpr long kMostOctets = 16777216;
    raise_limit("MaximumHeaders", "header_octets",
                static_cast<long>(VerifyConfig{}.limits.total_octets), kMostOctets,
                "a message over the limit is refused here, not passed on unread");
  }

  /// A limit on what a message may have is taken over where it is wider than the default here; a
  /// narrower one would refuse or overlook what was let pass or seen elsewhere. 0: without a limit.
  void raise_limit(std::string_view setting, std::string_view key, long standard, long most,
                   std::string_view why_not_less) {
    if (!settings_.has(setting)) return;
    const long wanted = settings_.integer(setting, standard);
    if (wanted == standard) return;
    if (wanted < standard && wanted != 0) {
      to_.note(setting,
               fmt::format("{} would be less than authmilter's default, so {} stays at {}: "
                           "{}",
                           wanted, key, standard, why_not_less));
      return;
    }
    const long limit = wanted == 0 ? most : std::min(wanted, most);
    to_.set("verify", key, fmt::format("{}", limit), setting);
    if (limit != wanted) to_.warn(setting, fmt::format("there is always a limit, here {}", limit));
  }

  void dns_error() {
    // Its default is tempfail by opendkim.conf(5); a message whose key could not be looked up is
    // accepted all the same, so only what is written counts.
    const std::string otherwise = settings_.text("On-Default").value_or("accept");
    const std::string action = lower(settings_.text("On-DNSError").value_or(otherwise));
    facts_.tempfails_on_dns_error = action.starts_with('t');
    if (!action.starts_with('t') && !action.starts_with('a'))
      to_.warn("On-DNSError",
               "has no equal: policy.dmarc_temperror says what becomes of a message "
               "that cannot be judged without an answer");
  }

  Translator to_;
  const Settings& settings_;
  const std::string& keys_directory_;
  DkimFacts facts_;
  bool signs_ = true;
};

}  // namespace

Result<DkimFacts> translate_opendkim(const Settings& settings, const Files& files,
                                     const std::string& keys_directory, Translation& translation) {
  return Opendkim(settings, files, keys_directory, translation).translate();
}

}  // namespace authmilter::importer
