#include "spf/evaluation.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/ascii.h"
#include "spf/grammar.h"
#include "spf/macro.h"

namespace authmilter::spf {
namespace {

// A compiled record of libspf2 holds 511 octets, and a token's mechanism at most 16 of them; beyond
// this number of tokens it would lose the last ones without a word.
constexpr unsigned kWalkableTerms = 20;

// RFC 5321 section 4.5.3.1.1. Real bounce addresses are longer, so the limit holds only where a
// macro would carry the local part into a name or a text.
constexpr std::size_t kLocalPartOctets = 64;

constexpr std::size_t kMechanismOctets = 128;
constexpr std::size_t kDetailOctets = 64;
// RFC 7208 section 6.2 leaves the length open. It goes into an SMTP reply, whose lines have 512
// octets (RFC 5321 section 4.5.3.1.5).
constexpr std::size_t kExplanationOctets = 200;

constexpr std::string_view kTokenSuffix = ".t";

SpfLimits walkable(SpfLimits limits) {
  limits.lookup_terms = std::min(limits.lookup_terms, kWalkableTerms);
  return limits;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & '\x80') == 0; });
}

char qualifier_sign(SpfResult qualifier) {
  switch (qualifier) {
    case SpfResult::fail:
      return '-';
    case SpfResult::softfail:
      return '~';
    case SpfResult::neutral:
      return '?';
    case SpfResult::pass:
    case SpfResult::none:
    case SpfResult::temperror:
    case SpfResult::permerror:
      break;
  }
  return '+';
}

/// The mechanism that libspf2 shall see. It matches addresses itself; all else that we decide is
/// an exists, so that every term asks for its token when the walk comes to it.
std::string_view walked_mechanism(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::a:
      return "a";
    case Mechanism::mx:
      return "mx";
    case Mechanism::include:
      return "include";
    case Mechanism::all:
    case Mechanism::ip4:
    case Mechanism::ip6:
    case Mechanism::ptr:
    case Mechanism::exists:
      break;
  }
  return "exists";
}

/// RFC 7208 section 7.2: %{h} is a domain. A HELO with the dot at its end (RFC 1034 section 3.1)
/// names the same one, and in the middle of a name that dot would make an empty label.
std::string_view without_final_dot(std::string_view helo) {
  if (helo.ends_with('.')) helo.remove_suffix(1);
  return helo;
}

bool matches_addresses(const Term& term) {
  return term.mechanism == Mechanism::a || term.mechanism == Mechanism::mx;
}

}  // namespace

Evaluation::Evaluation(const SpfRequest& request, const Sender& sender, Resolver& resolver,
                       const SpfLimits& limits)
    : request_(request),
      sender_(sender),
      limits_(walkable(limits)),
      dns_(resolver, std::chrono::steady_clock::now() + limits.time),
      client_names_(request.client, limits.ptr_names, dns_),
      ascii_local_part_(is_ascii(sender.local_part)) {
  tokens_.push_back({Token::Kind::domain, nullptr, 0, {}});
}

// Tokens

std::string Evaluation::add_token(Token token) {
  tokens_.push_back(std::move(token));
  return std::to_string(tokens_.size() - 1).append(kTokenSuffix);
}

const Evaluation::Token* Evaluation::find_token(std::string_view text) const {
  if (!text.ends_with(kTokenSuffix)) return nullptr;
  text.remove_suffix(kTokenSuffix.size());
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index >= tokens_.size())
    return nullptr;
  return &tokens_[index];
}

/// The walk's version of a record: what cannot match is left out, the first term that matches
/// without a lookup ends it, and so does the term that will break the limit.
std::string Evaluation::write_record(const OpenRecord& open) {
  std::string text = "v=spf1";
  unsigned left = limits_.lookup_terms - lookups_ + 1;
  const auto& terms = open.record.terms;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Term& term = terms[i];
    const bool matches = term.matches(client());
    if (!matches && !term.costs_lookup()) continue;
    text += ' ';
    text += qualifier_sign(term.qualifier);
    text += walked_mechanism(term.mechanism);
    text += ':';
    text += add_token({Token::Kind::term, &open, i, {}});
    // libspf2 takes /0 for "no length"; find_addresses() sees to it.
    const unsigned prefix = term.prefix(client());
    if (matches_addresses(term) && prefix != 0 && prefix != (client().is_v4() ? 32U : 128U)) {
      text += client().is_v4() ? "/" : "//";
      text += std::to_string(prefix);
    }
    if (matches || --left == 0) return text;
  }
  if (open.record.redirect) {
    // RFC 7208 section 6.1: after all mechanisms, wherever it was written.
    text += " redirect=" + add_token({Token::Kind::redirect, &open, 0, {}});
  } else {
    text += " ?exists:" + add_token({Token::Kind::end, &open, 0, {}});
  }
  return text;
}

