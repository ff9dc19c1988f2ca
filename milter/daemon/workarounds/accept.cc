#include "workarounds/accept.h"

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "workarounds/packets.h"

namespace authmilter {
namespace {

constexpr std::chrono::milliseconds kRest{100};

std::atomic<int> last_error = 0;

/// libmilter takes connections on the thread that runs it; the metrics' server on another.
thread_local bool takes_connections_of_mtas = false;

}  // namespace

void accept_connections_of_mtas() { takes_connections_of_mtas = true; }

int last_accept_error() { return last_error.exchange(0); }

}  // namespace authmilter

/// Takes the place of the C library's, as sigwait() does in sigwait.cc.
extern "C" __attribute__((visibility("default"))) int accept(int socket, sockaddr* address,
                                                             socklen_t* size) {
  const int connection = accept4(socket, address, size, 0);
  const int error = errno;
  if (connection < 0 &&
      (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)) {
    authmilter::last_error = error;
    std::this_thread::sleep_for(authmilter::kRest);
    errno = error;
  }
  if (connection >= 0 && authmilter::takes_connections_of_mtas) authmilter::handle_packets(connection);
  return connection;
}
