#include <authmilter/key_states.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/temporary_folder.h"

using namespace authmilter;

TEST_CASE("what is not a file is not replaced by one") {
  const TemporaryFolder directory;
  const auto pipe = directory.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto link = directory.path() / "link";
  std::filesystem::create_symlink(pipe, link);
  for (const auto& path : {pipe, link}) {
    const auto written = replace_file(path, "text", Links::followed);
    REQUIRE_FALSE(written);
    CHECK(written.error().message == path.string() + ": not a regular file");
    CHECK(std::filesystem::is_fifo(pipe));
  }
}
