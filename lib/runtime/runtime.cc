#include <authmilter/runtime.h>

#include <malloc.h>

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

bool same_upstream(const DnsConfig& a, const DnsConfig& b) {
  return a.nameservers == b.nameservers && a.dnssec == b.dnssec && a.timeout == b.timeout &&
         a.cache_octets == b.cache_octets && a.trust_anchor == b.trust_anchor;
}

/// A large file takes several times its size while it is read. glibc keeps that, but for what it is
/// told to give back: whole pages.
void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

/// Of the keys that sign for the sealing domain: the one that is named, or the first by which
/// receivers validate seals, which is an RSA key.
Result<SigningKey> choose_seal_key(const ArcConfig& arc, const KeyRing& ring) {
  std::optional<SigningKey> chosen;
  for (const SigningKey& key : ring.keys_for(*arc.domain)) {
    if (key.domain != *arc.domain || (arc.selector && key.selector != *arc.selector)) continue;
    if (!chosen) chosen = key;
    if (key.key->unavailable() || key.key->type() == KeyType::rsa) return key;
  }
  if (chosen) return *chosen;
  const std::string fault = ring.fault_of(*arc.domain);
  return Error{fault.empty() ? fmt::format("there is no key of {} to seal with", arc.domain->text())
                             : fault};
}

/// What will not mend itself.
std::optional<std::string> fault_of_seal(const ArcConfig& arc, const KeyRing& ring) {
  if (!arc.seal || !ring.fault_of(*arc.domain).empty()) return std::nullopt;
  for (const SigningKey& key : ring.known_keys_for(*arc.domain)) {
    if (key.domain == *arc.domain && (!arc.selector || key.selector == *arc.selector))
      return std::nullopt;
  }
  return arc.selector
             ? fmt::format("arc.selector: no [[signing.domain]] has the key {} of {}",
                           arc.selector->text(), arc.domain->text())
             : fmt::format("arc.domain: no [[signing.domain]] has a key of {}", arc.domain->text());
}

}  // namespace

Result<std::shared_ptr<const KeyRing>> load_seal_keys(const Config& config,
                                                      const KeyRing* previous) {
  const ArcConfig& arc = config.arc;
  if (!arc.seal || !arc.source) return std::shared_ptr<const KeyRing>();
  SigningConfig alone;
  alone.minimum_rsa_bits = config.signing.minimum_rsa_bits;
  alone.token_timeout = config.signing.token_timeout;
  alone.domains = {{*arc.domain, false, {{*arc.selector, *arc.source, arc.place}}, arc.place}};
  return KeyRing::load(alone, previous);
}

Runtime::Runtime(Config config, std::shared_ptr<const KeyRing> keys, ResolverSet dns,
                 std::shared_ptr<const DkimEngine> engine, std::shared_ptr<const KeyRing> seal_keys)
    : config_(std::make_shared<const Config>(std::move(config))),
      keys_(std::move(keys)),
      seal_keys_(std::move(seal_keys)),
      engine_(std::move(engine)),
      dns_(std::move(dns)) {}

Result<std::shared_ptr<const Runtime>> Runtime::load(const std::filesystem::path& path,
                                                     const std::string& host_name,
                                                     const Runtime* previous,
                                                     DnsObserver* observer) {
  auto config = load_config(path, host_name, previous == nullptr ? nullptr : previous->keys_.get());
  if (!config) return config.error();
  return make(std::move(*config), previous, observer);
}

Result<std::shared_ptr<const Runtime>> Runtime::make(Config config, const Runtime* previous,
                                                     DnsObserver* observer) {
  auto keys = KeyRing::load(config.signing, previous == nullptr ? nullptr : previous->keys_.get());
  if (!keys) return keys.error();
  auto states = KeyStates::load(config.signing.state_directory,
                                previous == nullptr ? nullptr : previous->states_.get());
  auto chosen = KeyRing::choose(*keys, states);
  auto seal_keys =
      load_seal_keys(config, previous == nullptr ? nullptr : previous->seal_keys_.get());
  if (!seal_keys) return seal_keys.error();
  if (const auto fault = fault_of_seal(config.arc, *seal_keys ? **seal_keys : *chosen))
    return Error{fmt::format("{}: {}", config.arc.place.text(), *fault)};
  // The ring has all that is in them, in a tenth of the room.
  config.signing.domains = {};
  config.signing.drop_ins = {};

  const bool keep = previous != nullptr && same_upstream(previous->config_->dns, config.dns);
  auto dns = make_resolver(config.dns, keep ? previous->dns_.upstream : nullptr, observer);
  if (!dns) return dns.error();

  auto engine = previous != nullptr ? previous->engine_ : std::make_shared<const DkimEngine>();
  auto runtime = std::make_shared<Runtime>(std::move(config), std::move(chosen), std::move(*dns),
                                           std::move(engine), std::move(*seal_keys));
  runtime->states_ = std::move(states);
  give_back_memory();
  return std::shared_ptr<const Runtime>(std::move(runtime));
}

std::shared_ptr<const Runtime> Runtime::with_key_states_of_now() const {
  auto states = KeyStates::load(config_->signing.state_directory, states_.get());
  if (states_ && states->same_as(*states_)) return nullptr;
  auto runtime = std::make_shared<Runtime>(*this);
  runtime->keys_ = KeyRing::choose(keys_, states);
  runtime->states_ = std::move(states);
  return runtime;
}

const KeyRing& Runtime::keys() const {
  if (!keys_) throw std::logic_error("this runtime was made without keys");
  return *keys_;
}

Resolver& Runtime::resolver() const {
  if (!dns_.upstream && !dns_.zones)
    throw std::logic_error("this runtime was made without a resolver");
  return dns_.resolver();
}

std::unique_ptr<MessageVerifier> Runtime::verifier(Envelope envelope, std::int64_t now) const {
  return std::make_unique<MessageVerifier>(*config_, *engine_, resolver(), std::move(envelope), now,
                                           seal_key());
}

std::optional<Result<SigningKey>> Runtime::seal_key() const {
  const auto& ring = seal_keys_ ? seal_keys_ : keys_;
  if (!config_->arc.seal || !ring) return std::nullopt;
  return choose_seal_key(config_->arc, *ring);
}

std::unique_ptr<MessageSigner> Runtime::signer(Envelope envelope, std::int64_t now) const {
  return std::make_unique<MessageSigner>(*config_, *engine_, keys(), std::move(envelope), now);
}

BudgetResolver Runtime::message_budget() const {
  return BudgetResolver(resolver(), config_->dns.message_queries, config_->dns.message_timeout);
}

}  // namespace authmilter
