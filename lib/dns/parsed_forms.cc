#include <authmilter/parsed_forms.h>

namespace authmilter {

ParsedForms& ParsedForms::operator=(const ParsedForms& other) noexcept {
  if (this != &other) clear();
  return *this;
}

const ParsedForms::Node* ParsedForms::find(const void* kind) const {
  const Node* node = newest_.load(std::memory_order_acquire);
  while (node != nullptr && node->kind != kind) node = node->next;
  return node;
}

const ParsedForms::Node* ParsedForms::add(std::unique_ptr<Node> node, std::size_t most) const {
  const Node* newest = newest_.load(std::memory_order_acquire);
  for (;;) {
    std::size_t octets = node->octets;
    for (const Node* other = newest; other != nullptr; other = other->next) {
      if (other->kind == node->kind) return other;
      octets += other->octets;
    }
    if (octets > most) return nullptr;
    node->next = newest;
    if (newest_.compare_exchange_weak(newest, node.get(), std::memory_order_release,
                                      std::memory_order_acquire))
      return node.release();
  }
}

std::size_t ParsedForms::octets() const {
  std::size_t octets = 0;
  const Node* node = newest_.load(std::memory_order_acquire);
  for (; node != nullptr; node = node->next) octets += node->octets;
  return octets;
}

void ParsedForms::clear() noexcept {
  const Node* node = newest_.exchange(nullptr, std::memory_order_acquire);
  while (node != nullptr) {
    const std::unique_ptr<const Node> last(node);
    node = last->next;
  }
}

}  // namespace authmilter
