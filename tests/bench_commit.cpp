// Rows for Commits in a full tree, one in which every member has committed: n members, d the depth of their
// tree.

#include <map>
#include <memory>

#include "bench_floors.h"
#include "bench_full_tree.h"
#include "bench_table.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/join.h"
#include "protocol/sodium.h"
#include "secrets.h"
#include "spec/adversary/endpoint.h"

namespace tacet::bench {

namespace {

constexpr LeafIndex committer{0}, neighbour{1};

// Members are known by their leaves' credentials, which are noise.
struct Believing final : Policy {
  Bytes identity(const Credential& credential) const noexcept override { return credential.body; }
  bool validates(const Credential&, Bytes) const noexcept override { return true; }
  bool is_in_group(Bytes) const noexcept override { return false; }
};

const Believing policy{};
const Limits limits{};
const CipherSuite suites[] = {CipherSuite::x25519_chacha20poly1305_sha256_ed25519};
const CredentialType credentials[] = {CredentialType::basic};
const Supported supported{suites, {}, {}, credentials};
adversary::KnownPsks no_psks;
const Bytes group_id = bytes_of("a group's id of 32 bytes, random");

Crypto& plain_crypto() {
  static SodiumRandom random;
  static Sodium crypto(random);
  return crypto;
}

// One epoch at three of its members: the committer at the first leaf, its neighbour, and the last, who was
// the last to commit in the other half. They have gone on by one Commit, as groups do: what a tree makes room
// for after an import is behind them.
struct Group {
  std::uint32_t n;
  unsigned d;
  FullTree full;
  HeapMemory memory;
  std::unique_ptr<Epoch> sender, near, far;
  Octets in_public, in_private;

  explicit Group(std::uint32_t members)
      : n(members),
        d(TreeSize::for_leaves(members).depth()),
        full(make_full_tree({.members = members, .group_id = group_id})) {
    PathKeys far_keys = keys({n - 1}, fresh_key());
    const Octets tree = after_a_path_of_the_last(far_keys);
    sender = epoch(tree, keys(committer, fresh_key()));
    near = epoch(tree, keys(neighbour, secret_of(octets(full.key_of_leaf_1))));
    far = epoch(tree, std::move(far_keys));
    go_on();
    in_public = commit(plain_crypto(), WireFormat::public_message);
    in_private = commit(plain_crypto(), WireFormat::private_message);
  }

  Client client(Crypto& crypto) { return {crypto, memory, memory, policy, supported, limits}; }

  Octets commit(Crypto& crypto, WireFormat format) {
    const Client ours = client(crypto);
    OwnCommit made(ours, *sender);
    create(crypto, format, ours, made);
    return model::octets(made.message);
  }

  // All that a receiver does but for adopting.
  void process(Crypto& crypto, Epoch& receiver, const Octets& message) {
    const Client ours = client(crypto);
    NextEpoch next(ours, receiver);
    process(ours, receiver, message, next);
  }

 private:
  static Secret fresh_key() {
    Secret key;
    std::uint8_t public_key[32];
    must(plain_crypto().generate_key_pair(key, public_key));
    return key;
  }
  PathKeys keys(LeafIndex own, Secret leaf_key) {
    PathKeys made(plain_crypto().suite(), memory, memory);
    must(made.start(own, std::move(leaf_key)));
    return made;
  }
  RatchetTree import(Bytes encoding) {
    RatchetTree tree(memory, policy);
    Nodes nodes;
    must(decode(encoding, nodes));
    must(tree.import(plain_crypto(), nodes, limits));
    return tree;
  }
  // So that its keys are known.
  Octets after_a_path_of_the_last(PathKeys& last) {
    RatchetTree tree = import(full.encoding);
    TreeDraft draft(plain_crypto(), tree, memory, limits);
    must(draft.start());
    PathSecrets secrets;
    KeySigner signer(plain_crypto(), {full.members[n - 1].private_key.data(), 64});
    must(create_update_path(plain_crypto(), signer, draft.base().leaf({n - 1}), {n - 1}, group_id, limits,
                            draft, last, secrets));
    Octets out(draft.export_size().value());
    must(draft.export_to(out).error());
    return out;
  }
  std::unique_ptr<Epoch> epoch(Bytes tree, PathKeys&& path_keys) {
    const Client ours = client(plain_crypto());
    auto made = std::make_unique<Epoch>(ours, import(tree));
    GroupContext context;
    context.cipher_suite = plain_crypto().suite().suite;
    context.group_id = group_id;
    context.epoch = 7;
    context.tree_hash = made->state.tree().tree_hash();
    const Octets of_hash_size(32, 1);  // the same at all of them
    context.confirmed_transcript_hash = of_hash_size;
    must(made->state.start(ours, context, of_hash_size));
    made->member.path_keys() = std::move(path_keys);
    EpochSecrets secrets;
    must(derive_epoch_secrets(plain_crypto(), view(of_hash_size), {}, made->state.group_context(), secrets));
    must(made->member.start(std::move(secrets), made->state.tree().size()));
    return made;
  }
  void create(Crypto& crypto, WireFormat format, const Client& ours, OwnCommit& made) {
    KeySigner signer(crypto, {full.members[committer.value].private_key.data(), 64});
    NewCommit wanted;
    wanted.wire_format = format;
    must(create_commit(ours, no_psks, signer, *sender, wanted, made));
  }
  void process(const Client& ours, Epoch& receiver, const Octets& message, NextEpoch& next) {
    MlsMessage decoded;
    must(decode(message, decoded));
    const Secret membership_key = receiver.member.keys().copy(EpochKeys::Of::membership_key);
    const Secret sender_data_secret = receiver.member.keys().copy(EpochKeys::Of::sender_data_secret);
    const MessageEpoch lent = {receiver.state.context(),
                               receiver.state.group_context(),
                               receiver.state.tree(),
                               membership_key,
                               sender_data_secret,
                               {},
                               limits};
    AuthenticatedContent content;
    PeekedKey key;
    if (decoded.wire_format == WireFormat::public_message) {
      room.resize(unprotect_room(decoded.public_message, lent));
      must(unprotect(ours.crypto, lent, decoded.public_message, room, content));
    } else {
      room.resize(open_room(decoded.private_message, lent));
      must(open(ours.crypto, lent, receiver.member.secret_tree(), decoded.private_message, room, key,
                content));
    }
    must(process_commit(ours, no_psks, receiver, content, next));
    receiver.member.secret_tree().drop(key);
  }
  void go_on() {
    const Client ours = client(plain_crypto());
    OwnCommit made(ours, *sender);
    create(plain_crypto(), WireFormat::public_message, ours, made);
    const Octets message = model::octets(made.message);
    for (Epoch* const receiver : {near.get(), far.get()}) {
      NextEpoch next(ours, *receiver);
      process(ours, *receiver, message, next);
      next.adopt(*receiver);
    }
    made.next.adopt(*sender);
  }

