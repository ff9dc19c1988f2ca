#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace authmilter {

/// What readers have made of a value that does not change: one form of each type, kept beside the
/// value and for as long as it lives. A form is a function of the value alone, and a copy of the
/// value begins without any, so that none is ever taken for another's. Thread-safe, without locks.
///
/// A form's type has `octets() const`, the memory that it holds outside of the object.
class ParsedForms {
 public:
  ParsedForms() = default;
  ParsedForms(const ParsedForms&) noexcept {}
  ParsedForms& operator=(const ParsedForms& other) noexcept;
  ~ParsedForms() { clear(); }

  /// Null while it has not been kept.
  template <class Form>
  const Form* find() const {
    const Node* const node = find(kind<Form>());
    return node == nullptr ? nullptr : &static_cast<const NodeOf<Form>*>(node)->form;
  }

  /// Keeps a copy of a form, which has no more room than it needs; unless all forms together would
  /// have more than `most` octets: null. Where another thread was first, that one's.
  template <class Form>
  const Form* keep(const Form& form, std::size_t most) const {
    auto node = std::make_unique<NodeOf<Form>>(form);
    node->kind = kind<Form>();
    node->octets = sizeof(NodeOf<Form>) + node->form.octets();
    if (node->octets > most) return nullptr;
    const Node* const kept = add(std::move(node), most);
    return kept == nullptr ? nullptr : &static_cast<const NodeOf<Form>*>(kept)->form;
  }

  /// Of all that is kept.
  std::size_t octets() const;

 private:
  struct Node {
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    const void* kind = nullptr;
    std::size_t octets = 0;
    const Node* next = nullptr;
  };
  template <class Form>
  struct NodeOf final : Node {
    explicit NodeOf(const Form& made) : form(made) {}
    const Form form;
  };
  /// An address for each type.
  template <class Form>
  static const void* kind() {
    static const char place = 0;
    return &place;
  }

  const Node* find(const void* kind) const;
  const Node* add(std::unique_ptr<Node> node, std::size_t most) const;
  void clear() noexcept;

  mutable std::atomic<const Node*> newest_ = nullptr;
};

}  // namespace authmilter
