#pragma once

namespace authmilter {

// libmilter reads each packet of an MTA by five calls of the kernel: it waits, reads five octets,
// waits, reads the rest, and asks whether there is more. It waits before it writes a packet, too.
// An MTA sends a whole header at once, so for a message of a thousand fields these calls are most
// of what it costs. So this file replaces the C library's read(), poll(), writev() and close() for
// the whole process: on the connections of MTAs they take what has arrived in one piece and hand it
// out, and send what belongs together in one piece. For all other descriptors they are the C
// library's.
//
// What was read and not handed out is kept by the thread that has read it. libmilter gives a
// connection to another thread only after poll() has said that nothing waits there, and while
// something is kept poll() says that it does.

/// Does so on `connection`, which accept() has just returned to libmilter, until it is closed.
/// Thread-safe.
void handle_packets(int connection);

/// While it lives, what libmilter sends on this thread is collected. One at a time on each thread.
class PacketBatch {
 public:
  PacketBatch();
  ~PacketBatch();
  PacketBatch(const PacketBatch&) = delete;
  PacketBatch& operator=(const PacketBatch&) = delete;

  /// Sends what was collected, and ends the batch. False when the MTA did not take all of it.
  [[nodiscard]] bool send();
};

}  // namespace authmilter
