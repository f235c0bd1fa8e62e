#pragma once

// What an attacker does with the whole state of a member's endpoint, beyond what the public verbs let a
// member do.

#include "member.h"

namespace tacet::adversary {

// Takes a message as Group::process does; but also a Commit of the endpoint itself that no copy of it waits
// for, which Group leaves to who has made it. Errors: those of Group::process but own_commit_unknown; those
// of process_commit.
Error take_as_attacker(Member& copy, const Octets& message);

}  // namespace tacet::adversary
