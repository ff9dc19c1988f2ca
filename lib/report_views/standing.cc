#include <string>

#include <fmt/format.h>

#include <authmilter/report_advice.h>

namespace authmilter {

std::string_view to_string(SourceStanding standing) {
  switch (standing) {
    case SourceStanding::good:
      return "good";
    case SourceStanding::partly:
      return "partly";
    case SourceStanding::unaligned:
      return "unaligned";
    case SourceStanding::forwarder:
      return "forwarder";
    case SourceStanding::unknown:
      return "unknown";
  }
  return "";
}

SourceStanding standing_of(const SourceView& source) {
  if (source.total.fail() == 0) return SourceStanding::good;
  if (source.total.pass > 0) return SourceStanding::partly;
  const FailureCauses& causes = source.causes;
  const std::uint64_t foreign = causes.foreign_dkim + causes.foreign_spf;
  if (causes.forwarded > 0 && causes.forwarded >= foreign) return SourceStanding::forwarder;
  if (foreign > 0) return SourceStanding::unaligned;
  return SourceStanding::unknown;
}

std::string remedy_for(const SourceView& source, std::string_view domain) {
  const FailureCauses& causes = source.causes;
  switch (standing_of(source)) {
    case SourceStanding::good:
      return {};
    case SourceStanding::forwarder:
      return fmt::format(
          "a list or forwarder that changes messages: it should rewrite From or seal with ARC; "
          "nothing that {} publishes mends it",
          domain);
    case SourceStanding::unaligned:
      if (causes.foreign_dkim >= causes.foreign_spf) {
        return fmt::format(
            "signs as {}: if it is yours, let it sign with d={}, and publish its key under "
            "_domainkey.{}",
            source.other_domain, domain, domain);
      }
      return fmt::format(
          "its envelope is of {}: if it is yours, give it a return path below {} with an SPF "
          "record of its own, or let it sign with d={}",
          source.other_domain, domain, domain);
    case SourceStanding::partly:
    case SourceStanding::unknown:
      break;
  }
  if (causes.broken_signature > 0 && causes.broken_signature >= causes.not_in_spf) {
    return fmt::format(
        "its signatures with d={} do not verify: compare the published key (authmilter key check), "
        "and look for what changes messages behind the signer",
        domain);
  }
  if (causes.not_in_spf > 0) {
    return fmt::format(
        "sends with an envelope of {} from an address that its SPF record does not allow: if it is "
        "yours, add it there and let it sign",
        domain);
  }
  if (causes.forwarded + causes.foreign_dkim + causes.foreign_spf > 0) {
    return fmt::format("some of it authenticates as {}: let all of it sign with d={}",
                       source.other_domain, domain);
  }
  return source.total.pass > 0
             ? fmt::format("some of it is neither signed nor sent with an envelope of {}", domain)
             : "nothing authenticates it: a forgery, or a host of yours that does not sign";
}

}  // namespace authmilter
