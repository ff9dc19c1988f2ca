#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules dkim.*: paragraphs with an empty line between them.

constexpr std::string_view kDkimExistsPage =
    "DKIM signs outgoing mail. The public half of the key stands in the DNS, as a TXT record at "
    "SELECTOR._domainkey under the domain; the selector is a name for the key, and each signature "
    "tells it.\n\n"
    "A receiver that does not find the record takes the signature for none. The DNS does not list "
    "selectors: name yours with --selector (it is s= in the DKIM-Signature field of your mail). "
    "Without one, those that many domains have are tried.\n\n"
    "Publish the record that your signer shows: `authmilter key show`.";

constexpr std::string_view kDkimSinglePage =
    "At the name of a selector stands one key record. With several, receivers may try any of them "
    "or give up (RFC 6376 section 3.6.2.2).\n\n"
    "Delete all but the one that fits your signer's key. A new key gets a new selector.";

constexpr std::string_view kDkimSyntaxPage =
    "A key record is a list of tags, \"v=DKIM1; k=rsa; p=...\". p is the public key in base64; a "
    "character that is lost, or a piece that is missing because the line was cut at 255 "
    "characters, makes it void.\n\n"
    "Copy the record once more from your signer, in several quoted strings where the DNS wants "
    "that: `authmilter key show` prints it so.";

constexpr std::string_view kDkimTypePage =
    "The tag k= says what kind of key it is: rsa, which every receiver knows, or ed25519, which "
    "newer ones know (RFC 8463). Anything else verifies nowhere.\n\n"
    "Have an RSA key. An Ed25519 key beside it, at another selector, is fine; as the only one it "
    "leaves receivers without a signature that they can read.";

constexpr std::string_view kDkimBitsPage =
    "The length of an RSA key decides how hard it is to find the private key from the public one, "
    "and then to sign as you. Keys of 512 and 768 bits were broken for pocket money; 1024 bits are "
    "taken to be within reach of states.\n\n"
    "RFC 8301 asks for at least 1024 bits and advises 2048; the profile of this audit may ask for "
    "more.\n\n"
    "Make a new key with a new selector (`authmilter key rotate`), publish it, sign with it, and "
    "withdraw the old one some days later.";

constexpr std::string_view kDkimRevokedPage =
    "An empty p= says that the key has been withdrawn: signatures with it fail.\n\n"
    "That is right for a key that is no longer used. If your signer still uses the selector, its "
    "mail is taken for unsigned: publish the key again, or let it sign with another one.";

constexpr std::string_view kDkimTestingPage =
    "t=y in a key record says that the domain is only trying DKIM: receivers may treat a message "
    "whose signature fails as if it had none, and some treat all signatures so.\n\n"
    "Remove t=y from the record.";

constexpr std::string_view kDkimServicePage =
    "The tag s= of a key record says what the key is for. Without \"email\" or \"*\" it is not for "
    "mail, and signatures with it fail.\n\n"
    "Remove s= from the record.";

constexpr std::string_view kDkimHashPage =
    "The tag h= of a key record lists the hash algorithms that signatures may have. SHA-1 is "
    "broken, and RFC 8301 forbids it; so a list without sha256 leaves nothing that counts, and one "
    "with sha1 invites signatures that do not.\n\n"
    "Remove h= from the record.";

constexpr std::string_view kDkimOwnKeyPage =
    "This host signs with a private key, and the record in the DNS must be its other half. If they "
    "differ, each signature that this host makes fails, which is worse than none.\n\n"
    "It happens when a key was made anew and the old record stayed. Publish the record that is "
    "shown; `authmilter key check` tells when all name servers have it.";

constexpr std::string_view kDkimWildcardPage =
    "A wildcard record below _domainkey answers for every selector that anybody makes up. If it is "
    "a key, a key that you withdraw is still there under every other name; if it is something "
    "else, selectors that do not exist look like broken ones.\n\n"
    "Replace the wildcard by a record for each selector that you use.";

constexpr std::string_view kDkimEmptyNamePage =
    "Where SELECTOR._domainkey exists, _domainkey exists too, though it has no records. Some name "
    "servers say instead that it does not exist, and a resolver that believes this says the same "
    "of everything below (RFC 8020): the keys vanish for some receivers, at some times.\n\n"
    "Have the name server mended. Until then a TXT record at _domainkey, such as \"o=-\", keeps "
    "the name in existence.";

constexpr std::string_view kDkimSharedKeyPage =
    "The same key under several selectors, or of several domains that are looked at together, is "
    "one key: whoever gets hold of it signs for all, and withdrawing one selector withdraws "
    "nothing. A record that is an alias (CNAME) of a provider's is meant to be shared.\n\n"
    "Give each system that signs a key of its own, and make a new key for each new selector.";

}  // namespace authmilter
