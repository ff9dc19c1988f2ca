#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/name_server.h>
#include <authmilter/pattern.h>
#include <authmilter/result.h>
#include <authmilter/socket_address.h>

namespace authmilter {

// The notations of single values. Each function gives the value in its one form, or an error that
// reads after "section.key: ".

/// "500ms", "5s", "2m".
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string print_duration(std::chrono::milliseconds duration);

/// An MTA's way to reach the milter, in libmilter's notation.
Result<SocketAddress> parse_socket(std::string_view text);
/// Permission bits as octal digits: "0660".
Result<unsigned> parse_socket_mode(std::string_view text);
Result<std::string> parse_group(std::string_view text);

/// "ADDRESS" or "ADDRESS@PORT"; a link-local address with its "%INTERFACE".
Result<NameServer> parse_nameserver(std::string_view text);
/// "ADDRESS:PORT", an IPv6 address in brackets; or nothing.
Result<std::optional<HostPort>> parse_listen(std::string_view text);
Result<Network> parse_network(std::string_view text);

Result<DomainName> parse_domain(std::string_view text);
/// "example.org", or "*.example.org" for every name below it.
Result<DomainPattern> parse_domain_pattern(std::string_view text);
/// A domain pattern, "user@example.org", "@example.org", or "<>" for the null reverse-path.
Result<AddressPattern> parse_mail_from_pattern(std::string_view text);
/// The same without "<>", which nothing is delivered to.
Result<AddressPattern> parse_recipient_pattern(std::string_view text);

/// The name of a header field that may be signed, in lower case.
Result<std::string> parse_signed_header(std::string_view text);
/// What is put in front of a Subject.
Result<std::string> parse_subject_tag(std::string_view text);
/// A file's name.
Result<std::string> parse_path(std::string_view text);
/// The same, or nothing.
Result<std::string> parse_optional_path(std::string_view text);

}  // namespace authmilter
