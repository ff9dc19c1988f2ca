#include "dmarc/opendmarc_bridge.h"

#include <algorithm>
#include <string_view>

#include <opendmarc/dmarc.h>

#include "base/ascii.h"
#include "base/c_handle.h"

// Rules for this library, which is older than RFC 9989:
// - it gets a normalised record of four tags and no raw one: it does not know np, psd and t, and
//   takes one bad tag for a bad record;
// - it gets aligned passes only, each under the Author Domain's own name and with strict modes, so
//   that the alignment is ours (RFC 9989 section 4.10.2);
// - no organizational domain is given: with one it would take `sp`, even for the domain itself;
// - of its functions that look names up none is called; report addresses are read as the list that
//   the context owns;
// - the context is dropped after any error;
// - names are at most 250 octets of letters, digits, hyphens, underscores and dots, with a letter
//   or a digit among them.

namespace authmilter {
namespace {

constexpr std::size_t kNameOctets = 250;

void shut_down(DMARC_POLICY_T* context) noexcept { opendmarc_policy_connect_shutdown(context); }
using PolicyContext = CHandle<DMARC_POLICY_T, shut_down>;

/// The library's own type of text. It writes to none of what it is given here.
u_char* octets(std::string& text) { return reinterpret_cast<u_char*>(text.data()); }

std::string normalised_record(const OpendmarcInput& input) {
  std::string record = "v=DMARC1; p=" + std::string(to_string(input.policy)) + "; adkim=s; aspf=s";
  const auto add_list = [&](std::string_view tag, const std::vector<std::string>& uris) {
    for (std::size_t i = 0; i < uris.size(); ++i) {
      record += i == 0 ? "; " + std::string(tag) + "=" : ",";
      record += uris[i];
    }
  };
  add_list("rua", input.rua);
  add_list("ruf", input.ruf);
  return record;
}

std::vector<std::string> copied(u_char** list) {
  std::vector<std::string> texts;
  for (; list != nullptr && *list != nullptr; ++list)
    texts.emplace_back(reinterpret_cast<const char*>(*list));
  return texts;
}

}  // namespace

bool opendmarc_accepts(const DomainName& domain) {
  const std::string& text = domain.text();
  return text.size() <= kNameOctets && std::any_of(text.begin(), text.end(), is_alnum);
}

std::optional<OpendmarcVerdict> ask_opendmarc(const OpendmarcInput& input) {
  if (!opendmarc_accepts(input.author_domain)) return std::nullopt;
  std::string address = "192.0.2.1";  // wanted, and used for nothing
  const PolicyContext context(opendmarc_policy_connect_init(octets(address), 0));
  if (!context) return std::nullopt;

  std::string record = normalised_record(input);
  std::string domain = input.author_domain.text();
  if (opendmarc_policy_store_dmarc(context.get(), octets(record), octets(domain), nullptr) !=
      DMARC_PARSE_OKAY)
    return std::nullopt;
  for (std::string selector : input.dkim_selectors) {
    if (opendmarc_policy_store_dkim(context.get(), octets(domain), octets(selector),
                                    DMARC_POLICY_DKIM_OUTCOME_PASS, nullptr) != DMARC_PARSE_OKAY)
      return std::nullopt;
  }
  if (input.spf_aligned &&
      opendmarc_policy_store_spf(context.get(), octets(domain), DMARC_POLICY_SPF_OUTCOME_PASS,
                                 DMARC_POLICY_SPF_ORIGIN_MAILFROM, nullptr) != DMARC_PARSE_OKAY)
    return std::nullopt;

  OpendmarcVerdict verdict;
  switch (opendmarc_get_policy_to_enforce(context.get())) {
    case DMARC_POLICY_PASS:
      verdict.pass = true;
      break;
    case DMARC_POLICY_NONE:
      verdict.policy = AssessmentPolicy::none;
      break;
    case DMARC_POLICY_QUARANTINE:
      verdict.policy = AssessmentPolicy::quarantine;
      break;
    case DMARC_POLICY_REJECT:
      verdict.policy = AssessmentPolicy::reject;
      break;
    default:
      return std::nullopt;  // the library's numbers, not an enum
  }
  verdict.rua = copied(opendmarc_policy_fetch_rua(context.get(), nullptr, 0, 1));
  verdict.ruf = copied(opendmarc_policy_fetch_ruf(context.get(), nullptr, 0, 1));
  return verdict;
}

}  // namespace authmilter
