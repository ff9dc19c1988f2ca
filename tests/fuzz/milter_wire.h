#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter::fuzz {

/// A packet of the milter protocol: what follows its length field.
struct Packet {
  char command = '\0';
  std::string data;
};
std::string encoded(const Packet& packet);

/// The octets that a script stands for. Each line is a packet; its first letter is the command.
///
///     O 6 1ff 1fffff                    version, actions and options, in hexadecimal digits
///     C host.example 4 192.0.2.1        name, family and address
///     D Mi=4Xk2|{auth_authen}=joe       the stage, then macros
///     M <a@b.example> SIZE=1            arguments; so R, and H for the HELO name
///     L Subject: hello                  a field; all after the colon is its value
///     B text                            any other command, with the data that stands there
///
/// Raw ones begin with a sign:
///
///     =C data       a packet whose data is exactly this
///     #9 octets     a length field of 9, then octets
///     !octets       octets
///     *9 line       the line nine times
///
/// `\n`, `\r`, `\t`, `\0`, `\\` and `\xHH` are what they are in C.
std::string read_script(std::string_view script);

/// Reads packets as libmilter does: up to one that is cut off or too long.
struct Packets {
  std::vector<Packet> packets;
  bool whole = false;  // nothing is left
};
Packets read_packets(std::string_view octets);

/// The number in the first four octets; 0 when there are less.
std::uint32_t number_at(std::string_view data, std::size_t offset);

}  // namespace authmilter::fuzz
