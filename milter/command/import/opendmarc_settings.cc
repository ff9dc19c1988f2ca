#include "import/opendmarc_settings.h"

#include "import/known_setting.h"

namespace authmilter::importer {
namespace {

constexpr std::string_view kNoArc =
    "ARC is not evaluated; accept what a forwarder passes on with a [[policy.override]] that names "
    "its client addresses or its dkim_domain";
constexpr std::string_view kNoFailureReports = "no failure reports are sent (RFC 9991)";

constexpr KnownSetting kSettings[] = {
    translated("AuthservID", kText),
    lost("AuthservIDWithJobID", kBool, "no",
         "the results field names the host alone; the log line has the queue id"),
    needless("AutoRestart", kBool),
    needless("AutoRestartCount", kInteger),
    needless("AutoRestartRate", kText),
    needless("Background", kBool),
    translated("BaseDirectory", kText),
    lost("ChangeRootDirectory", kText, "", "the systemd unit confines authmilterd"),
    lost("CopyFailuresTo", kText, "",
         "no recipients are added; \"quarantine\" holds a message for inspection"),
    lost("DomainWhitelist", kText, "", kNoArc),
    lost("DomainWhitelistFile", kText, "", kNoArc),
    needless("DomainWhitelistSize", kInteger),
    translated("DNSTimeout", kInteger),
    needless("EnableCoredumps", kBool),
    lost("FailureReports", kBool, "no", kNoFailureReports),
    lost("FailureReportsBcc", kText, "", kNoFailureReports),
    needless("FailureReportsOnNone", kBool),
    needless("FailureReportsSentBy", kText),
    lost("ForensicReports", kBool, "no", kNoFailureReports),
    needless("ForensicReportsOnNone", kBool),
    lost("HistoryFile", kText, "",
         "no history is kept, so opendmarc-import and opendmarc-reports have nothing to read and "
         "aggregate reports end; log.format = \"json\" writes each result to the log"),
    translated("HoldQuarantinedMessages", kBool),
    translated("IgnoreAuthenticatedClients", kBool),
    translated("IgnoreHosts", kText),
    translated("IgnoreMailFrom", kText),
    needless("IgnoreMailTo", kText),
    needless("MilterDebug", kInteger),
    needless("PidFile", kText),
    translated("PublicSuffixList", kText),
    needless("RecordAllMessages", kBool),
    translated("RejectFailures", kBool),
    translated("RejectMultiValueFrom", kBool),
    lost("RejectString", kText, "rejected by DMARC policy for %s",
         "the text of a refusal is fixed; it names the domain and the cause"),
    needless("ReportCommand", kText),
    translated("RequiredHeaders", kBool),
    translated("Socket", kText),
    lost("SoftwareHeader", kBool, "no", "no DMARC-Filter field is added"),
    // SPF is always checked here, never taken from a field.
    needless("SPFIgnoreResults", kBool),
    translated("SPFSelfValidate", kBool),
    translated("Syslog", kBool),
    translated("SyslogFacility", kText),
    needless("TemporaryDirectory", kText),
    lost("TestDNSData", kText, "", "for tests, name master files (RFC 1035) in dns.zones"),
    translated("TrustedAuthservIDs", kText),
    translated("UMask", kInteger),
    translated("UserID", kText),
};

}  // namespace

KnownSettings opendmarc_settings() { return kSettings; }

}  // namespace authmilter::importer
