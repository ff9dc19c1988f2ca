#include "message/received.h"

#include <authmilter/forwarder.h>

#include <string>
#include <vector>

#include "input.h"

// Received fields (RFC 5321 section 4.4), one a line, of which only the topmost count.

using namespace authmilter;
using fuzz::require;

namespace {

std::vector<Forwarder> forwarders() {
  return {{.networks = std::vector{*Network::parse("192.0.2.25")},
           .internal = std::vector{*Network::parse("127.0.0.1")},
           .received_by = {*DomainName::parse("mx.f.example")}},
          {.networks = std::vector{*Network::parse("2001:db8::/32")},
           .received_by = {*DomainName::parse("mx.g.example")}}};
}

bool same(const std::optional<PastForwarder>& a, const std::optional<PastForwarder>& b) {
  return a && b && a->client == b->client && a->helo.text == b->helo.text && a->reason == b->reason;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  std::vector<HeaderField> fields;
  std::string_view rest = input.text();
  while (!rest.empty() && fields.size() < 30) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    fields.push_back(make_header_field("Received", rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const HeaderField& field : fields) {
    const auto received = read_received(field.value);
    if (!received || !received->client) continue;
    // The address stands there, in brackets.
    require(field.value.find('[') != std::string::npos, "no address of its own making");
    // What is written behind cannot change it, but make it doubtful.
    const auto more = read_received(field.value + "; (x [203.0.113.1]) by y.example");
    require(!more || (more->client == received->client && more->by == received->by),
            "what stands behind the writer is not read");
  }
  // Whatever the client called itself, what the host saw of it counts, or nothing does.
  for (const HeaderField& field : fields) {
    for (const char* seen : {" (x.example [203.0.113.1])", " ([203.0.113.1])",
                             " (unknown [203.0.113.1])\r\n\t(using TLSv1.3)"}) {
      const auto read = read_received(" from " + field.value + seen + "\r\n\tby mx.f.example; x");
      require(!read || (read->client && read->client->text() == "203.0.113.1"),
              "a client does not say what its address is");
    }
  }
  const auto client = IpAddress::parse("192.0.2.25");
  const auto past = look_past_forwarders(client, fields, forwarders());
  require(past.has_value(), "it is a forwarder");
  require(past->client.has_value() == (past->reason == ForwarderReason::none),
          "a client, or a reason");
  if (past->reason == ForwarderReason::no_received) return 0;
  // Whatever came before is nobody's to say.
  auto longer = fields;
  longer.push_back({"Received", " from x (y.example [203.0.113.1]) by mx.f.example; x"});
  require(same(past, look_past_forwarders(client, longer, forwarders())), "from the top only");
  return 0;
}
