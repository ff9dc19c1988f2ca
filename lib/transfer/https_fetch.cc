#include <authmilter/https_fetch.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "transfer/curl_handle.h"

namespace authmilter {
namespace {

constexpr std::size_t kHeaderOctets = 64 << 10;  // of all fields together
constexpr std::size_t kMostFields = 10;          // of Strict-Transport-Security
constexpr std::size_t kFieldOctets = 500;
constexpr std::size_t kUrlOctets = 1000;
constexpr std::string_view kTransportSecurity = "Strict-Transport-Security:";

/// What comes in, within its limits.
struct Incoming {
  std::size_t most_octets = 0;
  std::string body;
  bool is_long = false;
  std::size_t header_octets = 0;
  std::vector<std::string> transport_security;
};

std::size_t on_body(char* text, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    auto& incoming = *static_cast<Incoming*>(user);
    const std::size_t octets = size * count;
    const std::size_t room = incoming.most_octets - incoming.body.size();
    incoming.body.append(text, std::min(octets, room));
    incoming.is_long = octets > room;
    // Fewer than there were end the transfer.
    return incoming.is_long ? 0 : octets;
  } catch (...) {
    return 0;
  }
}

std::size_t on_field(char* text, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    auto& incoming = *static_cast<Incoming*>(user);
    const std::size_t octets = size * count;
    incoming.header_octets += octets;
    if (incoming.header_octets > kHeaderOctets) return 0;
    const std::string_view line(text, octets);
    if (starts_with_ignoring_case(line, kTransportSecurity) &&
        incoming.transport_security.size() < kMostFields)
      incoming.transport_security.push_back(
          printable(trim_fws(line.substr(kTransportSecurity.size())), kFieldOctets));
    return octets;
  } catch (...) {
    return 0;
  }
}

/// libcurl's notation: "HOST:PORT:CONNECT-TO-HOST:CONNECT-TO-PORT"; what is empty is any, or stays.
std::string connect_to(const Detour& detour) {
  const std::string address =
      detour.address.is_v4() ? detour.address.text() : "[" + detour.address.text() + "]";
  return detour.host + "::" + address + ":" +
         (detour.port == 0 ? std::string() : std::to_string(detour.port));
}

std::string text_of(CURL* curl, CURLINFO info, std::size_t most) {
  const char* text = nullptr;
  if (curl_easy_getinfo(curl, info, &text) != CURLE_OK || text == nullptr) return {};
  return printable(text, most);
}

}  // namespace

FetchFacts fetch_url(const std::string& url, const FetchOptions& options) {
  FetchFacts facts;
  facts.url = url;
  const CurlHandle curl = make_curl();
  CurlList detours;
  const bool ready = curl != nullptr && std::all_of(options.detours.begin(), options.detours.end(),
                                                    [&](const Detour& detour) {
                                                      return detours.add(connect_to(detour));
                                                    });
  if (!ready) {
    facts.trouble = "libcurl cannot be used";
    return facts;
  }
  Incoming incoming;
  incoming.most_octets = options.most_octets;
  std::array<char, CURL_ERROR_SIZE> error{};
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "authmilter");
  // RFC 8461 section 3.3: redirections of a policy are not followed; for webmail they are what is
  // asked for.
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    // Otherwise the system's authorities count beside it.
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  if (detours.get() != nullptr) curl_easy_setopt(handle, CURLOPT_CONNECT_TO, detours.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_field);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &incoming);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  const CURLcode code = curl_easy_perform(handle);
  if (code != CURLE_OK && !incoming.is_long) {
    facts.trouble = printable(error.front() != 0 ? error.data() : curl_easy_strerror(code));
    // Of a signature that is wrong the code says no more than that there is no TLS.
    long verified = 0;
    curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &verified);
    facts.certificate_good = code != CURLE_PEER_FAILED_VERIFICATION && verified == 0;
    return facts;
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  facts.status = static_cast<unsigned>(std::max(0L, status));
  facts.content_type = text_of(handle, CURLINFO_CONTENT_TYPE, kFieldOctets);
  facts.location = text_of(handle, CURLINFO_REDIRECT_URL, kUrlOctets);
  facts.strict_transport_security = std::move(incoming.transport_security);
  facts.body = std::move(incoming.body);
  if (incoming.is_long)
    facts.trouble = "the answer is longer than " + std::to_string(options.most_octets) + " octets";
  return facts;
}

}  // namespace authmilter
