#pragma once

#include <set>

#include <authmilter/config.h>
#include <authmilter/message_record.h>

#include "metrics/metrics.h"

namespace authmilter {

/// The limits that a message has reached. `dns` has those of its look-ups. Pure.
std::set<Limit> limits_reached(const MessageRecord& record, const DnsConfig& dns);

/// Counts everything that a message counts for.
void count_message(Metrics& metrics, const MessageRecord& record, const DnsConfig& dns);

/// The same for a message of which there is no record, because we failed.
void count_internal_failure(Metrics& metrics) noexcept;

}  // namespace authmilter
