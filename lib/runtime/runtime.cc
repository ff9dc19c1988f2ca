#include <authmilter/runtime.h>

#include <malloc.h>

#include <stdexcept>
#include <utility>

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

}  // namespace

Runtime::Runtime(Config config, std::shared_ptr<const KeyRing> keys, ResolverSet dns,
                 std::shared_ptr<const DkimEngine> engine)
    : config_(std::make_shared<const Config>(std::move(config))),
      keys_(std::move(keys)),
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
  // The ring has all that is in them, in a tenth of the room.
  config.signing.domains = {};
  config.signing.drop_ins = {};

  const bool keep = previous != nullptr && same_upstream(previous->config_->dns, config.dns);
  auto dns = make_resolver(config.dns, keep ? previous->dns_.upstream : nullptr, observer);
  if (!dns) return dns.error();

  auto engine = previous != nullptr ? previous->engine_ : std::make_shared<const DkimEngine>();
  auto runtime = std::make_shared<Runtime>(std::move(config), std::move(chosen), std::move(*dns),
                                           std::move(engine));
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
  return std::make_unique<MessageVerifier>(*config_, *engine_, resolver(), std::move(envelope),
                                           now);
}

std::unique_ptr<MessageSigner> Runtime::signer(Envelope envelope, std::int64_t now) const {
  return std::make_unique<MessageSigner>(*config_, *engine_, keys(), std::move(envelope), now);
}

BudgetResolver Runtime::message_budget() const {
  return BudgetResolver(resolver(), config_->dns.message_queries, config_->dns.message_timeout);
}

}  // namespace authmilter
