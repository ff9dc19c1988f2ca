#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules dmarc.*: paragraphs with an empty line between them.

constexpr std::string_view kDmarcExistsPage =
    "DMARC is a TXT record at _dmarc under the domain. It says what receivers are to do with mail "
    "whose From, the sender that people see, names this domain, when neither SPF nor DKIM proves "
    "that it is genuine, and where reports about it are to be sent.\n\n"
    "Without it SPF and DKIM say something about addresses that nobody sees, and a forger can put "
    "your domain into From as he likes.\n\n"
    "Begin with \"v=DMARC1; p=none; rua=mailto:dmarc@example.org\", read the reports until all of "
    "your own mail passes, then ask for p=quarantine, and at last for p=reject. A domain that "
    "sends no mail begins with p=reject. A record of a domain above counts for this one too.";

constexpr std::string_view kDmarcSinglePage =
    "There is exactly one DMARC record at a name. Where there are several, receivers discard all "
    "of them and go on as if there were none (RFC 9989 section 4.10).\n\n"
    "Decide which of them is right, and delete the others.";

constexpr std::string_view kDmarcSyntaxPage =
    "A DMARC record is a list of tags, \"name=value\" with semicolons between them. A tag that is "
    "there twice makes the whole record void; a wrong value counts as if it were not there, and "
    "without a valid p the policy is none, or there is no record at all.\n\n"
    "The tag pct of an older version asked receivers to apply the policy to a part of the mail. "
    "RFC 9989 has removed it: some receivers still follow it and let the rest through, others "
    "apply the policy to everything. So pct with another number than 100 is an error: remove it, "
    "and use t=y while you are testing.\n\n"
    "Correct what is shown. Names of tags and values may be of any case, DMARC1 may not.";

constexpr std::string_view kDmarcPolicyPage =
    "The tag p says what receivers should do with mail that fails: none (nothing), quarantine "
    "(into the folder for spam) or reject (refuse it).\n\n"
    "With p=none a forgery is delivered as if there were no record: it is for the weeks in which "
    "you read reports and find all systems that send for you.\n\n"
    "When the reports show that your mail passes, publish p=quarantine, then p=reject.";

constexpr std::string_view kDmarcSubdomainsPage =
    "The tag sp is the policy for names below the domain that have no record of their own. Without "
    "it they follow p.\n\n"
    "If sp is weaker than p, forgers write from a name below, such as news.example.org, and their "
    "mail is delivered though your own domain is protected.\n\n"
    "Remove sp, or make it as strict as p, once mail from names below passes.";

constexpr std::string_view kDmarcNonexistentPage =
    "The tag np, new in RFC 9989, is the policy for names below the domain that do not exist. No "
    "mail can come from them, so nothing speaks against np=reject, even while p or sp are weaker "
    "for mail that does exist.\n\n"
    "Without np such names follow sp, and without sp they follow p.\n\n"
    "Add np=reject to the record.";

constexpr std::string_view kDmarcPsdPage =
    "The tag psd is for registries, the owners of names such as co.uk, below which others register "
    "their domains. psd=y says that names below belong to others: DMARC then treats each of them "
    "as an organisation of its own, and mail signed for one does not count for another.\n\n"
    "An ordinary domain has no psd tag. psd=n says that this domain is an organisation of its own, "
    "whatever stands above it, and is for departments that are separate on purpose.";

constexpr std::string_view kDmarcTestingPage =
    "The tag t=y says that the policy is only being tried: receivers apply the next weaker one, "
    "quarantine for reject and none for quarantine.\n\n"
    "Remove it when the reports show that your mail passes.";

constexpr std::string_view kDmarcRemovedTagsPage =
    "The tags pct (a part of the mail), rf (the format of failure reports) and ri (how often "
    "reports come) of RFC 7489 are not part of DMARC any more. Receivers that follow RFC 9989 "
    "ignore them.\n\n"
    "They do no harm as long as pct is 100, but they say what does not happen. Remove them.";

constexpr std::string_view kDmarcRuaPage =
    "The tag rua names the address to which receivers send a daily table of what they saw from "
    "your domain: which servers, how many messages, whether SPF and DKIM passed.\n\n"
    "These reports are the only way to learn who sends in your name, your forgotten systems and "
    "forgers alike. Without them every change of policy is made blindly.\n\n"
    "Add rua=mailto: with a mailbox that a program reads, such as the one of authmilter report.";

constexpr std::string_view kDmarcRufPage =
    "The tag ruf asks for a report on each single message that failed, with its header. Few "
    "receivers send such reports, because they hold personal data of those who wrote and read; "
    "whoever asks for them must protect them.\n\n"
    "They are not needed. Where they are wanted, the address must be one that takes mail.";

constexpr std::string_view kDmarcExternalPage =
    "Reports may go to an address of another organisation, such as a service that evaluates them. "
    "So that nobody floods strangers with reports, that organisation must agree, by a TXT record "
    "\"v=DMARC1\" at DOMAIN._report._dmarc.DESTINATION. Without it receivers send nothing "
    "there.\n\n"
    "The destination must take mail, too: it has MX records, or an address.\n\n"
    "Ask the service to publish the record that is shown, or use an address of your own domain.";

constexpr std::string_view kDmarcInheritedPage =
    "A domain without a record of its own has that of the organisation that it belongs to: "
    "receivers look one name after the other upwards (the tree walk of RFC 9989 section 4.10). "
    "Then "
    "the tag sp of that record is its policy, or np where the name does not exist.\n\n"
    "This is as good as a record of its own, as long as it is what you want. For other reports or "
    "another policy, publish a record at _dmarc under this domain.";

constexpr std::string_view kDmarcBelowPage =
    "A name below the domain that has a DMARC record of its own follows that record and not the "
    "domain's. If it is weaker, forgers use that name.\n\n"
    "Only names that are usual or that are mail hosts of this domain are looked at.\n\n"
    "Delete the record below, so that the domain's applies, or make it as strict.";

constexpr std::string_view kDmarcAlignmentPage =
    "DMARC accepts SPF and DKIM only when they are about the domain in From. In relaxed mode, the "
    "default, any name of the same organisation counts: mail from example.org may be signed by "
    "mail.example.org. In strict mode (adkim=s, aspf=s) the names must be equal.\n\n"
    "Strict mode keeps whoever controls one name below from writing as all others. It also breaks "
    "services that sign or send as a name below: look at the reports first.";

}  // namespace authmilter
