#include "import/opendkim_settings.h"

#include "import/known_setting.h"

namespace authmilter::importer {
namespace {

constexpr std::string_view kNoScripts =
    "there are no scripts; exceptions by client, author, sender, recipient or signer are "
    "[[policy.override]] tables";
constexpr std::string_view kNoDkimAction =
    "a failed or missing signature alone decides nothing (RFC 6376 section 6.1), DMARC does: see "
    "[policy]";
constexpr std::string_view kNoStatistics =
    "no such file is written; metrics.listen serves counters for Prometheus";
constexpr std::string_view kNoVbr = "Vouch By Reference is not supported";
constexpr std::string_view kNoRewriting =
    "header fields are signed as they are; rewrite them before the filter is asked";
constexpr std::string_view kNoResigning =
    "only mail of internal networks and authenticated users is signed";
constexpr std::string_view kAdsp = "ADSP is historic (RFC 5617), DMARC has replaced it";
constexpr std::string_view kOwnFieldsOnly =
    "the Authentication-Results fields that are removed are those that bear identity.authserv_id, "
    "whatever results they hold";
constexpr std::string_view kSigningCriteria =
    "mail is signed for internal networks and for authenticated users only; name the clients' "
    "addresses in network.internal";

constexpr KnownSetting kSettings[] = {
    lost("AddAllSignatureResults", kBool, "",
         "results of all signatures that were evaluated are in the field already"),
    lost("ADSPAction", kText, "", kAdsp),
    lost("ADSPNoSuchDomain", kBool, "no", kAdsp),
    lost("AllowSHA1Only", kBool, "no", "SHA-1 is never enough (RFC 8301)"),
    needless("AlwaysAddARHeader", kBool),
    lost("ATPSDomains", kText, "", "ATPS (RFC 6541) is not supported"),
    needless("ATPSHashAlgorithm", kText),
    translated("AuthservID", kText),
    lost("AuthservIDWithJobID", kBool, "no",
         "the results field names the host alone; the log line has the queue id"),
    needless("AutoRestart", kBool),
    needless("AutoRestartCount", kInteger),
    needless("AutoRestartRate", kText),
    needless("Background", kBool),
    translated("BaseDirectory", kText),
    lost("BodyLengthDB", kText, "",
         "no signature has an l= tag: what anybody appends would pass as signed"),
    lost("BogusKey", kText, "fail", "an answer that DNSSEC proves false is a temperror"),
    lost("BogusPolicy", kText, "", kAdsp),
    translated("Canonicalization", kText),
    lost("CaptureUnknownErrors", kBool, "no",
         "after an internal error the client is asked to try again (451)"),
    translated("ChangeRootDirectory", kText),
    lost("ClockDrift", kInteger, "300", "the tolerance for clocks is fixed"),
    lost("Diagnostics", kBool, "no",
         "no signature has a z= tag; \"authmilter verify\" explains a failure"),
    lost("DiagnosticDirectory", kText, "", "save the message and ask \"authmilter verify\""),
    lost("DisableADSP", kBool, "yes", kAdsp),
    needless("DisableCryptoInit", kBool),
    lost("DNSConnect", kBool, "no", "the DNS is asked by UDP first"),
    translated("DNSTimeout", kInteger),
    translated("Domain", kText),
    lost("DomainKeysCompat", kBool, "no", "key records of DomainKeys (RFC 4870) do not count"),
    lost("DontSignMailTo", kText, "", "mail to these recipients is signed like any other"),
    needless("EnableCoredumps", kBool),
    lost("ExemptDomains", kText, "",
         "mail from these domains is signed or examined like any other; to let it pass, write a "
         "[[policy.override]] with author_domain"),
    // It only keeps a line out of the log that authmilter does not write.
    needless("ExternalIgnoreList", kText),
    lost("FinalPolicyScript", kText, "", kNoScripts),
    lost("FixCRLF", kBool, "no", "bare CR and LF are signed as the MTA passes them on"),
    lost("IdentityHeader", kText, "", "no i= tag is written, so the signer is the domain"),
    needless("IdentityHeaderRemove", kBool),
    lost("IgnoreMalformedMail", kBool, "no", "malformed messages get a results field too"),
    {"Include", ValueKind::file, Treatment::translated, "", ""},
    translated("InternalHosts", kText),
    lost("KeepAuthResults", kBool, "no",
         "Authentication-Results fields in our own name are always removed (RFC 8601 section 5)"),
    lost("KeepTemporaryFiles", kBool, "no",
         "there are none; save the message and ask \"authmilter verify\""),
    translated("KeyFile", kText),
    translated("KeyTable", kText),
    // Data sets in LDAP get a warning of their own.
    needless("LDAPAuthMechanism", kText),
    needless("LDAPAuthName", kText),
    needless("LDAPAuthRealm", kText),
    needless("LDAPAuthUser", kText),
    needless("LDAPBindPassword", kText),
    needless("LDAPBindUser", kText),
    needless("LDAPDisableCache", kBool),
    needless("LDAPKeepaliveIdle", kText),
    needless("LDAPKeepaliveInterval", kText),
    needless("LDAPKeepaliveProbes", kText),
    needless("LDAPSoftStart", kBool),
    needless("LDAPTimeout", kText),
    needless("LDAPUseTLS", kBool),
    lost("LocalADSP", kText, "", kAdsp),
    // One line a message has all results and the rule that decided.
    needless("LogResults", kBool),
    needless("LogWhy", kBool),
    lost("MacroList", kText, "", kSigningCriteria),
    translated("MaximumHeaders", kInteger),
    translated("MaximumSignaturesToVerify", kInteger),
    lost("MaximumSignedBytes", kInteger, "0",
         "bodies are signed as a whole: what anybody appends would pass as signed"),
    needless("MilterDebug", kInteger),
    lost("Minimum", kText, "", "signatures with an l= tag count as RFC 6376 says"),
    translated("MinimumKeyBits", kInteger),
    translated("Mode", kText),
    lost("MTA", kText, "", kSigningCriteria),
    needless("MTACommand", kText),
    translated("MultipleSignatures", kBool),
    lost("MustBeSigned", kText, "",
         "a signature need not cover these fields; From it must cover (RFC 6376 section 5.4)"),
    translated("Nameservers", kText),
    lost("NoHeaderB", kBool, "no", "results of signatures have header.b (RFC 6008)"),
    lost("NoDiscardableMailTo", kText, "", kAdsp),
    translated("OmitHeaders", kText),
    lost("On-BadSignature", kText, "accept", kNoDkimAction),
    lost("On-Default", kText, "accept", kNoDkimAction),
    translated("On-DNSError", kText),
    lost("On-InternalError", kText, "tempfail",
         "after an internal error the client is asked to try again (451)"),
    lost("On-KeyNotFound", kText, "accept", kNoDkimAction),
    lost("On-NoSignature", kText, "accept", kNoDkimAction),
    lost("On-PolicyError", kText, "accept", kAdsp),
    lost("On-Security", kText, "tempfail",
         "a message that could be read in two ways is a DMARC permerror: see "
         "policy.dmarc_permerror"),
    lost("On-SignatureError", kText, "tempfail",
         "a message that cannot be signed with its key is refused for now (451)"),
    translated("OversignHeaders", kText),
    lost("PeerList", kText, "",
         "mail of these clients is signed or examined like any other, and gets a results field; "
         "to let it pass whatever the result, write a [[policy.override]] with client"),
    needless("PidFile", kText),
    lost("POPDBFile", kText, "", kSigningCriteria),
    lost("Quarantine", kBool, "no", kNoDkimAction),
    needless("QueryCache", kBool),
    lost("RedirectFailuresTo", kText, "",
         "messages are never redirected; \"quarantine\" holds them"),
    lost("RemoveARAll", kBool, "no", kOwnFieldsOnly),
    lost("RemoveARFrom", kText, "", kOwnFieldsOnly),
    lost("RemoveOldSignatures", kBool, "no", "signatures that a message has already stay"),
    lost("ReplaceHeaders", kText, "", kNoRewriting),
    lost("ReplaceRules", kText, "", kNoRewriting),
    needless("ReportAddress", kText),
    needless("ReportBccAddress", kText),
    lost("RequestReports", kBool, "no", "signatures ask for no reports (RFC 6651)"),
    lost("RequiredHeaders", kBool, "no",
         "only the From field is checked: policy.dmarc_permerror says what becomes of a message "
         "without exactly one"),
    lost("RequireSafeKeys", kBool, "yes",
         "a key file that others may read, or that its group may write, is always refused"),
    lost("ResignAll", kBool, "no", kNoResigning),
    lost("ResignMailTo", kText, "", kNoResigning),
    lost("ResolverConfiguration", kText, "",
         "no configuration of unbound is read; see [dns] for name servers, timeouts and DNSSEC"),
    needless("ResolverTracing", kBool),
    lost("ScreenPolicyScript", kText, "", kNoScripts),
    lost("SelectCanonicalizationHeader", kText, "X-Canonicalization",
         "a message cannot choose its canonicalization"),
    translated("Selector", kText),
    lost("SendADSPReports", kBool, "no", kAdsp),
    lost("SenderHeaders", kText, "From",
         "keys are chosen by the From field alone, which is the one that DMARC looks at"),
    lost("SenderMacro", kText, "", "keys are chosen by the From field alone"),
    lost("SendReports", kBool, "no", "no reports on failed signatures are sent (RFC 6651)"),
    lost("SetupPolicyScript", kText, "", kNoScripts),
    translated("SignatureAlgorithm", kText),
    translated("SignatureTTL", kInteger),
    translated("SignHeaders", kText),
    translated("SigningTable", kText),
    lost("SingleAuthResult", kBool, "", "each signature has its result in the one field"),
    needless("SMTPURI", kText),
    translated("Socket", kText),
    needless("SoftStart", kBool),
    lost("SoftwareHeader", kBool, "no", "no DKIM-Filter field is added"),
    lost("Statistics", kText, "", kNoStatistics),
    needless("StatisticsName", kText),
    lost("StatisticsPolicyScript", kText, "", kNoScripts),
    needless("StatisticsPrefix", kText),
    lost("StrictHeaders", kBool, "no",
         "only the From field is checked: policy.dmarc_permerror says what becomes of a message "
         "without exactly one"),
    needless("StrictTestMode", kBool),
    translated("SubDomains", kBool),
    translated("Syslog", kBool),
    translated("SyslogFacility", kText),
    lost("SyslogName", kText, "", "the log has the name authmilterd"),
    needless("SyslogSuccess", kBool),
    needless("TemporaryDirectory", kText),
    lost("TestDNSData", kText, "", "for tests, name master files (RFC 1035) in dns.zones"),
    lost("TestPublicKeys", kText, "", "for tests, name master files (RFC 1035) in dns.zones"),
    translated("TrustAnchorFile", kText),
    lost("TrustSignaturesFrom", kText, "",
         "for DMARC a signature counts by its alignment with the From field; a list that you "
         "trust is a [[policy.override]] with dkim_domain"),
    translated("UMask", kInteger),
    lost("UnprotectedKey", kText, "none", "keys count whether or not DNSSEC protects them"),
    lost("UnprotectedPolicy", kText, "", kAdsp),
    translated("UserID", kText),
    lost("VBR-Certifiers", kText, "", kNoVbr),
    lost("VBR-PurgeFields", kText, "no", kNoVbr),
    lost("VBR-TrustedCertifiers", kText, "", kNoVbr),
    lost("VBR-TrustedCertifiersOnly", kBool, "no", kNoVbr),
    lost("VBR-Type", kText, "", kNoVbr),
    lost("WeakSyntaxChecks", kBool, "no",
         "a message that breaks the grammar is not given the benefit of the doubt"),
    lost("X-Header", kBool, "no", "no DKIM-Filter field is added"),
};

}  // namespace

KnownSettings opendkim_settings() { return kSettings; }

}  // namespace authmilter::importer
