#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/key_source.h>
#include <authmilter/result.h>
#include <authmilter/selector.h>

namespace authmilter {

// Changes of a configuration's text that leave the rest of it as it was, comments and layout too.
// What comes out has been read again and says what the old text said, but for the change; a text
// that cannot be changed so is an error, "name:line:column: message".

/// With one key more behind the others in `keys = [...]` of the domain's [[signing.domain]].
Result<std::string> with_signing_key(std::string_view text, const std::string& name,
                                     const DomainName& domain, const Selector& selector,
                                     const KeySource& source);
/// Without the key.
Result<std::string> without_signing_key(std::string_view text, const std::string& name,
                                        const DomainName& domain, const Selector& selector);

/// Many changes of one text, which is read once for all of them and once more at the end.
class KeyListEditor {
 public:
  static Result<KeyListEditor> read(std::string text, const std::string& name);
  KeyListEditor(KeyListEditor&&) noexcept;
  KeyListEditor& operator=(KeyListEditor&&) noexcept;
  ~KeyListEditor();

  struct NewKey {
    Selector selector;
    KeySource source;
  };
  /// The text has this key.
  bool has(const DomainName& domain, const Selector& selector) const;
  /// Without some keys of a domain, and with others behind the rest. Where it is an error nothing
  /// has changed; a domain is changed once.
  Status change(const DomainName& domain, const std::vector<Selector>& without,
                const std::vector<NewKey>& with);
  /// Takes the last change of the domain back.
  void leave(const DomainName& domain);
  /// The text with all changes.
  Result<std::string> text() const;

 private:
  struct Parts;
  explicit KeyListEditor(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace authmilter
