#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/host_rules.h"
#include "audit/postfix_services.h"
#include "audit/tls_protocols.h"
#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr const char* kReload = " in /etc/postfix/main.cf, then: postfix reload";

/// A line to set, as a sentence.
std::string set(const std::string& line) { return "Set \"" + line + "\"" + kReload + "."; }

std::string shown(const HostFacts& host, const std::string& name) {
  const std::string value = postfix_setting(host, name);
  return name + " = " + (value.empty() ? "(empty)" : value);
}

bool one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), value) != words.end();
}

using Judge = std::vector<Verdict> (*)(const HostFacts& host, const RuleInput& input);

/// Calls `judge` where there is a Postfix whose settings could be read.
template <Judge judge>
std::vector<Verdict> where_there_is_postfix(const RuleInput& input) {
  if (input.host == nullptr) return {};
  if (!input.host->postfix.empty()) return judge(*input.host, input);
  if (input.host->postfix_trouble.empty()) return {};
  return {{CheckStatus::unknown, "", input.host->postfix_trouble,
           "Run this command as a user who may run postconf(1), or name it: --postconf FILE."}};
}

std::vector<Verdict> judge_tls_in(const HostFacts& host, const RuleInput&) {
  std::vector<Verdict> verdicts;
  const std::string level = postfix_setting(host, "smtpd_tls_security_level");
  const std::string evidence = shown(host, "smtpd_tls_security_level");
  const bool by_old_setting =
      level.empty() && (postfix_setting(host, "smtpd_use_tls") == "yes" ||
                        postfix_setting(host, "smtpd_enforce_tls") == "yes");
  if (level == "may" || by_old_setting) {
    verdicts.push_back({CheckStatus::pass, "", evidence, ""});
  } else if (level == "encrypt") {
    verdicts.push_back({CheckStatus::warn, "",
                        evidence + ": mail from servers without TLS is refused, which RFC 3207 "
                                   "section 4 forbids the servers of an MX record",
                        set("smtpd_tls_security_level = may")});
  } else {
    verdicts.push_back({CheckStatus::fail, "", evidence + ": TLS is not offered",
                        set("smtpd_tls_security_level = may")});
    return verdicts;
  }
  for (const char* name :
       {"smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file"}) {
    const std::string file = postfix_setting(host, name);
    if (file.empty() || file == "none") continue;
    verdicts.push_back({CheckStatus::pass, "", shown(host, name), ""});
    return verdicts;
  }
  verdicts.push_back(
      {CheckStatus::fail, "", "smtpd_tls_chain_files is empty: there is no certificate",
       set("smtpd_tls_chain_files = /etc/postfix/mx.pem") +
           " The file has the private key first, then the certificate and those above it."});
  return verdicts;
}

std::vector<Verdict> judge_tls_out(const HostFacts& host, const RuleInput&) {
  const std::string level = postfix_setting(host, "smtp_tls_security_level");
  const std::string evidence = shown(host, "smtp_tls_security_level");
  const bool used =
      one_of(level, {"may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure"}) ||
      (level.empty() && postfix_setting(host, "smtp_use_tls") == "yes");
  if (used) return {{CheckStatus::pass, "", evidence, ""}};
  return {{CheckStatus::fail, "", evidence + ": mail leaves in the clear",
           set("smtp_tls_security_level = dane") +
               " Without a resolver that validates: smtp_tls_security_level = may."}};
}

constexpr const char* kProtocolSettings[] = {"smtpd_tls_protocols", "smtpd_tls_mandatory_protocols",
                                             "smtp_tls_protocols", "smtp_tls_mandatory_protocols"};

using Versions = std::set<TlsVersion>;

/// A verdict for each of the settings: what is wrong with the versions that it allows, or nothing.
template <class WhatIsWrong>
std::vector<Verdict> of_each_setting(const HostFacts& host, CheckStatus if_wrong,
                                     const std::string& more, WhatIsWrong what_is_wrong) {
  std::vector<Verdict> verdicts;
  for (const std::string name : kProtocolSettings) {
    const std::string wrong = what_is_wrong(postfix_tls_versions(postfix_setting(host, name)));
    if (wrong.empty()) {
      verdicts.push_back({CheckStatus::pass, "", shown(host, name), ""});
    } else {
      verdicts.push_back({if_wrong, "", shown(host, name) + ": allows " + wrong,
                          set(postfix_line(name, ">=TLSv1.2")) + more});
    }
  }
  return verdicts;
}

