#include "spf/libspf2_bridge.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>

extern "C" {
#include <spf2/spf.h>
}

#include "base/c_handle.h"

namespace authmilter::spf {
namespace {

using ServerHandle = CHandle<SPF_server_t, SPF_server_free>;
using RequestHandle = CHandle<SPF_request_t, SPF_request_free>;
using ResponseHandle = CHandle<SPF_response_t, SPF_response_free>;
using RecordHandle = CHandle<SPF_record_t, SPF_record_free>;

// Limits are the evaluation's (RFC 7208 section 4.6.4); the library's own must not come first.
constexpr int kNoLimit = 1'000'000;

void be_quiet(const char*, int, const char*) noexcept {}

/// libspf2 calls this for a failed assertion and for exhausted memory, and cannot go on.
/// Throws nothing; the attribute is spelt as in the library's header, where it is part of the type.
__attribute__((noreturn)) void give_up(const char*, int, const char* message) {
  std::fputs("libspf2: ", stderr);
  std::fputs(message, stderr);
  std::fputc('\n', stderr);
  std::abort();
}

void set_global_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    SPF_error_handler = give_up;
    SPF_warning_handler = be_quiet;
    SPF_info_handler = be_quiet;  // would print to standard output
    SPF_debug_handler = be_quiet;
  });
}

bool add_address(SPF_dns_rr_t* rr, const IpAddress& address) {
  if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, sizeof(SPF_dns_rr_data_t)) != SPF_E_SUCCESS)
    return false;
  SPF_dns_rr_data_t* data = rr->rr[rr->num_rr++];
  // An exists asks for A whatever the client is, and looks at no octet of the answer.
  *data = {};
  const auto octets = address.octets();
  if (rr->rr_type == (address.is_v4() ? ns_t_a : ns_t_aaaa))
    std::memcpy(data, octets.data(), octets.size());
  return true;
}

bool add_exchange(SPF_dns_rr_t* rr, const std::string& token) {
  if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, token.size() + 1) != SPF_E_SUCCESS) return false;
  std::memcpy(rr->rr[rr->num_rr++]->mx, token.c_str(), token.size() + 1);
  return true;
}

SPF_dns_stat_t status_of(TokenAnswer::Status status) {
  switch (status) {
    case TokenAnswer::Status::found:
      return NETDB_SUCCESS;
    case TokenAnswer::Status::nothing:
      return NO_DATA;
    case TokenAnswer::Status::stop:
      break;
  }
  return TRY_AGAIN;  // the one status at which libspf2 ends the walk
}

bool fill(SPF_dns_rr_t* rr, const TokenAnswer& answer) {
  for (const IpAddress& address : answer.addresses)
    if (!add_address(rr, address)) return false;
  for (const std::string& token : answer.exchanges)
    if (!add_exchange(rr, token)) return false;
  return true;
}

Evaluation& evaluation_of(const SPF_dns_server_t* layer) {
  return *static_cast<Evaluation*>(layer->hook);
}

extern "C" SPF_dns_rr_t* on_lookup(SPF_dns_server_t* layer, const char* name, ns_type type,
                                   int /*should_cache*/) noexcept {
  Evaluation& evaluation = evaluation_of(layer);
  // libspf2 owns it and gives up on a null pointer.
  SPF_dns_rr_t* rr = SPF_dns_rr_new_init(layer, name, type, 0, TRY_AGAIN);
  if (rr == nullptr) return nullptr;
  try {
    const TokenAnswer answer = evaluation.lookup(name);
    if (!fill(rr, answer)) throw std::bad_alloc();
    rr->herrno = status_of(answer.status);
  } catch (...) {
    evaluation.carry(std::current_exception());
    rr->num_rr = 0;
  }
  return rr;
}

