#include "import/opendmarc_import.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <authmilter/domain_name.h>
#include <authmilter/toml_literal.h>

#include "import/host_list.h"
#include "import/opendmarc_settings.h"
#include "import/text.h"

namespace authmilter::importer {
namespace {

/// An override that lets everything pass.
std::vector<Draft::Line> exemption(std::string condition, std::string value) {
  return {{std::move(condition), std::move(value)},
          {"dmarc_reject", "\"accept\""},
          {"dmarc_quarantine", "\"accept\""},
          {"dmarc_temperror", "\"accept\""},
          {"dmarc_permerror", "\"accept\""}};
}

class Opendmarc {
 public:
  Opendmarc(const Settings& settings, const Files& files, const std::optional<DkimFacts>& dkim,
            Translation& translation)
      : to_("OpenDMARC", settings, files, translation), settings_(settings), dkim_(dkim) {}

  Status translate() {
    remark_on_losses(settings_, opendmarc_settings(), to_.remarks());
    socket();
    authserv_id();
    trusted_authserv_ids();
    to_.dns_timeout();
    policy();
    if (auto hosts = ignored_hosts(); !hosts) return hosts;
    ignored_authors();
    authenticated_clients();
    needless_now();
    to_.log();
    return Done{};
  }

 private:
  void socket() {
    if (!dkim_) {
      to_.socket();
    } else if (const auto text = settings_.text("Socket")) {
      to_.note("Socket",
               fmt::format("authmilter does the work of both filters at one socket: take {} out of "
                           "smtpd_milters and non_smtpd_milters",
                           *text));
    }
  }

  void authserv_id() {
    if (!dkim_) {
      to_.authserv_id();
      return;
    }
    const auto text = settings_.text("AuthservID");
    if (!text || *text == "HOSTNAME") return;
    // "OpenDMARC", which some guides advise, is a name for its own field.
    const auto name = DomainName::parse(*text);
    const bool host = name && name->label_count() > 1;
    if (host && to_.draft().value("identity", "authserv_id").empty()) {
      to_.authserv_id();
    } else if (!is_ours(*text)) {
      to_.warn("AuthservID", fmt::format("there is one results field, so one name: OpenDKIM's is "
                                         "kept, {} is not used",
                                         *text));
    }
  }

  bool is_ours(const std::string& id) const {
    return to_.draft().value("identity", "authserv_id") == literal(lower(id));
  }

  void trusted_authserv_ids() {
    const auto text = settings_.text("TrustedAuthservIDs");
    if (!text) return;
    for (const std::string& id : pieces(*text, ',')) {
      const auto own = settings_.text("AuthservID");
      if (id == "HOSTNAME" || (own && same_word(*own, id)) || is_ours(id)) continue;
      to_.warn("TrustedAuthservIDs",
               fmt::format("results that {} wrote no longer count: SPF and DKIM are checked here. "
                           "Nothing is lost if that is this host. "
                           "If it is a host in front of this one, judge mail there; its fields "
                           "stay, and identity.trusted_authserv_ids is for those in our own name",
                           id));
    }
  }

  bool rejects() const { return settings_.boolean("RejectFailures"); }

  void policy() {
    const bool required = settings_.boolean("RequiredHeaders");
    const bool one_author = settings_.boolean("RejectMultiValueFrom");
    if (!rejects() && !required && !one_author) {
      judge_nothing(to_.draft(),
                    to_.origin("RejectFailures", "nothing is refused; results are reported only"));
      if (settings_.boolean("HoldQuarantinedMessages"))
        to_.note("HoldQuarantinedMessages", "has no effect without RejectFailures");
      return;
    }
    to_.draft().set("policy", "spf_fail", "\"accept\"", "OpenDMARC refuses nothing for SPF alone");
    const char* kept = rejects() ? "\"reject\"" : "\"accept\"";
    to_.set("policy", "dmarc_reject", kept, "RejectFailures");
    const bool holds = rejects() && settings_.boolean("HoldQuarantinedMessages");
    to_.set("policy", "dmarc_quarantine", holds ? "\"quarantine\"" : "\"accept\"",
            "HoldQuarantinedMessages");
    to_.set("policy", "dmarc_temperror", rejects() ? "\"tempfail\"" : "\"accept\"",
            "RejectFailures");
    if (required || one_author) {
      to_.set("policy", "dmarc_permerror", "\"reject\"",
              required ? "RequiredHeaders" : "RejectMultiValueFrom",
              "for every message whose From field names no single author");
    } else {
      to_.set("policy", "dmarc_permerror", "\"accept\"", "RejectMultiValueFrom",
              "a message whose From field names no single author evades every policy");
      to_.note(
          "RejectMultiValueFrom",
          "a message without exactly one author is accepted, which OpenDMARC did too but for a "
          "second From field; policy.dmarc_permerror = \"reject\", authmilter's default, is "
          "safer");
    }
    if (required)
      to_.warn("RequiredHeaders",
               "only the From field is checked, not the number of Date and other "
               "fields");
    if (one_author && !required)
      to_.warn("RejectMultiValueFrom",
               "a message without a From field, or with two of them or "
               "several authors of one domain, is rejected too");
  }