std::vector<Verdict> judge_tls_1_2(const HostFacts& host, const RuleInput&) {
  return of_each_setting(host, CheckStatus::fail, "", [](const Versions& allowed) {
    const bool modern =
        allowed.count(TlsVersion::tls_1_2) > 0 || allowed.count(TlsVersion::tls_1_3) > 0;
    return std::string(modern ? "" : "no TLS 1.2, and nothing newer");
  });
}

std::vector<Verdict> judge_ssl_3(const HostFacts& host, const RuleInput&) {
  return of_each_setting(host, CheckStatus::fail, "", [](const Versions& allowed) {
    return std::string(allowed.count(TlsVersion::ssl_3) > 0 ? "SSLv3" : "");
  });
}

std::vector<Verdict> judge_protocols(const HostFacts& host, const RuleInput& input) {
  return of_each_setting(
      host, input.profile.old_tls_fails ? CheckStatus::fail : CheckStatus::warn,
      " Where old partners need them, write down which and why.", [&](const Versions& allowed) {
        std::string old;
        for (const TlsVersion version : {TlsVersion::tls_1_0, TlsVersion::tls_1_1}) {
          if (version >= input.profile.oldest_tls || allowed.count(version) == 0) continue;
          old += std::string(old.empty() ? "" : " and ") + std::string(to_string(version));
        }
        return old;
      });
}

std::vector<Verdict> judge_dane(const HostFacts& host, const RuleInput&) {
  std::vector<Verdict> verdicts;
  const std::string level = postfix_setting(host, "smtp_tls_security_level");
  if (one_of(level, {"dane", "dane-only"})) {
    verdicts.push_back({CheckStatus::pass, "", shown(host, "smtp_tls_security_level"), ""});
  } else {
    verdicts.push_back({CheckStatus::fail, "",
                        shown(host, "smtp_tls_security_level") + ": TLSA records are not looked at",
                        set("smtp_tls_security_level = dane")});
  }
  if (postfix_setting(host, "smtp_dns_support_level") == "dnssec") {
    verdicts.push_back({CheckStatus::pass, "", shown(host, "smtp_dns_support_level"), ""});
  } else {
    verdicts.push_back({CheckStatus::fail, "",
                        shown(host, "smtp_dns_support_level") + ": no answer counts as validated",
                        set("smtp_dns_support_level = dnssec")});
  }
  const std::string lookup = postfix_setting(host, "smtp_host_lookup");
  if (!lookup.empty() && lookup.find("dns") == std::string::npos) {
    verdicts.push_back({CheckStatus::fail, "",
                        shown(host, "smtp_host_lookup") + ": DANE works by the DNS alone",
                        set("smtp_host_lookup = dns")});
  }
  return verdicts;
}

/// How people who log in are treated by one service.
Verdict judge_service(const HostFacts& host, const PostfixService& service) {
  const std::string subject = "port " + std::to_string(service.port) + " (" + service.name + ")";
  const bool logins = service.setting(host, "smtpd_sasl_auth_enable") == "yes";
  const bool wrapped = service.setting(host, "smtpd_tls_wrappermode") == "yes";
  const bool under_tls = wrapped || service.setting(host, "smtpd_tls_auth_only") == "yes" ||
                         service.setting(host, "smtpd_tls_security_level") == "encrypt";
  if (service.port == 465) {
    if (wrapped) return {CheckStatus::pass, subject, "smtpd_tls_wrappermode = yes", ""};
    return {CheckStatus::fail, subject, "smtpd_tls_wrappermode = no: it does not begin with TLS",
            "Add \"-o smtpd_tls_wrappermode=yes\" to that service in /etc/postfix/master.cf, then: "
            "postfix reload."};
  }
  if (!logins) return {CheckStatus::pass, subject, "nobody can log in", ""};
  if (!under_tls) {
    return {CheckStatus::fail, subject,
            "smtpd_sasl_auth_enable = yes, smtpd_tls_auth_only = no: passwords go in the clear",
            set("smtpd_tls_auth_only = yes")};
  }
  return {CheckStatus::warn, subject, "people log in after STARTTLS, not by implicit TLS",
          service.port == 25
              ? "Let people send by port 465 alone: " + set("smtpd_sasl_auth_enable = no") +
                    " The service \"submissions\" in master.cf sets it to yes for itself."
              : "Let people send by port 465 alone, and take the service away when nobody uses it "
                "any more."};
}