// Failures and limits

void Evaluation::fail(SpfResult result, SpfReason reason, std::string_view detail) {
  fail({result, {reason, printable(detail, kDetailOctets)}, std::nullopt});
}

void Evaluation::fail(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
}

void Evaluation::fail_by_dns(const DnsQuestion& question, const DnsAnswer& answer) {
  fail({SpfResult::temperror, Reason<SpfReason>(answer.fault),
        FailedLookup{question, answer.fault}});
}

void Evaluation::carry(std::exception_ptr exception) noexcept {
  if (!exception_) exception_ = std::move(exception);
}

// Records

std::optional<std::string> Evaluation::record_text(std::string_view text) {
  const Token* token = find_token(text);
  if (token == nullptr) fail(SpfResult::temperror, SpfReason::internal_error);
  if (failure_) return std::nullopt;
  const OpenRecord* open = open_record(*token);
  if (open == nullptr) return std::nullopt;
  return write_record(*open);
}

const OpenRecord* Evaluation::open_record(const Token& token) {
  std::optional<DnsName> domain;
  SpfReason missing = SpfReason::none;
  switch (token.kind) {
    case Token::Kind::domain:
      domain = DnsName(sender_.domain);
      missing = SpfReason::no_record;
      break;
    case Token::Kind::term:
      missing = SpfReason::include_without_record;
      trace_.reach(*token.record, token.term);
      if (!count_term()) return nullptr;
      domain = expand_target(*token.record, token.record->record.terms[token.term].domain_spec);
      break;
    case Token::Kind::redirect:
      missing = SpfReason::redirect_without_record;
      trace_.reach_redirect(*token.record);
      if (!count_term()) return nullptr;
      domain = expand_target(*token.record, token.record->record.redirect->domain_spec);
      break;
    case Token::Kind::end:
    case Token::Kind::exchange:
      fail(SpfResult::temperror, SpfReason::internal_error);
      return nullptr;
  }
  // RFC 7208 section 4.3: a name that cannot be asked for, or has one label, is a "none".
  if (!domain || domain->text().find('.') == std::string::npos) {
    fail(SpfResult::permerror, missing, domain ? domain->text() : "invalid name");
    return nullptr;
  }
  auto record = select_record(*domain, missing);
  if (record == nullptr) return nullptr;
  records_.push_back(
      std::make_unique<const OpenRecord>(OpenRecord{std::move(*domain), std::move(record)}));
  const OpenRecord& open = *records_.back();
  if (token.kind == Token::Kind::redirect) {
    trace_.replace(open);
  } else {
    trace_.enter(open);
  }
  return &open;
}

/// RFC 7208 sections 4.4 and 4.5. `missing` is the reason when there is no record, which is a
/// permerror but for the first domain.
std::shared_ptr<const Record> Evaluation::select_record(const DnsName& domain, SpfReason missing) {
  const bool first = records_.empty();
  const std::string_view detail = first ? std::string_view() : domain.text();
  const auto answer = dns_.resolve(domain, RrType::txt);
  if (answer->status == DnsStatus::temperror) {
    fail_by_dns({domain, RrType::txt}, *answer);
    return nullptr;
  }
  const auto published = parsed<PublishedRecord>(answer);
  if (!published->record) {
    fail(first ? SpfResult::none : SpfResult::permerror, missing, detail);
    return nullptr;
  }
  const auto& record = *published->record;
  if (record) return {published, &*record};
  if (record.error().code() == SpfReason::multiple_records) {
    fail(SpfResult::permerror, SpfReason::multiple_records, detail);
  } else {
    fail({SpfResult::permerror, record.error(), std::nullopt});
  }
  return nullptr;
}

// Names

