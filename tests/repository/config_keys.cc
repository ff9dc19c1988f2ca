// Prints every key that a configuration may have, one a line, for the test of the manual page.
#include <authmilter/config.h>

#include <iostream>

int main() {
  for (const std::string& key : authmilter::config_keys()) std::cout << key << '\n';
}