std::vector<Verdict> judge_submission(const HostFacts& host, const RuleInput&) {
  std::vector<Verdict> verdicts;
  bool logins = false, implicit = false;
  for (const PostfixService& service : postfix_services(host)) {
    logins = logins || service.setting(host, "smtpd_sasl_auth_enable") == "yes";
    implicit = implicit || service.port == 465;
    verdicts.push_back(judge_service(host, service));
  }
  if (logins && !implicit) {
    verdicts.push_back(
        {CheckStatus::fail, "port 465", "there is no service, though people log in elsewhere",
         "Add to /etc/postfix/master.cf the service \"submissions inet n - y - - smtpd\" with "
         "\"-o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes\"; an example is in "
         "/usr/share/doc/authmilter/examples/postfix/nukib/master.cf."});
  }
  return verdicts;
}

/// One notation for what authmilter.toml(5) and main.cf(5) call a socket: "unix:/path",
/// "inet:port@host". Postfix's paths may begin in its queue directory, its chroot.
std::string socket_in_one_form(const HostFacts& host, std::string text) {
  while (!text.empty() && one_of(std::string_view(&text.back(), 1), {",", ";", "\""}))
    text.pop_back();
  if (text.starts_with('"')) text.erase(0, 1);
  if (text.starts_with("local:")) text = "unix:" + text.substr(6);
  if (text.starts_with("unix:") && !text.starts_with("unix:/"))
    return "unix:" + postfix_setting(host, "queue_directory") + "/" + text.substr(5);
  if (!text.starts_with("inet")) return text;
  const std::size_t colon = text.find(':');
  const std::string rest = text.substr(colon + 1);
  const std::size_t at = rest.find('@');
  if (at != std::string::npos) return "inet:" + rest.substr(0, at);  // of authmilter.toml
  const std::size_t last = rest.rfind(':');
  return "inet:" + (last == std::string::npos ? rest : rest.substr(last + 1));
}

/// The words of a list, with nothing around them.
std::vector<std::string> sockets_in(const HostFacts& host, const std::string& list) {
  std::vector<std::string> sockets;
  std::string word;
  for (const char c : list + " ") {
    if (!is_fws(c) && c != ',' && c != '[' && c != ']' && c != '{' && c != '}') {
      word += c;
      continue;
    }
    // In an address of IPv6 brackets are no separators.
    if ((c == '[' || c == ']') && word.starts_with("inet")) {
      word += c;
      continue;
    }
    if (word.find(':') != std::string::npos) sockets.push_back(socket_in_one_form(host, word));
    word.clear();
  }
  return sockets;
}

bool any_in_common(const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
  return std::any_of(ours.begin(), ours.end(), [&](const std::string& socket) {
    return std::find(theirs.begin(), theirs.end(), socket) != theirs.end();
  });
}

