#pragma once

#include <optional>
#include <vector>

#include <authmilter/arc.h>
#include <authmilter/dkim.h>
#include <authmilter/dmarc.h>
#include <authmilter/forwarder.h>
#include <authmilter/ip_address.h>
#include <authmilter/message.h>
#include <authmilter/spf.h>

namespace authmilter {

/// All that was found out about a message.
struct Findings {
  std::optional<IpAddress> client;
  ReversePath mail_from;
  std::vector<ReversePath> recipients;  // forward-paths; the grammar is the same
  /// Where the client is one; SPF is of who came before it, if that is known.
  std::optional<PastForwarder> forwarder;
  std::vector<SpfOutcome> spf;  // the MAIL FROM identity first
  std::vector<DkimOutcome> dkim;
  DmarcOutcome dmarc;
  ArcOutcome arc;                     // information; what it is worth is the policy's to say
  std::optional<DomainName> list_id;  // of the one List-Id field (RFC 2919)
  std::optional<AuthorDomainError> author_error;  // why there is no Author Domain
};

}  // namespace authmilter
