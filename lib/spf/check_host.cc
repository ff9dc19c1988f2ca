#include <authmilter/spf.h>

#include <string>
#include <string_view>

#include "spf/evaluation.h"
#include "spf/libspf2_bridge.h"

namespace authmilter {
namespace {

SpfOutcome without_check(SpfResult result, SpfReason reason) {
  SpfOutcome outcome;
  outcome.result = result;
  outcome.reason = reason;
  return outcome;
}

SpfOutcome check_host(const SpfRequest& request, const spf::Sender& sender, Resolver& resolver,
                      const SpfLimits& limits) {
  spf::Evaluation evaluation(request, sender, resolver, limits);
  const auto walked = spf::walk(evaluation);
  return evaluation.outcome(walked);
}

/// The identity postmaster@HELO (RFC 7208 sections 2.3 and 2.4).
SpfOutcome check_postmaster(const SpfRequest& request, Resolver& resolver,
                            const SpfLimits& limits) {
  if (request.helo.text.empty()) return without_check(SpfResult::none, SpfReason::no_helo);
  if (!request.helo.domain) return without_check(SpfResult::none, SpfReason::invalid_helo);
  return check_host(request, {"postmaster", *request.helo.domain}, resolver, limits);
}

SpfOutcome check_mailbox(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits) {
  const ReversePath& path = request.mail_from;
  // A mailbox that others may split elsewhere proves nothing for the domain that we see in it.
  if (path.error == PathError::invalid_local_part)
    return without_check(SpfResult::permerror, SpfReason::invalid_local_part);
  // RFC 7208 section 4.3: a domain that is malformed or has a single label gives "none". HELO never
  // takes the place of a domain that is there but wrong.
  if (!path.domain || path.domain->label_count() < 2)
    return without_check(SpfResult::none, SpfReason::invalid_domain);
  // The same section: "postmaster" stands for a local part that is not there.
  const std::string& local_part = path.local_part;
  return check_host(request, {local_part.empty() ? "postmaster" : local_part, *path.domain},
                    resolver, limits);
}

}  // namespace

std::string_view to_string(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return "none";
    case SpfResult::neutral:
      return "neutral";
    case SpfResult::pass:
      return "pass";
    case SpfResult::fail:
      return "fail";
    case SpfResult::softfail:
      return "softfail";
    case SpfResult::temperror:
      return "temperror";
    case SpfResult::permerror:
      return "permerror";
  }
  return "temperror";
}

std::string_view to_string(SpfIdentity identity) {
  switch (identity) {
    case SpfIdentity::mailfrom:
      return "mailfrom";
    case SpfIdentity::helo:
      return "helo";
  }
  return "mailfrom";
}

SpfOutcome check_mail_from(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits) {
  const bool null = request.mail_from.null;
  SpfOutcome outcome =
      null ? check_postmaster(request, resolver, limits) : check_mailbox(request, resolver, limits);
  outcome.identity = SpfIdentity::mailfrom;
  outcome.null_reverse_path = null;
  return outcome;
}

SpfOutcome check_helo(const SpfRequest& request, Resolver& resolver, const SpfLimits& limits) {
  SpfOutcome outcome = check_postmaster(request, resolver, limits);
  outcome.identity = SpfIdentity::helo;
  return outcome;
}

}  // namespace authmilter
