#pragma once

// Tacet: the Messaging Layer Security protocol, RFC 9420. This header is the map; it holds no code.
//
// Reading order, from the ground up, each unit using only those before it (CMakeLists.txt holds the same
// list, and tests/layering.py enforces it):
//
//   base     error.h refuse.h   errors, and the construct by which every rule is refused
//            bytes.h            Bytes, Secret, SecretView, Piece, Digest
//            boundary.h         the inside of a Secret, for implementations of Crypto
//            memory.h           the caller's Memory, and what owns a part of it
//            limits.h           every bound, with its default
//            threads.h          what the caller lends to a join
//            codec.h            2.1: Reader, Writer, list views
//   crypto   crypto.h           5.1, 5.2, 8: cipher suites, the boundary, labelled operations
//            sodium.h           suite 0x0003 by libsodium
//            hpke.h             5.1.3, RFC 9180
//   tree     tree_math.h        Appendix C
//            extension.h        13: extension lists, GREASE
//            leaf_node.h        5.3, 7.2, 7.3, 10: Credential, LeafNode, KeyPackage, and their own validity
//            tree_index.h       keys, clients, credentials in use and occupied leaves, found at once
//            ratchet_tree.h     4, 7.1, 7.8, 12.4.3.3: nodes, resolution, tree hash, import, export
//            tree_draft.h       7.5, 7.7: the next epoch's tree over this one's, adopted or dropped
//            tree_check.h       7.3, 7.9, 12.4.3.1: parent hashes, the whole tree, changed leaves
//            path_keys.h        7.4: an endpoint's own private keys in the tree
//            update_path.h      7.4 to 7.6: path secrets made, encrypted, decrypted, compared, merged
//   keys     key_schedule.h     8: GroupContext, transcript hashes, PSKs, an epoch's secrets, exporter
//            secret_tree.h      9: the keys of messages
//   wire     proposal.h         12.1, 12.4: Proposal, Commit
//            welcome.h          12.4.3: GroupInfo, GroupSecrets, Welcome, sealed and opened
//            framing.h          6: PublicMessage protected, PrivateMessage sealed, and back; MLSMessage
//   group    policy.h           5.3.1: what the application decides
//            proposal_list.h    12.1 to 12.3: proposals kept, resolved, judged, applied
//            epoch.h            8.1: what everybody may know of an epoch, and what members know besides
//            past_epochs.h      9.2: what of epochs that are over can be read late
//            commit.h           12.4.1, 12.4.2: Commits created and processed
//            successor.h        11.2, 11.3: what a group is that succeeds another
//            join.h             11, 12.4.3.1: a group created, or joined by a Welcome
//            outside.h          12.1.8, 12.4.3.2: external Commits and proposals
//            record.h           what a Commit did, for the application
//            resumption.h       8.6: the resumption PSKs that a group keeps
//            saved_state.h      what lasts of a group, sealed
//            selection.h        12.2, 12.4: which waiting proposals a Commit of one's own covers
//            group.h            11, 12, 14, 15: Group, the public verbs
//            observer.h         Observer, which follows a group without secrets
//            memory_needed.h    how large a region of memory a group takes
//
// What the caller brings: a few small interfaces, and what there is for those who need nothing else. The
// headers of adapters/ are compiled into the program; BasicClient (adapters/basic_client.h) keeps its keys
// and KeyPackages in memory, and is a place to start from.
//
//   Memory        memory.h   where an object keeps its bytes, twice: the second is for secrets and may be
//                            locked. HeapMemory (adapters/heap_memory.h); RegionMemory
//                            (adapters/region_memory.h) for a region of a fixed size; for secrets
//                            LockedMemory (adapters/locked_memory.h)
//   Random        crypto.h   random bytes. SodiumRandom, from the operating system
//   Crypto        crypto.h   the primitives of a cipher suite. Sodium, for 0x0003
//   Signer        crypto.h   signs by a key that may live in hardware. KeySigner, with the key in memory
//   KeyPackages   join.h     a KeyPackageRef's private keys, until a group was joined. BasicClient
//   Psks          commit.h   a PreSharedKeyID's PSK; a group keeps its own resumption PSKs. BasicClient
//                            has no others
//   Policy        policy.h   whom to believe, who a credential stands for, who may do what, padding,
//                            wire format. There is no default: to believe everybody is no policy
//   Limits        limits.h   every bound, each with a default
//   Threads       threads.h  lent to a join, for the signatures of all members. None, unless the Client says
//                            otherwise; StdThreads (adapters/std_threads.h)
//
// What lasts of a group is two records, for the application to keep: SavedFiles (adapters/saved_files.h)
// keeps them in a folder.
//
// There is no clock: the time is a value, in seconds since 1970, passed to what depends on it.
//
// Conventions.
//   * Inputs are spans and views; outputs are the last arguments, spans that the caller gives or objects
//     that it owns. Sizes are in bytes.
//   * No function throws, allocates from the heap, or aborts. Each that can fail returns Error or Result.
//   * Every rule is refused by an Error of its own, whose number is stable; describe() has its name, the
//     section of the RFC and a sentence. On an error, outputs are unchanged or zeroed, and no state has
//     changed: what is genuine is still accepted.
//   * A view lives as long as the bytes under it. What is kept is copied.
//   * Objects are not synchronised: one thread at a time. Only where Threads are lent, Crypto::verify is
//     called by all of them at once. Memory is asked by the calling one alone.
//   * No function calls itself. spec/README.md has how much stack each verb and each lent thread takes.
//   * An id such as COMMIT-12 in brackets in a comment names the row of spec/requirements.tsv that is kept
//     there.

#include "bytes.h"
#include "codec.h"
#include "commit.h"
#include "crypto.h"
#include "epoch.h"
#include "error.h"
#include "extension.h"
#include "framing.h"
#include "group.h"
#include "hpke.h"
#include "join.h"
#include "key_schedule.h"
#include "leaf_node.h"
#include "limits.h"
#include "memory.h"
#include "memory_needed.h"
#include "observer.h"
#include "outside.h"
#include "past_epochs.h"
#include "path_keys.h"
#include "policy.h"
#include "proposal.h"
#include "proposal_list.h"
#include "ratchet_tree.h"
#include "record.h"
#include "resumption.h"
#include "saved_state.h"
#include "secret_tree.h"
#include "selection.h"
#include "sodium.h"
#include "successor.h"
#include "threads.h"
#include "tree_check.h"
#include "tree_draft.h"
#include "tree_index.h"
#include "tree_math.h"
#include "update_path.h"
#include "welcome.h"
