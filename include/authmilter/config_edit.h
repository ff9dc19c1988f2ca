#pragma once

#include <string>
#include <string_view>

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

}  // namespace authmilter
