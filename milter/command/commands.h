#pragma once

#include "options/context.h"

namespace authmilter::tools {

// Each adds one subcommand to the command line. The chosen one runs at the end of parsing and
// leaves in `context.status` what the program exits with.

void add_verify_command(const Command& app, Context& context);
void add_spf_command(const Command& app, Context& context);
void add_dmarc_command(const Command& app, Context& context);
void add_sign_command(const Command& app, Context& context);
void add_key_command(const Command& app, Context& context);
/// Those of `key` that change keys step by step.
void add_key_rotation_commands(const Command& key, Context& context);
void add_status_command(const Command& app, Context& context);
void add_check_dns_command(const Command& app, Context& context);
void add_audit_command(const Command& app, Context& context);
void add_report_command(const Command& app, Context& context);
void add_import_command(const Command& app, Context& context);

}  // namespace authmilter::tools
