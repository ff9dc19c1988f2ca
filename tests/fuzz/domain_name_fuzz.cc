#include <authmilter/dns_name.h>
#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

#include "base/ascii.h"
#include "input.h"

// Names and addresses: parsing what was printed changes nothing, and a DomainName is what its
// header says, since everything else trusts it.

using namespace authmilter;
using fuzz::require;

namespace {

void check_invariant(const DomainName& name) {
  const std::string& text = name.text();
  require(!text.empty() && text.size() <= 253, "a name has 1 to 253 octets");
  const auto labels = split(text, '.');
  require(labels.size() == name.label_count(), "label_count() counts the labels");
  for (const auto label : labels) {
    require(!label.empty() && label.size() <= 63, "a label has 1 to 63 octets");
    require(label.front() != '-' && label.back() != '-', "no hyphen at a label's end");
    for (const char c : label) {
      require(is_lower(c) || is_digit(c) || c == '-' || c == '_', "labels are lower-case LDH");
    }
  }
  require(labels.back().find_first_not_of("0123456789") != std::string_view::npos,
          "no address is a name");
}

void check_domain(const DomainName& name) {
  check_invariant(name);
  require(DomainName::parse(name.text()) == name, "parsing a name's text changes nothing");
  require(DomainName::parse(name.text() + ".") == name, "one trailing dot is no difference");
  require(!DomainName::parse(name.text() + ".."), "two are none");
  std::string upper = name.text();
  for (char& c : upper) c = is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  require(DomainName::parse(upper) == name, "case is no difference");
  require(DnsName::parse(name.text()) == DnsName(name), "a DomainName is a DnsName");
  require(name.rightmost(name.label_count()) == name, "all labels are the name");
  if (const auto parent = name.parent()) {
    check_invariant(*parent);
    require(name.is_equal_or_below(*parent) && !parent->is_equal_or_below(name), "order");
    require(name.rightmost(name.label_count() - 1) == *parent, "parent() drops one label");
  } else {
    require(name.label_count() == 1, "only a single label has no parent");
  }
  if (const auto below = name.below("_dmarc")) {
    check_invariant(*below);
    require(below->parent() == name, "below() adds one label");
  } else {
    require(name.text().size() + 7 > 253, "below() fails only when the name is too long");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  if (const auto name = DomainName::parse(input.text())) check_domain(*name);
  if (const auto name = DnsName::parse(input.text())) {
    require(name->text().size() <= 253, "a DNS name has at most 253 octets");
    require(DnsName::parse(name->text()) == *name, "parsing a DNS name's text changes nothing");
  }
  if (const auto address = IpAddress::parse(input.text())) {
    require(IpAddress::parse(address->text()) == *address, "addresses survive printing");
    require(DomainName::parse(address->reverse_name()).has_value(), "reverse_name() is a name");
    require(!DomainName::parse(address->text()), "an address is no name");
    require(Network::parse(address->text())->contains(*address), "an address is a network");
  }
  if (const auto network = Network::parse(input.text())) {
    require(Network::parse(network->text()) == *network, "networks survive printing");
    require(network->contains(network->address()), "a network contains its address");
    require(network->prefix_length() <= (network->address().is_v4() ? 32U : 128U), "prefix");
  }
  return 0;
}
