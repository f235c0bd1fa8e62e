#pragma once

// How much memory an endpoint's group takes at most: for who has none but a region of a fixed size
// (adapters/region_memory.h).

#include "group.h"

namespace tacet {

// What an application counts with, under its Limits. What goes beyond it is an error like any other where
// memory is full: Error::out_of_memory.
struct ExpectedLoad {
  std::uint32_t leaf_size = 256;        // of a LeafNode as encoded, on average, in bytes
  std::uint32_t extensions_size = 256;  // of a GroupContext's extensions, in bytes
  std::uint32_t senders = 0xffffffff;   // members who send something in one epoch: all
  std::uint32_t proposals = 8;          // that wait at a time, and that a Commit covers
  std::uint32_t proposal_size = 512;    // as encoded, on average, in bytes
};

struct MemoryNeeded {
  std::uint64_t memory = 0;   // bytes of Client::memory
  std::uint64_t secrets = 0;  // bytes of Client::secrets
};

// The regions in which a group of so many members, counted when it is largest, can be joined or created, go
// on and be left, by all verbs of one Group: with a Commit of one's own that waits and another's that is
// staged beside it, with the senders heard in the present and in each past epoch that Limits keeps, and with
// one GroupInfo or saved record and one Received in the caller's hand. A thread that is lent to a join takes
// besides what verifying one leaf does. Gaps between the blocks of a RegionMemory are counted.
MemoryNeeded memory_needed(const SuiteParameters& suite, const Limits& limits, std::uint32_t members,
                           const ExpectedLoad& load = {}) noexcept;

}  // namespace tacet
