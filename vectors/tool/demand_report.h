#pragma once

// What a demand has yielded: a table for people, JSON for machines.

#include <ostream>

#include "demand.h"

namespace tacet::tool {

void report_demand(std::ostream& out, const ConversationOptions& options, const Conversation& conversation,
                   const Demanded& demanded);

// An object; "format" and "version" say of which form.
std::string json_of_demand(const ConversationOptions& options, const Conversation& conversation,
                           const Demanded& demanded, int status);

}  // namespace tacet::tool
