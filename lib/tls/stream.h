#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace authmilter {

/// What came of waiting for octets: some, the end of the connection, its reset, or nothing in time.
enum class StreamState : std::uint8_t { octets, ended, reset, late };

struct StreamRead {
  StreamState state = StreamState::late;
  std::string octets;
};

using StreamDeadline = std::chrono::steady_clock::time_point;

/// A connection to a server, as the dialogues and the handshakes see it. Tests have others. Not
/// thread-safe.
class ServerStream {
 public:
  ServerStream() = default;
  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;
  virtual ~ServerStream() = default;

  /// Blocks for the first octets and gives all that are there, at most some kilobytes.
  virtual StreamRead read(StreamDeadline deadline) = 0;
  /// False when not all went out; what the server said before it hung up can still be read.
  virtual bool write(std::string_view octets, StreamDeadline deadline) = 0;
};

/// A connection that is there, or why there is none.
struct Dialled {
  std::unique_ptr<ServerStream> stream;
  std::string trouble;     // for people: "connection refused"
  bool same_host = false;  // both ends have the same address
};

}  // namespace authmilter