  Status ignored_hosts() {
    DataSet hosts;
    if (const auto path = settings_.text("IgnoreHosts")) {
      // Always a file, in spite of its name.
      const Setting file{"IgnoreHosts", "file:" + *path, settings_.place("IgnoreHosts")};
      auto read = read_data_set(file, to_.base_directory(), to_.read_file());
      if (!read) return read.error();
      hosts = std::move(*read);
    } else {
      hosts.entries = {{"127.0.0.1", "", {}}};
    }
    const auto ignored = networks_of("IgnoreHosts", hosts, to_.remarks());
    if (!dkim_) {
      to_.set("network", "internal", quoted_list(texts_of(ignored)), "IgnoreHosts",
              "mail from here is never judged");
      return Done{};
    }
    const auto exempt = outside(ignored, dkim_->internal);
    if (!exempt.empty())
      to_.draft().add_table("policy.override", exemption("client", quoted_list(texts_of(exempt))),
                            to_.origin("IgnoreHosts", "judged and reported, but always accepted"));
    auto judged = outside(dkim_->internal, ignored);
    std::erase(judged, *Network::parse("::1"));
    if (!judged.empty())
      to_.note("IgnoreHosts", fmt::format("OpenDMARC judged mail from {} too; authmilter judges "
                                          "nothing from network.internal",
                                          join(texts_of(judged), ", ")));
    return Done{};
  }

  void ignored_authors() {
    const auto text = settings_.text("IgnoreMailFrom");
    if (!text) return;
    std::vector<std::string> domains;
    for (const std::string& name : pieces(*text, ',')) {
      if (const auto domain = DomainName::parse(name)) {
        domains.push_back(domain->text());
      } else {
        to_.warn("IgnoreMailFrom",
                 fmt::format("\"{}\" is not a domain name and has never matched", name));
      }
    }
    if (domains.empty()) return;
    to_.draft().add_table("policy.override", exemption("author_domain", quoted_list(domains)),
                          to_.origin("IgnoreMailFrom", "judged and reported, but always accepted"));
  }

  void authenticated_clients() {
    if (!settings_.boolean("IgnoreAuthenticatedClients"))
      to_.note("IgnoreAuthenticatedClients",
               "OpenDMARC judged mail of authenticated users; authmilter signs it and never judges "
               "it");
  }

  void needless_now() {
    if (settings_.has("PublicSuffixList"))
      to_.note("PublicSuffixList",
               "not needed: RFC 9989 finds the Organizational Domain by walking "
               "the DNS");
    if (!settings_.boolean("SPFSelfValidate"))
      to_.note("SPFSelfValidate",
               "authmilter checks SPF itself: another policy service for SPF can leave "
               "smtpd_recipient_restrictions; if it refused mail, set "
               "policy.spf_fail");
  }

  Translator to_;
  const Settings& settings_;
  const std::optional<DkimFacts>& dkim_;
};

}  // namespace

Status translate_opendmarc(const Settings& settings, const Files& files,
                           const std::optional<DkimFacts>& dkim, Translation& translation) {
  return Opendmarc(settings, files, dkim, translation).translate();
}

void judge_nothing(Draft& draft, std::string origin) {
  draft.set("verify", "mode", "\"monitor\"", std::move(origin));
}

}  // namespace authmilter::importer
