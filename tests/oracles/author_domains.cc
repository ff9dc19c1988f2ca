// For author_oracle.py: of each line, the octets of a From field's value in hexadecimal digits, the
// Author Domain, or why there is none in brackets.

#include <authmilter/message.h>

#include <iostream>
#include <string>
#include <variant>

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string value;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      value += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    const auto author =
        authmilter::find_author_domain({authmilter::make_header_field("From", value)});
    if (author) {
      std::cout << author->text() << '\n';
    } else {
      std::cout << '[' << to_string(author.error()) << "]\n";
    }
  }
}