std::vector<Verdict> judge_milter(const HostFacts& host, const RuleInput&) {
  const auto configured = host.authmilter.find("milter.socket");
  if (configured == host.authmilter.end()) return {};
  std::vector<Verdict> verdicts;
  const auto ours = sockets_in(host, configured->second);
  const auto line = [&](const char* name) {
    return set(postfix_line(name, ours.empty() ? configured->second : ours.front()));
  };
  if (any_in_common(ours, sockets_in(host, postfix_setting(host, "smtpd_milters")))) {
    verdicts.push_back({CheckStatus::pass, "", shown(host, "smtpd_milters"), ""});
  } else {
    verdicts.push_back({CheckStatus::fail, "",
                        shown(host, "smtpd_milters") + ": authmilter's socket, " +
                            configured->second + ", is not among them, so no mail is checked",
                        line("smtpd_milters")});
  }
  if (any_in_common(ours, sockets_in(host, postfix_setting(host, "non_smtpd_milters")))) {
    verdicts.push_back({CheckStatus::pass, "", shown(host, "non_smtpd_milters"), ""});
  } else {
    verdicts.push_back({CheckStatus::warn, "",
                        shown(host, "non_smtpd_milters") +
                            ": mail that programs of this host send by sendmail(1) is not signed",
                        line("non_smtpd_milters")});
  }
  if (postfix_setting(host, "milter_default_action") == "accept") {
    verdicts.push_back({CheckStatus::warn, "",
                        shown(host, "milter_default_action") +
                            ": while authmilter is away, forgeries come in unchecked",
                        set("milter_default_action = tempfail")});
  } else {
    verdicts.push_back({CheckStatus::pass, "", shown(host, "milter_default_action"), ""});
  }
  return verdicts;
}

std::vector<Verdict> judge_bare_newline(const HostFacts& host, const RuleInput&) {
  // 3.9 has it on by itself; 3.5.24, 3.6.14, 3.7.10 and 3.8.5 know it; older ones do not.
  const auto found = host.postfix.find("smtpd_forbid_bare_newline");
  if (found == host.postfix.end()) {
    return {{CheckStatus::fail, "",
             "Postfix " + host.postfix_version + " does not know smtpd_forbid_bare_newline",
             "Update Postfix to a version that does: 3.5.24, 3.6.14, 3.7.10, 3.8.5, 3.9 or newer; "
             "Debian 12 and newer have one."}};
  }
  // "note" only writes it down.
  if (one_of(to_lower(found->second), {"yes", "normalize", "reject"}))
    return {{CheckStatus::pass, "", shown(host, "smtpd_forbid_bare_newline"), ""}};
  return {{CheckStatus::fail, "",
           shown(host, "smtpd_forbid_bare_newline") + ": a second message can hide in the first",
           set("smtpd_forbid_bare_newline = normalize")}};
}

