#include <authmilter/arc_sealer.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "arc/chain.h"
#include "arc/seal_hashes.h"
#include "message/field_writer.h"
#include "signature/body_hasher.h"

namespace authmilter {
namespace {

constexpr const char* kSeal = "ARC-Seal";
constexpr const char* kMessageSignature = "ARC-Message-Signature";
constexpr const char* kResults = "ARC-Authentication-Results";

// Below what verifiers, this one too, take. From comes first, so it always fits.
constexpr std::size_t kNames = 150;

using TagTexts = std::vector<std::pair<std::string, std::string>>;

/// The value of a field that is to be signed: what stands before the value of b=, and behind it.
struct Draft {
  std::string before;
  std::string behind;
  SignaturePlace place() const { return {before.size(), before.size()}; }
  std::string text() const { return before + behind; }
};

FieldWriter::Lines lines() { return {"\r\n\t", 78}; }  // RFC 5322 section 2.1.1

/// `tags` without b=, in the order of a field whose instance stands first.
Draft draft_of(const char* name, TagTexts tags, ArcLayout layout) {
  switch (layout) {
    case ArcLayout::instance_first: {
      const std::string start = std::string(name) + ":";
      FieldWriter writer(lines(), start);
      for (const auto& [tag, value] : tags) {
        // The names of h= are words that a line may end behind.
        std::string before = tag + "=";
        std::string_view rest = value;
        for (std::size_t colon = rest.find(':'); tag == "h" && colon != std::string_view::npos;
             colon = rest.find(':')) {
          const std::string word = before + std::string(rest.substr(0, colon + 1));
          before.empty() ? writer.piece(word) : writer.word(word);
          before.clear();
          rest.remove_prefix(colon + 1);
        }
        const std::string word = before + std::string(rest) + ";";
        before.empty() ? writer.piece(word) : writer.word(word);
      }
      writer.word("b=");
      return {writer.take(), ""};
    }
    case ArcLayout::alphabetical:
      break;
  }
  tags.emplace_back("b", "");
  std::sort(tags.begin(), tags.end());
  Draft draft;
  std::string* side = &draft.before;
  for (const auto& [tag, value] : tags) {
    *side += (&tag == &tags.front().first ? " " : "; ") + tag + "=" + value;
    if (tag == "b") side = &draft.behind;
  }
  return draft;
}

HeaderField signed_field(const char* name, const Draft& draft, const Octets& signature,
                         ArcLayout layout) {
  const std::string encoded = base64_encode(signature);
  switch (layout) {
    case ArcLayout::instance_first: {
      const std::string start = std::string(name) + ":";
      FieldWriter writer(lines(), start, draft.before);
      writer.split_anywhere(encoded);
      return {name, writer.take()};
    }
    case ArcLayout::alphabetical:
      break;
  }
  return {name, draft.before + encoded + draft.behind};
}

std::string_view value_of(const MessageField& field) {
  return std::string_view(field.text).substr(field.text.find(':') + 1);
}

std::optional<ArcSealClaim> seal_claim_of(const MessageField& field) {
  return field.name == "arc-seal" ? read_seal_claim(value_of(field)) : std::nullopt;
}

/// The instance of a field of a chain, whatever else is wrong with it; 0 where it has none.
unsigned instance_of(const MessageField& field) {
  if (field.name == "arc-authentication-results") {
    const auto results = read_arc_results(value_of(field));
    return results ? results->instance : 0;
  }
  if (field.name == "arc-message-signature") {
    const auto signature = read_message_signature(value_of(field));
    return signature ? signature->instance : 0;
  }
  const auto claim = seal_claim_of(field);
  return claim ? claim->instance : 0;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// RFC 8617 section 4.1.2: what a message signature must not cover.
bool can_be_covered(std::string_view name) {
  return !is_arc_field(name) && name != "authentication-results";
}

}  // namespace

std::vector<std::string> default_sealed_headers() {
  return {"from",
          "subject",
          "reply-to",
          "sender",
          "date",
          "to",
          "cc",
          "message-id",
          "in-reply-to",
          "references",
          "mime-version",
          "content-type",
          "content-transfer-encoding",
          "list-id",
          "list-help",
          "list-unsubscribe",
          "list-unsubscribe-post",
          "list-post",
          "list-owner",
          "list-archive",
          "dkim-signature"};
}

struct ArcSealer::Impl {
  Impl(SigningKey the_key, ArcSealOptions the_options)
      : key(std::move(the_key)), options(std::move(the_options)) {}

  std::optional<unsigned> next_instance() const;
  std::vector<std::string> covered_names() const;
  Result<std::vector<HeaderField>> finish(ArcResult chain, std::string_view results);
  Result<HeaderField> message_signature(unsigned instance, const Sha256Digest& body_hash) const;
  Result<HeaderField> seal(unsigned instance, ArcResult chain, const HeaderField& results,
                           const HeaderField& message_signature);
  TagTexts common_tags(unsigned instance) const;

