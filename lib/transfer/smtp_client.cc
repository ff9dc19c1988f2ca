#include "transfer/smtp_client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <authmilter/ip_address.h>

#include "base/ascii.h"
#include "transfer/curl_handle.h"

namespace authmilter {
namespace {

// Of a reply, for people.
constexpr std::size_t kReplyOctets = 300;

/// How far the dialogue has come.
enum class Stage : std::uint8_t { greeting, recipients, data };

struct Dialogue {
  std::string_view unsent;
  Stage stage = Stage::greeting;
  std::string reply;
  bool all_sent = false;
  bool over = false;  // what is answered to QUIT says nothing of the mail
};

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* user) noexcept {
  auto& dialogue = *static_cast<Dialogue*>(user);
  const std::size_t part = std::min(size * count, dialogue.unsent.size());
  std::memcpy(buffer, dialogue.unsent.data(), part);
  dialogue.unsent.remove_prefix(part);
  dialogue.all_sent = dialogue.unsent.empty();
  return part;
}

std::string one_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return printable(text.substr(0, kReplyOctets), kReplyOctets);
}

std::size_t on_reply(char* text, std::size_t size, std::size_t count, void* user) noexcept {
  try {
    auto& dialogue = *static_cast<Dialogue*>(user);
    if (!dialogue.over) dialogue.reply = one_line({text, size * count});
  } catch (...) {
    return 0;
  }
  return size * count;
}

std::size_t on_body(char*, std::size_t size, std::size_t count, void*) noexcept {
  return size * count;
}

int on_debug(CURL*, curl_infotype type, char* text, std::size_t size, void* user) noexcept {
  if (type != CURLINFO_HEADER_OUT) return 0;
  auto& dialogue = *static_cast<Dialogue*>(user);
  const std::string_view command(text, size);
  if (command.starts_with("RCPT ")) dialogue.stage = Stage::recipients;
  if (command.starts_with("DATA")) dialogue.stage = Stage::data;
  if (command.starts_with("QUIT")) dialogue.over = true;
  return 0;
}

/// "smtps://[::1]:465": is it this host?
bool is_this_host(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find_first_of(":/"));
  }
  const auto address = IpAddress::parse(host);
  return address ? is_loopback(*address) : host == "localhost";
}

SmtpOutcome outcome_of(CURLcode code, long reply_code, const Dialogue& dialogue,
                       const char* error) {
  using State = SmtpOutcome::State;
  if (code == CURLE_OK) return {State::accepted, dialogue.reply};
  const bool has_reply = reply_code >= 400 && reply_code <= 599;
  const std::string text = has_reply && !dialogue.reply.empty() ? dialogue.reply : one_line(error);
  // RFC 5321 section 4.2.1: 5yz is for good. Before the recipients it is about us, and somebody
  // may mend that.
  if (has_reply && reply_code >= 500 && dialogue.stage != Stage::greeting)
    return {State::refused, text};
  if (!has_reply && dialogue.stage == Stage::data && dialogue.all_sent)
    return {State::unknown, text};
  return {State::later, text};
}

}  // namespace

SmtpOutcome send_by_smtp(const SmtpServer& server, const std::string& from,
                         const std::vector<std::string>& recipients, std::string_view mail) {
  using State = SmtpOutcome::State;
  const CurlHandle curl = make_curl();
  if (curl == nullptr) return {State::later, "libcurl cannot be used"};
  CurlList list;
  for (const std::string& recipient : recipients) {
    if (!list.add("<" + recipient + ">")) return {State::later, "out of memory"};
  }
  Dialogue dialogue{mail};
  std::array<char, CURL_ERROR_SIZE> error{};
  const bool verifies = server.url.starts_with("smtps:") && !is_this_host(server.url);
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle, CURLOPT_URL, (server.url + "/" + server.helo).c_str());
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_TRY));
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verifies ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, verifies ? 2L : 0L);
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, list.get());
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.size()));
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(handle, CURLOPT_READDATA, &dialogue);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_reply);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &dialogue);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(handle, CURLOPT_DEBUGDATA, &dialogue);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(server.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(server.timeout.count()));
  const CURLcode code = curl_easy_perform(handle);
  long reply_code = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply_code);
  return outcome_of(code, reply_code, dialogue,
                    error.front() != 0 ? error.data() : curl_easy_strerror(code));
}

}  // namespace authmilter