constexpr AuditRule kRules[] = {
    {"postfix.tls_in", "Postfix offers encryption to servers that bring mail",
     "smtpd_tls_security_level and the certificate in this host's main.cf", "RFC 3207", "1.1",
     "Mail between servers is encrypted only if both sides offer it (STARTTLS). Without it whoever "
     "is on the way can read the mail.\n\n"
     "Postfix offers it where smtpd_tls_security_level is \"may\" and there is a certificate. "
     "\"encrypt\" would refuse mail from servers that know no TLS, which the standard forbids a "
     "server that takes mail for a domain from everybody.",
     where_there_is_postfix<judge_tls_in>},
    {"postfix.tls_out", "Postfix encrypts mail that it sends to other servers",
     "smtp_tls_security_level in this host's main.cf", "RFC 3207", "1.1",
     "The same as postfix.tls_in, for mail that leaves this host: \"may\" encrypts where the other "
     "side offers it, \"dane\" does and also makes sure who the other side is.\n\n"
     "An empty setting sends all mail in the clear.",
     where_there_is_postfix<judge_tls_out>},
    {"postfix.tls12", "Postfix speaks TLS 1.2 or newer",
     "smtpd_tls_protocols, smtp_tls_protocols and their mandatory forms in this host's main.cf",
     "RFC 9325 section 3.1.1", "1.2.1",
     "TLS 1.2 and 1.3 are what all current software speaks. Postfix does so by itself, unless a "
     "list of versions in main.cf leaves them out.\n\n"
     "Servers that have turned the older versions off could not reach yours, or would send in the "
     "clear.",
     where_there_is_postfix<judge_tls_1_2>},
    {"postfix.ssl3", "Postfix does not speak SSLv3",
     "smtpd_tls_protocols, smtp_tls_protocols and their mandatory forms in this host's main.cf",
     "RFC 7568", "1.2.2",
     "SSLv3 was broken in 2014 and has been forbidden since 2015. Postfix leaves it out by itself, "
     "unless a list of versions in main.cf allows it again.\n\n"
     "An empty setting allows all that the library can do.",
     where_there_is_postfix<judge_ssl_3>},
    {"postfix.protocols", "Postfix speaks neither TLS 1.0 nor 1.1",
     "smtpd_tls_protocols, smtp_tls_protocols and their mandatory forms in this host's main.cf",
     "RFC 8996", "1.2.3",
     "TLS 1.0 and 1.1 are obsolete since 2021.\n\n"
     "That they stay allowed is a warning: mail to and from old servers may need them, and for "
     "such "
     "a server no TLS at all would be the other choice. The measure of NUKIB allows them where "
     "that "
     "is justified, so write down which partners need them.",
     where_there_is_postfix<judge_protocols>},
    {"postfix.dane", "Postfix makes sure by DANE that it sends to the right server",
     "smtp_tls_security_level, smtp_dns_support_level and smtp_host_lookup in this host's main.cf",
     "RFC 7672", "1.5 1.7",
     "Encryption alone does not show who is at the other end. DANE does: the other side's domain "
     "publishes in the signed DNS which certificate its server has, and Postfix holds mail back "
     "where it is not the one.\n\n"
     "Two settings belong together: smtp_tls_security_level = dane, and smtp_dns_support_level = "
     "dnssec, without which Postfix takes no answer for validated and goes on as with \"may\". The "
     "resolver has to validate: see resolver.validates. Servers that publish nothing get mail as "
     "before.",
     where_there_is_postfix<judge_dane>},
    {"postfix.submission", "People send their mail by implicit TLS alone",
     "the services of ports 25, 465 and 587 in this host's master.cf, and who may log in there",
     "RFC 8314 section 3.3", "2.3",
     "Where people's programs hand mail to the server, they log in. On port 465 all is encrypted "
     "from the first octet. On port 587 it begins in the clear, and somebody on the way may keep "
     "it "
     "so; on port 25 other servers bring mail, and nobody should log in.\n\n"
     "A password that can be sent in the clear fails. STARTTLS on 587 warns, and fails in the "
     "profile nukib: the measure asks for SMTPS alone. Move people to port 465 first, then take "
     "the "
     "service of port 587 away.",
     where_there_is_postfix<judge_submission>},
    {"postfix.milter", "Postfix hands its mail to authmilter",
     "smtpd_milters, non_smtpd_milters and milter_default_action in this host's main.cf, and "
     "milter.socket in authmilter.toml",
     "authmilterd(8)", "3.4 3.5 3.6",
     "authmilter checks and signs what Postfix shows it. The socket that it listens on has to "
     "stand "
     "in smtpd_milters, for mail from the network, and in non_smtpd_milters, for mail that "
     "programs "
     "of this host send.\n\n"
     "milter_default_action says what happens while authmilter cannot be reached. \"tempfail\" "
     "lets "
     "the mail wait with its sender, \"accept\" lets it in unchecked.",
     where_there_is_postfix<judge_milter>},
    {"postfix.bare_newline", "Nobody can hide a second message in one that Postfix takes",
     "smtpd_forbid_bare_newline in this host's main.cf, and Postfix's version",
     "CVE-2023-51764; RFC 5321 section 2.3.8", "",
     "Lines of mail end with two octets, CR and LF. A server that takes a bare LF for an end of "
     "line "
     "can be made to see two messages where the sender's server saw one (SMTP smuggling): the "
     "second "
     "comes with that server's good name, and passes SPF.\n\n"
     "smtpd_forbid_bare_newline = normalize stops it. It is the default since Postfix 3.9; before, "
     "it has to be set, and very old versions do not know it.",
     where_there_is_postfix<judge_bare_newline>},
};

}  // namespace

std::span<const AuditRule> postfix_rules() { return kRules; }

}  // namespace authmilter
