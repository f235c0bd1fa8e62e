// Rows for Commits in a full tree, one in which every member has committed, and for a join of one more: n
// members, d the depth of their tree.

#include <algorithm>
#include <ctime>
#include <map>

#include "bench_floors.h"
#include "bench_group.h"
#include "protocol/adapters/std_threads.h"
#include "secrets.h"

namespace tacet::bench {

using model::operator+;

namespace {

constexpr LeafIndex committer{0}, neighbour{1};

// One epoch at three of its members: the committer at the first leaf, its neighbour, and the last, who was
// the last to commit in the other half. Of two members, both are one. They have gone on by one Commit, as
// groups do: what a tree makes room for after an import is behind them.
struct Group {
  std::uint32_t n;
  unsigned d;
  FullTree full;
  CountingMemory memory;
  std::unique_ptr<Epoch> sender, near, far;
  Octets in_public, in_private, room;
  Published newcomer;
  Octets welcome;

  explicit Group(std::uint32_t members)
      : n(members),
        d(TreeSize::for_leaves(members).depth()),
        full(make_full_tree({.members = members, .group_id = group_id})),
        newcomer(members) {
    PathKeys far_keys = path_keys({n - 1}, fresh_key(), memory);
    const Octets tree = after_a_path_of_the_last(far_keys);
    sender = epoch_of(tree, path_keys(committer, fresh_key(), memory), memory);
    if (n > 2)
      near = epoch_of(tree, path_keys(neighbour, secret_of(octets(full.key_of_leaf_1)), memory), memory);
    far = epoch_of(tree, std::move(far_keys), memory);
    go_on();
    in_public = commit(plain_crypto(), WireFormat::public_message);
    in_private = commit(plain_crypto(), WireFormat::private_message);
    invite();
  }

  Epoch& receiver(bool is_near) { return is_near && near != nullptr ? *near : *far; }

  Octets commit(Crypto& crypto, WireFormat format) {
    const Client ours = client(crypto, memory);
    OwnCommit made(ours, *sender);
    create(ours, format, made);
    return model::octets(made.message);
  }

  void process(Crypto& crypto, bool is_near, const Octets& message) {
    const Client ours = client(crypto, memory);
    NextEpoch next(ours, receiver(is_near));
    process_commit(ours, receiver(is_near), message, room, next);
  }

  // Of the newcomer, by a Commit with a path.
  void join(Crypto& crypto, Memory& joiner_memory, std::optional<Epoch>& joined, Threads* threads = nullptr) {
    Client ours = client(crypto, joiner_memory);
    ours.threads = threads;
    const auto received = decoded<MlsMessage>(welcome);
    must(join_by_welcome(ours, newcomer, no_psks(), nullptr, received.welcome, {}, joined));
  }

