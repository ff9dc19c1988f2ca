#include "import/translation.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/toml_literal.h>

#include "import/accepted.h"
#include "import/data_set.h"
#include "import/text.h"

namespace authmilter::importer {
namespace {

constexpr long kLongestTimeout = 300;  // seconds, of dns.timeout

/// README.md, "Postfix": within smtpd's chroot, and a folder of authmilter's own.
constexpr std::string_view kOwnSocket = "unix:/var/spool/postfix/authmilter/authmilter.sock";

std::string without_brackets(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return std::string(text);
}

/// True for a directory that one filter has to itself, such as /run/opendkim, and that a shell
/// takes as one word. Giving away any other would take it from those who share it.
bool is_filters_own(std::string_view folder) {
  const bool plain = shell_word(folder) == folder;
  const std::string_view last = folder.substr(folder.rfind('/') + 1);
  return plain && (last.starts_with("opendkim") || last.starts_with("opendmarc") ||
                   last.starts_with("dkim") || last.starts_with("dmarc"));
}

}  // namespace

Translator::Translator(std::string program, const Settings& settings, const Files& files,
                       Translation& translation)
    : program_(std::move(program)), settings_(settings), files_(files), translation_(translation) {}

void Translator::warn(std::string_view setting, std::string text) {
  remarks().push_back(
      {Weight::warning, settings_.place(setting), std::string(setting), std::move(text)});
}

void Translator::note(std::string_view setting, std::string text) {
  remarks().push_back(
      {Weight::note, settings_.place(setting), std::string(setting), std::move(text)});
}

std::string Translator::origin(std::string_view setting, std::string_view more) const {
  const std::string from = settings_.has(setting)
                               ? fmt::format("{}: {}", settings_.place(setting).text(), setting)
                               : fmt::format("{}'s default of {}", program_, setting);
  return more.empty() ? from : fmt::format("{}: {}", from, more);
}

void Translator::set(std::string_view section, std::string_view key, std::string value,
                     std::string_view setting, std::string_view more) {
  draft().set(section, key, std::move(value), origin(setting, more));
}

std::string Translator::base_directory() const {
  // Without it the systemd unit's, which is the root.
  return settings_.text("BaseDirectory").value_or("/");
}

std::optional<std::string> Translator::translated_socket(const std::string& text) {
  for (const std::string_view scheme : {"local:", "unix:"}) {
    if (!text.starts_with(scheme)) continue;
    return "unix:" + below(base_directory(), text.substr(scheme.size()));
  }
  const bool v6 = text.starts_with("inet6:");
  if (!v6 && !text.starts_with("inet:")) {
    // opendkim(8), -p: a bare path.
    return text.starts_with('/') ? std::optional("unix:" + text) : std::nullopt;
  }
  const std::string rest = text.substr(text.find(':') + 1);
  const std::size_t at = rest.find('@');
  const std::string port = rest.substr(0, at);
  std::string host = at == std::string::npos ? "" : without_brackets(rest.substr(at + 1));
  if (host.empty()) {
    host = v6 ? "::" : "0.0.0.0";
    warn("Socket",
         "listens on every address, and whoever connects can have mail signed; name a loopback "
         "address if the MTA is on this host");
  }
  const auto address = IpAddress::parse(host);
  if (!address && !same_word(host, "localhost")) return std::nullopt;
  if (address && !address->is_v4()) host = "[" + host + "]";
  return fmt::format("{}:{}@{}", address && !address->is_v4() ? "inet6" : "inet", port, host);
}

void Translator::socket() {
  const auto text = settings_.text("Socket");
  if (!text) {
    note("Socket",
         fmt::format("none is named here; if the command line has one (see /etc/default/{} "
                     "and \"systemctl cat {}\"), write it into milter.socket, or let the "
                     "MTA use authmilter's default",
                     lower(program_), lower(program_)));
    return;
  }
  const auto socket = translated_socket(*text);
  if (!socket || !is_accepted_socket(*socket)) {
    warn("Socket", fmt::format("\"{}\" has no equal: name the address in milter.socket", *text));
    return;
  }
  if (!socket->starts_with("unix:")) {
    set("milter", "socket", literal(*socket), "Socket");
    return;
  }
  socket_mode();
  const std::string folder = socket->substr(5, socket->rfind('/') - 5);
  if (is_filters_own(folder)) {
    set("milter", "socket", literal(*socket), "Socket");
    note_folder(folder);
    return;
  }
  set("milter", "socket", literal(kOwnSocket), "Socket", "in a directory that nobody shares");
  warn("Socket",
       fmt::format(
           "{} is not the filter's own directory, and authmilterd, which is not root, cannot "
           "make a socket there; it is now {}: \"install -d -o authmilter -g postfix -m 2750 "
           "/var/spool/postfix/authmilter\", and name unix:authmilter/authmilter.sock in "
           "smtpd_milters and non_smtpd_milters",
           folder.empty() ? "/" : folder, kOwnSocket));
}

/// The directory was made for the other program's user.
void Translator::note_folder(const std::string& folder) {
  // Only there is it made again at each start of the host.
  const bool volatile_folder = folder.starts_with("/run/") || folder.starts_with("/var/run/");
  note("Socket",
       fmt::format(
           "authmilterd runs as the user authmilter and must be able to write to {0}: \"chown "
           "authmilter:postfix {0} && chmod 2750 {0}\"{1}, and with \"systemctl edit authmilterd\" "
           "add the line \"ReadWritePaths={0}\" below a line \"[Service]\"; or set milter.socket "
           "to {2} "
           "and change smtpd_milters",
           folder,
           volatile_folder
               ? fmt::format(", keep {}'s tmpfiles.d entry from undoing it", lower(program_))
               : "",
           kOwnSocket));
}

void Translator::socket_mode() {
  if (!settings_.has("UMask")) return;
  const auto mask = static_cast<unsigned>(settings_.integer("UMask", 0));
  // Who may write to a socket may connect; the other bits mean nothing.
  unsigned mode = 0600;
  for (const unsigned write : {0020U, 0002U}) {
    if ((mask & write) == 0) mode |= write | write << 1U;
  }
  // A milter that the MTA's group cannot reach was reached by root alone, as Sendmail's is.
  if (mode != 0660) set("milter", "socket_mode", fmt::format("\"{:04o}\"", mode), "UMask");
}

void Translator::authserv_id() {
  const auto text = settings_.text("AuthservID");
  if (!text || *text == "HOSTNAME") {
    // Both programs have the MTA's name by default, authmilter has the host's.
    if (!text)
      note("AuthservID",
           "the results field bears the host's name, not the MTA's ($myhostname in "
           "Postfix); set identity.authserv_id if they differ");
    return;
  }
  if (const auto name = DomainName::parse(*text)) {
    set("identity", "authserv_id", literal(name->text()), "AuthservID");
  } else {
    warn("AuthservID",
         fmt::format("\"{}\" is not a domain name, so the host's name is used", *text));
  }
}

void Translator::dns_timeout() {
  constexpr long kDefault = 5;  // of all three programs
  const long seconds = settings_.integer("DNSTimeout", kDefault);
  if (seconds == kDefault) return;
  if (seconds < 1 || seconds > kLongestTimeout) {
    warn("DNSTimeout", fmt::format("{} has no equal: dns.timeout is 5 seconds", seconds));
    return;
  }
  if (seconds < kDefault) {
    note("DNSTimeout",
         fmt::format("{} would be less than authmilter's default, so dns.timeout stays "
                     "at 5 seconds: a name server that is slow would be a temperror, "
                     "and the message be refused for now",
                     seconds));
    return;
  }
  set("dns", "timeout", fmt::format("\"{}s\"", seconds), "DNSTimeout");
  constexpr long kMessageTimeout = 20;
  if (seconds > kMessageTimeout)
    set("dns", "message_timeout", fmt::format("\"{}s\"", seconds), "DNSTimeout",
        "no shorter than for one query");
}

void Translator::log() {
  if (settings_.boolean("Syslog")) {
    // With the facility mail, as both programs; syslog(3) would lose the AUTHMILTER_* fields.
    set("log", "target", "\"journal\"", "Syslog",
        "the journal passes the lines on to a syslog daemon; on a host without systemd write "
        "\"syslog\"");
  } else if (settings_.has("Syslog")) {
    note("Syslog",
         "authmilterd always logs, to the journal; log.level = \"warning\" leaves out the "
         "line for each message");
  }
  const auto facility = settings_.text("SyslogFacility");
  if (facility && !same_word(*facility, "mail"))
    warn("SyslogFacility", fmt::format("\"{}\" has no equal: the facility is mail", *facility));
}

}  // namespace authmilter::importer
