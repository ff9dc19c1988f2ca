// A libmilter filter that does what cannot be left out, and nothing else: with --work verify or
// sign the bare OpenSSL work for each message (its header and body octets hashed as they come, a
// signature verified or made with a key that is loaded), with --work none not even that.

#include <libmilter/mfapi.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "bare_work.h"

namespace {

enum class Work { none, verify, sign };

struct Options {
  std::string socket;
  Work work = Work::none;
  unsigned long actions = SMFIF_ADDHDRS;
  unsigned long steps = 0;
  std::map<int, std::string> macros;
  std::string rsa_file;
  std::string ed25519_file;
};

Options options;
std::optional<bench::LoadedKey> rsa;
std::optional<bench::LoadedKey> ed25519;

/// One message's.
struct Message {
  bench::Hash header;
  bench::Hash body;
  bench::Algorithms signatures;
};

Message* message_of(SMFICTX* ctx) { return static_cast<Message*>(smfi_getpriv(ctx)); }

void forget(SMFICTX* ctx) {
  delete message_of(ctx);  // NOLINT(cppcoreguidelines-owning-memory): libmilter keeps it
  smfi_setpriv(ctx, nullptr);
}

/// The answer at a step whose answer may have been left out by negotiation.
sfsistat go_on(unsigned long unanswered) {
  return (options.steps & unanswered) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

std::string base64(const bench::Digest& octets) {
  std::string text(4 * ((octets.size() + 2) / 3) + 1, '\0');
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's characters are unsigned
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), octets.data(),
                                   static_cast<int>(octets.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

sfsistat add_field(SMFICTX* ctx, std::string name, std::string value) {
  return smfi_insheader(ctx, 0, name.data(), value.data()) == MI_SUCCESS ? SMFIS_CONTINUE
                                                                         : SMFIS_TEMPFAIL;
}

sfsistat verify(SMFICTX* ctx, Message& message) {
  message.header.finish();
  message.body.finish();
  const bool holds = (!message.signatures.rsa || rsa->verify()) &&
                     (!message.signatures.ed25519 || ed25519->verify());
  return add_field(ctx, "Authentication-Results",
                   holds ? " mx.example.net; dkim=pass" : " mx.example.net; dkim=fail");
}

sfsistat sign(SMFICTX* ctx, Message& message) {
  const auto body = base64(message.body.finish());
  const auto digest = message.header.finish();
  for (const auto* key : {&rsa, &ed25519}) {
    if (!*key) continue;
    const std::string field = " v=1; a=rsa-sha256; d=example.com; s=floor; bh=" + body +
                              "; b=" + base64((*key)->sign(digest));
    if (add_field(ctx, "DKIM-Signature", field) != SMFIS_CONTINUE) return SMFIS_TEMPFAIL;
  }
  return SMFIS_CONTINUE;
}

extern "C" {

sfsistat on_negotiate(SMFICTX* ctx, unsigned long offered_actions, unsigned long offered_steps,
                      unsigned long, unsigned long, unsigned long* actions, unsigned long* steps,
                      unsigned long* more, unsigned long* still_more) noexcept {
  *actions = offered_actions & options.actions;
  *steps = offered_steps & options.steps;
  *more = 0;
  *still_more = 0;
  for (auto& [stage, names] : options.macros) smfi_setsymlist(ctx, stage, names.data());
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX*, char*, _SOCK_ADDR*) noexcept { return go_on(SMFIP_NR_CONN); }
sfsistat on_helo(SMFICTX*, char*) noexcept { return go_on(SMFIP_NR_HELO); }

sfsistat on_mail(SMFICTX* ctx, char**) noexcept {
  forget(ctx);
  if (options.work != Work::none)
    smfi_setpriv(ctx, new Message);  // NOLINT(cppcoreguidelines-owning-memory)
  return go_on(SMFIP_NR_MAIL);
}

sfsistat on_rcpt(SMFICTX*, char**) noexcept { return go_on(SMFIP_NR_RCPT); }

sfsistat on_header(SMFICTX* ctx, char* name, char* value) noexcept {
  if (auto* message = message_of(ctx)) {
    const std::string_view text(value);
    message->header.add(name);
    message->header.add(":");
    message->header.add(text);
    message->header.add("\r\n");
    if (std::string_view(name) == "DKIM-Signature") {
      message->signatures.rsa |= text.find("a=rsa-") != std::string_view::npos;
      message->signatures.ed25519 |= text.find("a=ed25519-") != std::string_view::npos;
    }
  }
  return go_on(SMFIP_NR_HDR);
}

sfsistat on_end_of_headers(SMFICTX*) noexcept { return go_on(SMFIP_NR_EOH); }

sfsistat on_body(SMFICTX* ctx, unsigned char* octets, std::size_t size) noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libmilter's characters are
  // unsigned
  if (auto* message = message_of(ctx))
    message->body.add({reinterpret_cast<const char*>(octets), size});
  return go_on(SMFIP_NR_BODY);
}

sfsistat on_end_of_message(SMFICTX* ctx) noexcept {
  auto* message = message_of(ctx);
  if (message == nullptr) return add_field(ctx, "Authentication-Results", " mx.example.net; none");
  const auto answer = options.work == Work::verify ? verify(ctx, *message) : sign(ctx, *message);
  forget(ctx);
  return answer;
}

sfsistat on_close(SMFICTX* ctx) noexcept {
  forget(ctx);
  return SMFIS_CONTINUE;
}

}  // extern "C"

int serve() {
  std::string name = "floor";
  smfiDesc filter{};
  filter.xxfi_name = name.data();
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = options.actions;
  filter.xxfi_negotiate = on_negotiate;
  filter.xxfi_connect = on_connect;
  filter.xxfi_helo = on_helo;
  filter.xxfi_envfrom = on_mail;
  filter.xxfi_envrcpt = on_rcpt;
  filter.xxfi_header = on_header;
  filter.xxfi_eoh = on_end_of_headers;
  filter.xxfi_body = on_body;
  filter.xxfi_eom = on_end_of_message;
  filter.xxfi_close = on_close;
  std::string place = "unix:" + options.socket;
  if (smfi_register(filter) != MI_SUCCESS || smfi_setconn(place.data()) != MI_SUCCESS ||
      smfi_opensocket(true) != MI_SUCCESS)
    throw std::runtime_error("libmilter does not serve on " + place);
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A filter that does no more than the bare cryptography of each message.");
  const std::map<std::string, Work> works = {
      {"none", Work::none}, {"verify", Work::verify}, {"sign", Work::sign}};
  app.add_option("--socket", options.socket, "its path")->required();
  app.add_option("--work", options.work, "none, verify or sign")
      ->transform(CLI::CheckedTransformer(works));
  app.add_option("--actions", options.actions, "SMFIF_... to negotiate")->capture_default_str();
  app.add_option("--steps", options.steps, "SMFIP_... to negotiate")->capture_default_str();
  app.add_option("--macros", options.macros, "STAGE NAMES: macros to ask for");
  app.add_option("--rsa", options.rsa_file, "a private key file, to verify or sign with")
      ->check(CLI::ExistingFile);
  app.add_option("--ed25519", options.ed25519_file, "another")->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    if (!options.rsa_file.empty()) rsa.emplace(options.rsa_file);
    if (!options.ed25519_file.empty()) ed25519.emplace(options.ed25519_file);
    if (options.work == Work::verify && !(rsa && ed25519))
      throw std::runtime_error("verify needs --rsa and --ed25519");
    if (options.work == Work::sign && !rsa && !ed25519)
      throw std::runtime_error("sign needs --rsa or --ed25519");
    return serve();
  } catch (const std::exception& error) {
    std::cerr << "floor: " << error.what() << '\n';
    return 1;
  }
}
