#include "listen_fault.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace authmilter::http {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses numeric_address(const HostPort& listen) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = listen.address.text();
  const std::string port = std::to_string(listen.port);
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return nullptr;
  return Addresses(found);
}

/// errno of the first step that fails on the way to a listening socket, or 0.
int try_to_listen(const addrinfo& address) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int yes = 1;
  int fault = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(fd, address.ai_addr, address.ai_addrlen) != 0 || ::listen(fd, 1) != 0) {
    fault = errno;
  }
  close(fd);
  return fault;
}

}  // namespace

std::string listen_fault(const HostPort& listen) {
  const Addresses address = numeric_address(listen);
  if (address == nullptr) return "this host does not know such addresses";
  const int fault = try_to_listen(*address);
  switch (fault) {
    case 0:
      return {};
    case EADDRINUSE:
      return "another program listens there already (\"ss -ltnp\" shows which): stop it, or choose "
             "another port";
    case EADDRNOTAVAIL:
      return "this host does not have that address: choose one of its own, such as 127.0.0.1";
    case EACCES:
      return "a port below 1024 needs a privilege that this program does not have: choose a higher "
             "one";
    default:
      return std::generic_category().message(fault);
  }
}

}  // namespace authmilter::http
