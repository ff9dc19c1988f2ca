#include "protocol/socket.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

/// A socket file; nobody listens once the descriptor is closed.
int bound_socket(const std::filesystem::path& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(static_cast<void*>(address.sun_path), path.c_str(), path.string().size() + 1);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

}  // namespace

TEST_CASE("a socket is removed only when nobody listens on it") {
  const TemporaryFolder directory;
  const auto path = directory.path() / "x.sock";

  SUBCASE("nothing there") { CHECK(remove_stale_socket(path)); }
  SUBCASE("left behind") {
    close(bound_socket(path));
    CHECK(remove_stale_socket(path));
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SUBCASE("in use") {
    const int fd = bound_socket(path);
    REQUIRE(listen(fd, 1) == 0);
    CHECK_FALSE(remove_stale_socket(path));
    CHECK(std::filesystem::exists(path));
    close(fd);
  }
  SUBCASE("a file") {
    std::ofstream(path) << "precious";
    const auto removed = remove_stale_socket(path);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().message == path.string() + ": exists and is not a socket");
    CHECK(std::filesystem::exists(path));
  }
  SUBCASE("a link to a stale socket") {
    close(bound_socket(directory.path() / "other.sock"));
    std::filesystem::create_symlink(directory.path() / "other.sock", path);
    CHECK_FALSE(remove_stale_socket(path));
    CHECK(std::filesystem::exists(directory.path() / "other.sock"));
  }
}
