#pragma once

#include <string>
#include <vector>

#include <authmilter/ip_address.h>

#include "import/data_set.h"
#include "import/remark.h"

namespace authmilter::importer {

/// The addresses that a list of hosts in the form of OpenDKIM's PeerList stands for: exclusions
/// ("!192.0.2.7") are taken out of the blocks around them. Tells of entries that are lost, such as
/// names of hosts.
std::vector<Network> networks_of(const std::string& setting, const DataSet& hosts,
                                 Remarks& remarks);

/// What of `wanted` lies outside `taken`.
std::vector<Network> outside(const std::vector<Network>& wanted, const std::vector<Network>& taken);

std::vector<std::string> texts_of(const std::vector<Network>& networks);

}  // namespace authmilter::importer