/// An error is all that libspf2 needs to hear; which one, the evaluation knows.
extern "C" SPF_errcode_t on_record(SPF_server_t* server, SPF_request_t* request,
                                   SPF_response_t* response, SPF_record_t** record) noexcept {
  *record = nullptr;
  Evaluation& evaluation = evaluation_of(server->resolver);
  try {
    const auto text = evaluation.record_text(request->cur_dom);
    if (!text) return SPF_E_DNS_ERROR;
    return SPF_record_compile(server, response, record, text->c_str());
  } catch (...) {
    evaluation.carry(std::current_exception());
    return SPF_E_DNS_ERROR;
  }
}

/// Explanations are ours, after the walk. Its being set keeps libspf2 from asking for any.
extern "C" SPF_errcode_t on_explanation(SPF_server_t* /*server*/, const char* /*domain*/,
                                        char** /*buffer*/, size_t* /*size*/) noexcept {
  return SPF_E_SUCCESS;
}

void set_client(SPF_request_t* request, const IpAddress& client) {
  const auto octets = client.octets();
  if (client.is_v4()) {
    in_addr address{};
    std::memcpy(&address, octets.data(), octets.size());
    SPF_request_set_ipv4(request, address);
  } else {
    in6_addr address{};
    std::memcpy(&address, octets.data(), octets.size());
    SPF_request_set_ipv6(request, address);
  }
}

std::optional<SpfResult> result_of(const ResponseHandle& response) {
  switch (SPF_response_result(response.get())) {
    case SPF_RESULT_PASS:
      return SpfResult::pass;
    case SPF_RESULT_FAIL:
      return SpfResult::fail;
    case SPF_RESULT_SOFTFAIL:
      return SpfResult::softfail;
    case SPF_RESULT_NEUTRAL:
      return SpfResult::neutral;
    case SPF_RESULT_NONE:
    case SPF_RESULT_TEMPERROR:
    case SPF_RESULT_PERMERROR:
    case SPF_RESULT_INVALID:
      break;
  }
  return std::nullopt;  // all of these come from the evaluation
}

template <class Handle>
Handle owned(typename Handle::pointer pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return Handle(pointer);
}

}  // namespace

std::optional<SpfResult> walk(Evaluation& evaluation) {
  set_global_handlers();
  // Zero but for these: with no destroy function libspf2 leaves it to us.
  SPF_dns_server_t layer{};
  layer.lookup = on_lookup;
  layer.get_spf = on_record;
  layer.get_exp = on_explanation;
  layer.name = "authmilter";
  layer.hook = &evaluation;

  // A server for each evaluation: the callbacks have no other way to their context.
  const auto server = owned<ServerHandle>(SPF_server_new_dns(&layer, 0));
  SPF_server_set_max_dns_mech(server.get(), kNoLimit);
  SPF_server_set_max_dns_mx(server.get(), kNoLimit);
  const auto request = owned<RequestHandle>(SPF_request_new(server.get()));
  set_client(request.get(), evaluation.client());
  const std::string token(Evaluation::kFirstToken);
  if (SPF_request_set_helo_dom(request.get(), token.c_str()) != SPF_E_SUCCESS ||
      SPF_request_set_env_from(request.get(), ("x@" + token).c_str()) != 0)
    throw std::bad_alloc();
  request->cur_dom = request->env_from_dp;

  // Not SPF_request_query_mailfrom(), which lets loopback clients pass.
  const auto response = owned<ResponseHandle>(SPF_response_new(request.get()));
  SPF_record_t* found = nullptr;
  SPF_errcode_t error = SPF_server_get_record(server.get(), request.get(), response.get(), &found);
  const RecordHandle record(found);
  if (error != SPF_E_SUCCESS || record == nullptr) return std::nullopt;
  response->spf_record_exp = record.get();
  error = SPF_record_interpret(record.get(), request.get(), response.get(), 0);
  if (error != SPF_E_SUCCESS) return std::nullopt;
  return result_of(response);
}

}  // namespace authmilter::spf
