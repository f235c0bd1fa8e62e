#pragma once

// The histories that are published as cases of passive-client, each function those of one file.

#include "field.h"
#include "generator.h"

namespace tacet::tool {

// What the working group's format can express.
Json external_joins(Generator& generator);
Json external_proposals(Generator& generator);
Json resumption_psks(Generator& generator);
Json closing_re_inits(Generator& generator);
Json long_histories(Generator& generator);

// What needs a case to have `messages` or `successors` as well.
Json application_messages(Generator& generator);
Json successor_groups(Generator& generator);

}  // namespace tacet::tool