MacroValues Evaluation::values_in(const OpenRecord& open) {
  return {.local_part = sender_.local_part,
          .sender_domain = sender_.domain,
          .domain = open.domain,
          .client = request_.client,
          .helo = without_final_dot(request_.helo.text),
          .receiver = request_.receiver,
          .now = request_.now,
          .validated_name = [this, &open] { return client_names_.best_for(open.domain); }};
}

bool Evaluation::may_expand(const MacroString& text) const {
  return sender_.local_part.size() <= kLocalPartOctets || !text.uses_local_part();
}

std::optional<DnsName> Evaluation::expand_target(const OpenRecord& open,
                                                 const std::optional<MacroString>& domain_spec) {
  if (!domain_spec) return open.domain;
  // RFC 8616 section 4: with a local part beyond ASCII, terms that use it never match.
  if (!ascii_local_part_ && domain_spec->uses_local_part()) return std::nullopt;
  if (!may_expand(*domain_spec)) {
    fail(SpfResult::permerror, SpfReason::local_part_too_long);
    return std::nullopt;
  }
  return target_name(expand(*domain_spec, values_in(open)));
}

// Terms

TokenAnswer Evaluation::lookup(std::string_view text) {
  const Token* found = find_token(text);
  if (found == nullptr) fail(SpfResult::temperror, SpfReason::internal_error);
  if (failure_) return stop();
  const Token token = *found;  // the table may grow
  switch (token.kind) {
    case Token::Kind::term:
      trace_.reach(*token.record, token.term);
      return try_term(*token.record, token.term);
    case Token::Kind::end:
      trace_.reach_end(*token.record);
      return {};
    case Token::Kind::exchange:
      return find_addresses(*token.exchange, token.record->record.terms[token.term]);
    case Token::Kind::domain:
    case Token::Kind::redirect:
      break;
  }
  fail(SpfResult::temperror, SpfReason::internal_error);
  return stop();
}

// The end

/// RFC 7208 section 6.2: any trouble means that there is no explanation. Its lookups count for
/// nothing.
std::string Evaluation::explain(const OpenRecord& open) {
  if (!open.record.explanation || !may_expand(open.record.explanation->domain_spec)) return {};
  const auto name = expand_target(open, open.record.explanation->domain_spec);
  if (!name) return {};
  const auto answer = dns_.resolve(*name, RrType::txt);
  const auto texts = answer->texts();
  if (texts.size() != 1 || texts.front().size() > kRecordOctets) return {};
  const auto text = parse_explanation(texts.front());
  if (!text || !may_expand(*text)) return {};
  std::string explanation = expand(*text, values_in(open));
  // The text itself is ASCII by its grammar, but a local part or HELO name need not be.
  if (!std::all_of(explanation.begin(), explanation.end(), is_printable)) return {};
  if (explanation.size() > kExplanationOctets) explanation.resize(kExplanationOctets);
  return explanation;
}

SpfOutcome Evaluation::outcome(std::optional<SpfResult> walked) {
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  // After a failure the walk need not stand at a term: it may have been at a redirect.
  const Term* matched = failure_ ? nullptr : trace_.current_term();
  const OpenRecord* deciding = trace_.deciding_record();
  if (!failure_) {
    // The walk and its trace must agree; a library that goes astray is not believed.
    const SpfResult expected = matched != nullptr ? matched->qualifier : SpfResult::neutral;
    if (deciding == nullptr || walked != expected)
      fail(SpfResult::temperror, SpfReason::internal_error);
  }

  SpfOutcome outcome;
  outcome.domain = sender_.domain;
  outcome.lookups = lookups_;
  outcome.void_lookups = void_lookups_;
  if (failure_) {
    outcome.result = failure_->result;
    outcome.reason = std::move(failure_->reason);
    outcome.undecided_by = std::move(failure_->lookup);
    const std::string_view word = to_string(outcome.result);
    trace_.abort(outcome.undecided_by ? "dns error" : word, word);
  } else {
    outcome.result = *walked;
    outcome.reason = matched != nullptr ? SpfReason::matched : SpfReason::by_default;
    outcome.mechanism = matched != nullptr ? printable(matched->text, kMechanismOctets) : "default";
    trace_.finish();
    if (outcome.result == SpfResult::fail) outcome.explanation = explain(*deciding);
  }
  outcome.steps = trace_.take_steps();
  return outcome;
}

}  // namespace authmilter::spf
