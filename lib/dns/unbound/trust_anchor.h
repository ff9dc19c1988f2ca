#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// Trust anchors (RFC 4033 section 2) as lines of a master file that libunbound takes: DS and
/// DNSKEY records, one of the root's at least, each complete and of an algorithm that can be
/// validated with. libunbound gets these lines and never the file: newer ones end the process over
/// a file that they cannot use.
struct TrustAnchors {
  std::vector<std::string> records;
  bool operator==(const TrustAnchors&) const = default;
};

/// Reads a master file of DS and DNSKEY records (RFC 1035 section 5, RFC 4034), or what unbound
/// writes where it keeps the root's key up to date by itself (RFC 5011): of its keys those count
/// that are valid or missing. Other records, and those that nothing can be validated with, are
/// passed over; one that is damaged is an error. Errors read "line N: ...".
Result<TrustAnchors> parse_trust_anchors(std::string_view text);

/// The same for a file. Errors begin with its name.
Result<TrustAnchors> read_trust_anchors(const std::string& path);

/// The first of the places where Debian's dns-root-data and unbound put the root's key that is
/// there; empty when none is.
std::string find_trust_anchor_file();

}  // namespace authmilter