  SigningKey key;
  ArcSealOptions options;
  std::vector<MessageField> fields;
  unsigned made = 0;
  BodyHasher body{Canonicalization::relaxed, {std::nullopt}};
};

/// Nothing where the chain is not to be extended.
std::optional<unsigned> ArcSealer::Impl::next_instance() const {
  unsigned highest = 0;
  for (const MessageField& field : fields) {
    highest = std::max(highest, instance_of(field));
    // RFC 8617 section 5.1, step 2, of the newest seal. An older one that says so leaves no more to
    // be said either: section 5.2, step 3, fails whatever came after it.
    const auto claim = seal_claim_of(field);
    if (claim && claim->chain == ArcResult::fail) return std::nullopt;
  }
  return highest < kMostArcSets ? std::optional(highest + 1) : std::nullopt;
}

std::vector<std::string> ArcSealer::Impl::covered_names() const {
  std::vector<std::string> names;
  for (const std::string& name : options.headers) {
    if (!can_be_covered(name)) continue;
    auto times = std::count_if(fields.begin(), fields.end(),
                               [&](const MessageField& field) { return field.name == name; });
    if (contains(options.oversign, name) || (times > 0 && contains(options.oversign_present, name)))
      ++times;
    for (; times > 0 && names.size() < kNames; --times) names.push_back(name);
  }
  return names;
}

TagTexts ArcSealer::Impl::common_tags(unsigned instance) const {
  return {{"i", std::to_string(instance)},
          {"a", std::string(to_string(key.key->type())) + "-sha256"},
          {"d", key.domain.text()},
          {"s", key.selector.text()},
          {"t", std::to_string(options.now)}};
}

Result<HeaderField> ArcSealer::Impl::message_signature(unsigned instance,
                                                       const Sha256Digest& body_hash) const {
  const auto names = covered_names();
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ":") + name;
  TagTexts tags = common_tags(instance);
  tags.emplace_back("c", "relaxed/relaxed");
  tags.emplace_back("h", list);
  tags.emplace_back("bh", base64_encode(body_hash));
  const Draft draft = draft_of(kMessageSignature, std::move(tags), options.layout);
  const SignedHeader header{names, Canonicalization::relaxed, draft.place()};
  const MessageField own = make_message_field({kMessageSignature, draft.text()});
  const auto signature = key.key->sign_sha256(hash_headers(fields, {{&header, &own}}).front());
  if (!signature) return signature.error();
  return signed_field(kMessageSignature, draft, *signature, options.layout);
}

Result<HeaderField> ArcSealer::Impl::seal(unsigned instance, ArcResult chain,
                                          const HeaderField& results,
                                          const HeaderField& message_signature) {
  TagTexts tags = common_tags(instance);
  tags.emplace_back("cv", to_string(chain));
  const Draft draft = draft_of(kSeal, std::move(tags), options.layout);
  ArcChain sets;
  if (chain == ArcResult::pass) {
    auto before = read_chain(fields);
    if (!before) return Error{"ARC chain: not one that passes: " + before.error().text()};
    sets = *std::move(before);
  }
  // RFC 8617 section 5.1.2: of a chain that failed the new set is sealed alone.
  const std::size_t place = fields.size();
  for (const HeaderField& field : {results, message_signature, HeaderField{kSeal, draft.text()}})
    fields.push_back(make_message_field(field));
  sets.push_back({.seal = {.instance = instance,
                           .domain = key.domain,
                           .selector = key.selector,
                           .header = {{}, Canonicalization::relaxed, draft.place()}},
                  .message_signature = FieldFault{},
                  .results = {},
                  .seal_place = place + 2,
                  .message_signature_place = place + 1,
                  .results_place = place});
  const auto signature = key.key->sign_sha256(seal_hashes(fields, sets).back());
  if (!signature) return signature.error();
  return signed_field(kSeal, draft, *signature, options.layout);
}

Result<std::vector<HeaderField>> ArcSealer::Impl::finish(ArcResult chain,
                                                         std::string_view results_text) {
  const auto instance = next_instance();
  if (!instance) return std::vector<HeaderField>{};
  // A failed chain may have no instance that can be read; the others have theirs.
  if ((chain == ArcResult::none && *instance != 1) || (chain == ArcResult::pass && *instance == 1))
    return Error{"ARC chain: there is one, or there is none, and not what was found of it"};
  const HeaderField results = make_header_field(
      kResults, " i=" + std::to_string(*instance) + "; " + std::string(results_text));
  auto signature = message_signature(*instance, body.finish().front().digest);
  if (!signature) return signature.error();
  auto sealed = seal(*instance, chain, results, *signature);
  if (!sealed) return sealed.error();
  made = *instance;
  return std::vector<HeaderField>{*std::move(sealed), *std::move(signature), results};
}

ArcSealer::ArcSealer(SigningKey key, ArcSealOptions options)
    : impl_(std::make_unique<Impl>(std::move(key), std::move(options))) {}
ArcSealer::~ArcSealer() = default;

void ArcSealer::header(const HeaderField& field) {
  impl_->fields.push_back(make_message_field(field));
}
void ArcSealer::body(std::string_view octets) { impl_->body.update(octets); }
Result<std::vector<HeaderField>> ArcSealer::finish(ArcResult chain, std::string_view results) {
  return impl_->finish(chain, results);
}
unsigned ArcSealer::instance() const { return impl_->made; }

}  // namespace authmilter
