#include "dns/rdata.h"

#include "dns/record_fields.h"

namespace authmilter {
namespace {

class FieldReader {
 public:
  explicit FieldReader(WireReader data) : data_(data) {}

  void number(std::uint8_t& value, std::string_view = {}) { value = data_.octet(); }
  void number(std::uint16_t& value, std::string_view = {}) { value = data_.number16(); }
  void number(std::uint32_t& value, std::string_view = {}) { value = data_.number32(); }
  void algorithm(std::uint8_t& value) { value = data_.octet(); }
  void seconds(std::uint32_t& value) { value = data_.number32(); }

  void name(DnsName& name) {
    const WireName wire = data_.name();
    if (wire.dot_in_label) {
      useless_ = true;
    } else if (auto read = DnsName::parse(wire.text)) {
      name = std::move(*read);
    } else {
      malformed_ = true;
    }
  }
  void mailbox() { data_.name(); }

  void v4(IpAddress& address) {
    const auto octets = data_.octets(4);
    if (!octets.empty()) address = IpAddress::v4(octets.first<4>());
  }
  void v6(IpAddress& address) {
    const auto octets = data_.octets(16);
    if (!octets.empty()) address = IpAddress::v6(octets.first<16>());
  }

  void strings(std::string& text) {
    // RFC 1035 section 3.3.14: one or more character strings. A record without one is not a text,
    // and not a reason to give up those that are.
    useless_ = data_.remaining() == 0;
    while (data_.remaining() > 0 && !data_.failed()) tag(text);
  }
  void tag(std::string& text) {
    const auto octets = data_.octets(data_.octet());
    text.append(octets.begin(), octets.end());
  }
  void rest(std::string& text) {
    const auto octets = data_.octets(data_.remaining());
    text.assign(octets.begin(), octets.end());
  }
  void hexadecimal(std::vector<std::uint8_t>& value) {
    const auto octets = data_.octets(data_.remaining());
    value.assign(octets.begin(), octets.end());
  }
  void base64(std::vector<std::uint8_t>& value) { hexadecimal(value); }

  bool malformed() const { return malformed_ || data_.failed() || data_.remaining() > 0; }
  bool useless() const { return useless_; }

 private:
  WireReader data_;
  bool malformed_ = false;
  bool useless_ = false;
};

}  // namespace

Rdata read_rdata(RrType type, WireReader data) {
  FieldReader reader(data);
  auto record = read_fields(type, reader);
  if (!record || reader.malformed()) return {true, std::nullopt};
  if (reader.useless()) return {};
  return {false, std::move(record)};
}

}  // namespace authmilter