 private:
  void invite() {
    const Octets add = Octets{1, 0, 1} + newcomer.key_package;  // a proposal by value, an Add
    NewCommit wanted;
    must(List<ProposalOrRef>::parse(add, wanted.proposals));
    const Client ours = client(plain_crypto(), memory);
    OwnCommit made(ours, *sender);
    create_commit(ours, full.members[committer.value], *sender, wanted, made);
    welcome = model::octets(made.welcome);
  }
  void create(const Client& ours, WireFormat format, OwnCommit& made) {
    NewCommit wanted;
    wanted.wire_format = format;
    create_commit(ours, full.members[committer.value], *sender, wanted, made);
  }
  // So that its keys are known.
  Octets after_a_path_of_the_last(PathKeys& last) {
    RatchetTree tree = imported(full.encoding, memory);
    TreeDraft draft(plain_crypto(), tree, memory, limits);
    must(draft.start());
    PathSecrets secrets;
    KeySigner signer(plain_crypto(), signing_key(full.members[n - 1]));
    must(create_update_path(plain_crypto(), signer, draft.base().leaf({n - 1}), {n - 1}, group_id, limits,
                            draft, last, secrets));
    Octets out(draft.export_size().value());
    must(draft.export_to(out).error());
    return out;
  }
  void go_on() {
    const Client ours = client(plain_crypto(), memory);
    OwnCommit made(ours, *sender);
    create(ours, WireFormat::public_message, made);
    const Octets message = model::octets(made.message);
    for (Epoch* const receiver : {near.get(), far.get()}) {
      if (receiver == nullptr) continue;
      NextEpoch next(ours, *receiver);
      process_commit(ours, *receiver, message, room, next);
      next.adopt(*receiver);
    }
    made.next.adopt(*sender);
  }
};

Group& group(std::uint32_t n) {
  static std::map<std::uint32_t, Group> groups;
  return groups.try_emplace(n, n).first->second;
}

// ---- floors

void create_floor(const Group& g) {
  const Octets& point = g.full.encoding;  // any 32 bytes are a public key
  for (unsigned i = 0; i < g.d; ++i) raw::path_node();
  raw::multiply_base();  // the leaf's
  for (unsigned i = 0; i < g.d; ++i) raw::hpke_seal(point.data() + 8);
  for (int i = 0; i < 2; ++i) raw::sign(g.full.members[0]);
  raw::hmacs(16);
  raw::path_hashes(g.d);
}

// `nodes` is how many nodes of the path the receiver is under.
void process_floor(const Group& g, unsigned nodes) {
  for (int i = 0; i < 2; ++i) raw::verify(g.full.members[0]);
  raw::hpke_open(g.full.encoding.data() + 8);
  for (unsigned i = 0; i < nodes; ++i) raw::path_node();
  raw::hmacs(16);
  raw::path_hashes(g.d);
}

// In place of the membership tag; the content is as long as the message.
void private_message_floor(const Group& g) {
  static std::uint8_t opened[1 << 13], sealed[sizeof opened + raw::tag_size];
  static const bool is_sealed = (raw::seal({}, opened, sealed), true);
  must(is_sealed && g.in_private.size() <= sizeof sealed, "a Commit has no room in the floor");
  raw::sender_data_key();
  raw::first_message(g.d);
  raw::ratchet_step();
  raw::open();
  raw::open({}, sealed, opened);
}

// The newcomer stands beside the full part of the tree, so of the parents those are set that were.
void join_floor(const Group& g) {
  static std::map<const Group*, raw::LargeCalls> all;
  const std::size_t sealed = decoded<MlsMessage>(g.welcome).welcome.encrypted_group_info.size();
  const std::size_t group_info = sealed - raw::tag_size, signed_part = group_info - raw::signature_size - 2;
  raw::LargeCalls& large = all.try_emplace(&g, "GroupInfoTBS", signed_part, 0, group_info).first->second;
  raw::hash(Bytes(g.newcomer.key_package));
  raw::hmac(Bytes(large.sealed));
  raw::hpke_open(g.newcomer.init_key.data());
  raw::hmacs(2 + 2);
  large.open();
  large.verify();
  for (const Signed& member : g.full.members) raw::verify(member);
  raw::verify(g.newcomer.owner);
  raw::tree_hash(g.n + 1, TreeSize::for_leaves(g.n + 1).depth(), g.n - 1);
  raw::hashes(g.n - 1, raw::parent_hash_input);
  raw::path_node();
  raw::hmacs(10 + 1);
}

// ---- the table

const std::string far_name = "process Commit, far";

// HMACs: 13 of the key schedule, 2 tags and an HPKE info; 4 for each path node, 5 for an HPKE single shot.
// One more is the hash of HPKE's empty psk_id. Hashes: two for each node of the path, one for the leaf, and
// those of the two transcript hashes. The committer is under the left side of every node of its path, where
// there always are members on the right, so all d of them are in it, also of a small group.
void add_create_row(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t d = TreeSize::for_leaves(n).depth();
  rows.push_back({.name = "create Commit, full tree",
                  .n = n,
                  .operation = [n](Crypto& crypto) { group(n).commit(crypto, WireFormat::public_message); },
                  .floor = [n] { create_floor(group(n)); },
                  .limit = 1.5,
                  .mandatory = Calls{.sign = 2,
                                     .multiply = d,
                                     .multiply_base = 2 * d + 1,
                                     .hmac = 9 * d + 16,
                                     .aead = d,
                                     .hash = 2 * d + 3},
                  .set_up = [n] { group(n); }});
}

// As a PrivateMessage it has no membership tag, and there are two keys: that of the sender data takes 2
// HMACs, and that of a sender's first message 2d + 2 and the 3 of a step.
void add_process_rows(std::uint32_t n, std::vector<Row>& rows) {
  const unsigned d = TreeSize::for_leaves(n).depth();
  const auto process = [&](const std::string& name, bool is_near, WireFormat format, double limit) {
    const unsigned nodes = is_near ? d : 1;
    const bool is_private = format == WireFormat::private_message;
    Calls mandatory = {.verify = 2,
                       .multiply = 1,
                       .multiply_base = nodes,
                       .hmac = std::uint64_t{4} * nodes + 21,
                       .aead = 1,
                       .hash = std::uint64_t{2} * d + 3};
    if (is_private) mandatory.hmac += 2 * d + 2 + 3 + 2 - 1, mandatory.aead += 2;
    rows.push_back({.name = name,
                    .n = n,
                    .operation =
                        [=](Crypto& crypto) {
                          Group& g = group(n);
                          g.process(crypto, is_near, is_private ? g.in_private : g.in_public);
                        },
                    .floor =
                        [=] {
                          process_floor(group(n), nodes);
                          if (is_private) private_message_floor(group(n));
                        },
                    .limit = limit,
                    .mandatory = mandatory,
                    .set_up = [n] { group(n); }});
  };
  process(far_name, false, WireFormat::public_message, 2);
  process("process first PrivateMessage, far", false, WireFormat::private_message, 2);
  process("process Commit, neighbour", true, WireFormat::public_message, 1.5);
}

// As in a fresh tree (bench_build.cpp), and more: the newcomer has nothing but the root in common with the
// committer, so there is one path node; a parent hash for each parent that is set; and the tree hashes of the
// newcomer's direct path without it, as it is unmerged. Who looks for the chain of a parent hash on the wrong
// side first takes one more.
void add_join_row(std::uint32_t n, std::vector<Row>& rows) {
  const TreeSize size = TreeSize::for_leaves(n + 1);
  const bool has_new_root = size.depth() != TreeSize::for_leaves(n).depth();
  const std::uint64_t parents = n - 1 + (has_new_root ? 1 : 0);
  rows.push_back({.name = "join by Welcome, full tree",
                  .n = n,
                  .operation =
                      [n](Crypto& crypto) {
                        std::optional<Epoch> joined;
                        group(n).join(crypto, group(n).memory, joined);
                      },
                  .floor = [n] { join_floor(group(n)); },
                  .limit = 1.2,
                  .mandatory = Calls{.verify = std::uint64_t{n} + 2,
                                     .multiply = 1,
                                     .multiply_base = 1,
                                     .hmac = 1 + 5 + 11 + 1 + 2 + 1 + 4,
                                     .aead = 2,
                                     .hash = 1 + size.nodes() + 1 + parents + size.depth()},
                  .spare_hashes = parents,
                  .set_up = [n] { group(n), join_floor(group(n)); },
                  .single_runs = single_runs_for(n)});
}

// ---- facts

// With leaves that are not merged, as joiners are.
double allocations_of_join(std::uint32_t n) {
  CountingMemory memory;
  std::optional<Epoch> joined;
  group(n).join(plain_crypto(), memory, joined);
  return static_cast<double>(memory.calls());
}
double bytes_after_join(std::uint32_t n) {
  CountingMemory memory;
  std::optional<Epoch> joined;
  group(n).join(plain_crypto(), memory, joined);
  return static_cast<double>(memory.live() + sizeof(Epoch));
}

// In seconds, from no matter when.
double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// How long a join takes with two threads against one without any, by that clock; of each the best of a few in
// turn.
double share_with_threads(std::uint32_t n, clockid_t clock) {
  StdThreads threads(2);
  const auto time = [&](Threads* lent) {
    CountingMemory memory;
    std::optional<Epoch> joined;
    const double begin = now(clock);
    group(n).join(plain_crypto(), memory, joined, lent);
    return now(clock) - begin;
  };
  double with = 1e9, without = 1e9;
  for (int i = 0; i < 5; ++i)
    with = std::min(with, time(&threads)), without = std::min(without, time(nullptr));
  return with / without;
}

// The most of the three ways above; who receives the PrivateMessage has heard nobody yet.
double allocations_of_process(std::uint32_t n) {
  Group g(n);
  std::size_t most = 0;
  const auto count = [&](bool is_near, const Octets& message) {
    const std::size_t before = g.memory.calls();
    g.process(plain_crypto(), is_near, message);
    most = std::max(most, g.memory.calls() - before);
  };
  count(false, g.in_public);
  count(true, g.in_public);
  count(false, g.in_private);
  return static_cast<double>(most);
}

}  // namespace

std::vector<Row> commit_rows() {
  std::vector<Row> rows;
  for (const std::uint32_t n : group_sizes) {
    add_create_row(n, rows);
    add_process_rows(n, rows);
    add_join_row(n, rows);
  }
  return rows;
}

std::vector<Growth> commit_growth() { return {{far_name, 2}}; }

std::vector<Fact> commit_facts() {
  std::vector<Fact> facts;
  for (const std::uint32_t n : {10u, 5000u, 50000u}) {
    facts.push_back(
        {named("allocations of a join, full tree", n), [n] { return allocations_of_join(n); }, 16});
    facts.push_back({named("allocations of processing a Commit", n),
                     [n] { return allocations_of_process(n); }, 4.0 * TreeSize::for_leaves(n).depth() + 32});
  }
  facts.push_back({named("bytes of a group, joined, full tree", 50000),
                   [] { return bytes_after_join(50000); }, bytes_of_group(50000)});
  // The clock on the wall shows what the machine gives at the time; the other, what is left to the caller.
  facts.push_back({named("join, 2 threads / 1, by the wall", 5000),
                   [] { return share_with_threads(5000, CLOCK_MONOTONIC); }, 0.6, true});
  facts.push_back({named("join, 2 threads / 1, CPU of the caller", 5000),
                   [] { return share_with_threads(5000, CLOCK_THREAD_CPUTIME_ID); }, 0.6, true});
  return facts;
}

}  // namespace tacet::bench