  Octets room;
};

Group& group(std::uint32_t n) {
  static std::map<std::uint32_t, Group> groups;
  return groups.try_emplace(n, n).first->second;
}

// ---- floors

void verify_floor(const Signed& member) {
  must(crypto_sign_verify_detached(member.signature.data(), member.message.data(), member.message.size(),
                                   member.public_key().data()) == 0,
       "a signature of the floor does not verify");
}
void sign_floor(const Signed& member) {
  crypto_sign_detached(raw::output, nullptr, member.message.data(), member.message.size(),
                       member.private_key.data());
}

// The inputs of the hashes of a path (RFC 9420, 7.8, 7.9), in bytes.
void path_hashes_floor(unsigned d) {
  raw::hash(1 + 4 + 1 + leaf_size);
  for (unsigned i = 0; i < d; ++i) {
    raw::hash(1 + 1 + 2 * 33 + 33 + 33 + 1);
    raw::hash(3 * 33);
  }
}
void hmacs_floor(unsigned count) {
  for (; count > 0; --count) raw::hmac(std::size_t{60});
}

void create_floor(const Group& g) {
  const Octets& point = g.full.encoding;  // any 32 bytes are a public key
  for (unsigned i = 0; i < g.d; ++i) raw::path_node();
  raw::multiply_base();  // the leaf's
  for (unsigned i = 0; i < g.d; ++i) {
    raw::multiply_base();
    raw::multiply(point.data() + 8);
    raw::hpke_schedule();
    raw::seal();
  }
  for (int i = 0; i < 2; ++i) sign_floor(g.full.members[0]);
  hmacs_floor(16);
  path_hashes_floor(g.d);
}

// `nodes` is how many nodes of the path the receiver is under.
void process_floor(const Group& g, unsigned nodes) {
  for (int i = 0; i < 2; ++i) verify_floor(g.full.members[0]);
  raw::multiply(g.full.encoding.data() + 8);
  raw::hpke_schedule();
  raw::open();
  for (unsigned i = 0; i < nodes; ++i) raw::path_node();
  hmacs_floor(16);
  path_hashes_floor(g.d);
}

// ---- the table

std::string named(const std::string& operation, std::uint32_t n) {
  return operation + ", n = " + std::to_string(n / 1000) + ",000";
}

const std::string far_name = "process Commit, far";

// HMACs: 13 of the key schedule, 2 tags and an HPKE info; 4 for each path node, 5 for an HPKE single shot.
// One more is the hash of HPKE's empty psk_id. Hashes: two for each node of the path, one for the leaf, and
// those of the two transcript hashes.
void add_rows(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t d = TreeSize::for_leaves(n).depth();
  rows.push_back({.name = named("create Commit", n),
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
  const auto process = [&](const std::string& name, std::uint64_t nodes, double limit, auto receiver) {
    rows.push_back(
        {.name = named(name, n),
         .operation =
             [=](Crypto& crypto) { group(n).process(crypto, receiver(group(n)), group(n).in_public); },
         .floor = [=] { process_floor(group(n), static_cast<unsigned>(nodes)); },
         .limit = limit,
         .mandatory = Calls{.verify = 2,
                            .multiply = 1,
                            .multiply_base = nodes,
                            .hmac = 4 * nodes + 21,
                            .aead = 1,
                            .hash = 2 * d + 3},
         .set_up = [n] { group(n); }});
  };
  process(far_name, 1, 2, [](Group& g) -> Epoch& { return *g.far; });
  process("process Commit, neighbour", d, 1.5, [](Group& g) -> Epoch& { return *g.near; });
}

}  // namespace

std::vector<Row> commit_rows() {
  std::vector<Row> rows;
  for (const std::uint32_t n : {1000u, 5000u, 50000u}) add_rows(n, rows);
  return rows;
}

std::vector<Growth> commit_growth() { return {{far_name, named(far_name, 5000), named(far_name, 50000), 2}}; }

}  // namespace tacet::bench
