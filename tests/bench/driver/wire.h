#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// What an MTA says to a filter, version 6 of the milter protocol.
enum class Command : char {
  negotiate = 'O',
  macros = 'D',
  connect = 'C',
  helo = 'H',
  mail = 'M',
  rcpt = 'R',
  data = 'T',
  header = 'L',
  end_of_headers = 'N',
  body = 'B',
  end_of_message = 'E',
  quit = 'Q',
};

/// What a filter says to an MTA.
enum class Reply : char {
  negotiated = 'O',
  proceed = 'c',
  skip = 's',
  progress = 'p',
  accept = 'a',
  reject = 'r',
  tempfail = 't',
  discard = 'd',
  reply_code = 'y',
  quarantine = 'q',
  add_header = 'h',
  insert_header = 'i',
  change_header = 'm',
};

/// What MTA and filter may leave out between them (SMFIP_...).
enum Step : std::uint32_t {
  kNoConnect = 0x1,
  kNoHelo = 0x2,
  kNoMail = 0x4,
  kNoRcpt = 0x8,
  kNoBody = 0x10,
  kNoHeaders = 0x20,
  kNoEndOfHeaders = 0x40,
  kNoReplyHeader = 0x80,
  kNoData = 0x200,
  kNoReplyConnect = 0x1000,
  kNoReplyHelo = 0x2000,
  kNoReplyMail = 0x4000,
  kNoReplyRcpt = 0x8000,
  kNoReplyData = 0x10000,
  kNoReplyEndOfHeaders = 0x40000,
  kNoReplyBody = 0x80000,
  kLeadingSpace = 0x100000,
};
constexpr std::uint32_t kAllSteps = 0x1fffff;
constexpr std::uint32_t kAllActions = 0x1ff;
constexpr std::uint32_t kVersion = 6;

/// The filter is not there, does not answer, or breaks the protocol.
struct FilterError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A connection to a filter's socket, which is a file. Blocks, for a minute at most.
class Connection {
 public:
  explicit Connection(const std::string& path);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  struct Packet {
    Reply reply;
    std::string_view data;  // until the next receive()
  };

  /// Leaves with flush(), or with receive(), as what an MTA writes.
  void send(Command command, std::initializer_list<std::string_view> parts);
  void flush();
  Packet receive();

 private:
  void write_all(std::string_view octets);
  void fill(std::size_t octets);

  int descriptor_ = -1;
  std::string out_;
  std::string in_;
  std::size_t read_ = 0;  // of in_
};

std::string wire_number(std::uint32_t value);
/// Of the first four octets.
std::uint32_t number_at(std::string_view data);

}  // namespace bench
