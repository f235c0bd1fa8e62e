#pragma once

// The histories that are published as cases of passive-client, each function those of one file.

#include "field.h"
#include "generator.h"

namespace tacet::tool {

Json external_joins(Generator& generator);
Json external_proposals(Generator& generator);
Json resumption_psks(Generator& generator);
Json closing_re_inits(Generator& generator);
Json long_histories(Generator& generator);

}  // namespace tacet::tool
