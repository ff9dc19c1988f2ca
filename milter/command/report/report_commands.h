#pragma once

#include "options/context.h"

namespace authmilter::tools {

// Each adds one subcommand to `report`, as those of commands.h do to the program.

void add_report_send(const Command& report, Context& context);
void add_report_ingest(const Command& report, Context& context);
void add_report_summary(const Command& report, Context& context);
void add_report_advise(const Command& report, Context& context);
void add_report_check(const Command& report, Context& context);
void add_report_page(const Command& report, Context& context);
void add_report_serve(const Command& report, Context& context);

}  // namespace authmilter::tools
