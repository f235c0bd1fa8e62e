// Rows for how groups come to be: a KeyPackage, n - 1 members added in one Commit, a join by its Welcome, and
// the first Commit with a path in the fresh tree that results. d is the depth of the tree of n members.

#include <algorithm>
#include <map>

#include "bench_floors.h"
#include "bench_group.h"
#include "secrets.h"

namespace tacet::bench {

namespace {

// ---- KeyPackages

// An endpoint that has nothing yet.
void publish(Crypto& crypto) {
  Secret private_key;
  std::uint8_t public_key[32];
  must(crypto.generate_signature_key_pair(private_key, public_key));
  KeySigner signer(crypto, private_key);
  NewKeyPackage wanted;
  wanted.signature_key = public_key;
  wanted.credential = {CredentialType::basic, bytes_of("somebody")};
  wanted.supported = supported;
  wanted.lifetime = {1000, 2000};
  const KeyPackageRoom room = key_package_room(wanted);
  Octets work(room.work), out(room.out);
  KeyPackageKeys keys;
  must(create_key_package(crypto, signer, wanted, limits, work, out, keys).error());
}
void publish_floor() {
  std::uint8_t public_key[crypto_sign_PUBLICKEYBYTES], private_key[crypto_sign_SECRETKEYBYTES],
      signature[crypto_sign_BYTES];
  crypto_sign_keypair(public_key, private_key);
  for (const unsigned signed_size : {200u, 300u}) {  // the leaf, and the KeyPackage with it
    raw::multiply_base();
    crypto_sign_detached(signature, nullptr, raw::input, signed_size, private_key);
  }
  benchmark::DoNotOptimize(signature);
}

// ---- a group

// A founder in epoch 0, who adds n - 1 members; the same in epoch 1, where it has; and the last of them, who
// joins.
struct Arrival {
  std::uint32_t n;
  unsigned d;
  std::vector<std::unique_ptr<Published>> members;  // the founder first
  CountingMemory memory;
  Octets adds;
  std::optional<Epoch> before, after;
  Octets commit, welcome, room;

  explicit Arrival(std::uint32_t size) : n(size), d(TreeSize::for_leaves(size).depth()) {
    for (std::uint32_t i = 0; i < n; ++i) members.push_back(std::make_unique<Published>(i));
    for (std::uint32_t i = 1; i < n; ++i) {
      const Octets head = {1, 0, 1};  // a proposal by value, an Add
      adds.insert(adds.end(), head.begin(), head.end());
      const Octets& key_package = members[i]->key_package;
      adds.insert(adds.end(), key_package.begin(), key_package.end());
    }
    create(before);
    create(after);
    const Client ours = client(plain_crypto(), memory);
    OwnCommit made(ours, *after);
    create_commit(ours, members[0]->owner, *after, build_commit(), made);
    commit = model::octets(made.message);
    welcome = model::octets(made.welcome);
    made.next.adopt(*after);
  }

  // All n - 1 Adds by value and no path, so that the parents of the new tree are blank.
  NewCommit build_commit() const {
    NewCommit wanted;
    must(List<ProposalOrRef>::parse(adds, wanted.proposals));
    wanted.with_path = false;
    wanted.wire_format = WireFormat::public_message;
    return wanted;
  }
  void build(Crypto& crypto) {
    const Client ours = client(crypto, memory);
    OwnCommit made(ours, *before);
    create_commit(ours, members[0]->owner, *before, build_commit(), made);
  }

  void join(Crypto& crypto, Memory& joiner_memory, std::optional<Epoch>& out) {
    const auto received = decoded<MlsMessage>(welcome);
    must(join_by_welcome(client(crypto, joiner_memory), *members[n - 1], no_psks(), nullptr, received.welcome,
                         {}, out));
  }

  Octets commit_path(Crypto& crypto) {
    const Client ours = client(crypto, memory);
    OwnCommit made(ours, *after);
    NewCommit wanted;
    wanted.wire_format = WireFormat::public_message;
    create_commit(ours, members[0]->owner, *after, wanted, made);
    return model::octets(made.message);
  }

 private:
  void create(std::optional<Epoch>& out) {
    must(create_group(client(plain_crypto(), memory), group_id, {}, members[0]->leaf,
                      secret_of(octets(members[0]->encryption_private_key)), out));
  }
};

Arrival& arrival(std::uint32_t n) {
  static std::map<std::uint32_t, Arrival> all;
  return all.try_emplace(n, n).first->second;
}

// ---- floors

// What is as large as the group, lying ready: the Commits, and the GroupInfo with the tree.
struct Large {
  raw::LargeCalls build, group_info, path;

  explicit Large(Arrival& a)
      : build("FramedContentTBS", a.commit.size(), 0, 0),
        group_info("GroupInfoTBS", group_info_size(a), 0, group_info_size(a) + raw::signature_size + 2),
        path("FramedContentTBS", a.commit_path(plain_crypto()).size(), 0, 0) {}

  // What the Welcome has beside an entry for each joiner: the tree most of all.
  static std::size_t group_info_size(const Arrival& a) {
    return decoded<MlsMessage>(a.welcome).welcome.encrypted_group_info.size() - raw::tag_size -
           raw::signature_size - 2;
  }
};

Large& large(std::uint32_t n) {
  static std::map<std::uint32_t, Large> all;
  return all.try_emplace(n, arrival(n)).first->second;
}

// A Commit as a PublicMessage, signed, tagged and taken into the transcript.
void send_floor(raw::LargeCalls& commit) {
  commit.sign();
  raw::hmac(Bytes(commit.to_be_signed));
  raw::hash(Bytes(commit.to_be_signed));
}

constexpr std::size_t group_secrets_size = 33 + 1 + 1;  // without a path secret

void build_floor(std::uint32_t n) {
  const Arrival& a = arrival(n);
  Large& l = large(n);
  for (std::uint32_t i = 1; i < n; ++i) {
    for (int signature = 0; signature < 2; ++signature) raw::verify(a.members[i]->owner);
    raw::hash(Bytes(a.members[i]->key_package));
    raw::hpke_seal(a.members[i]->init_key.data(), group_secrets_size);
  }
  raw::tree_hash(n, a.d, 0);
  send_floor(l.build);
  raw::hmacs(13 + 1 + 1);
  l.group_info.sign();
  raw::hmacs(2);
  l.group_info.seal();
  raw::hmac(Bytes(l.group_info.sealed));
}

void join_floor(std::uint32_t n) {
  const Arrival& a = arrival(n);
  Large& l = large(n);
  raw::hash(Bytes(a.members[n - 1]->key_package));
  raw::hmac(Bytes(l.group_info.sealed));
  raw::hpke_open(a.members[n - 1]->init_key.data());
  raw::hmacs(2 + 2);
  l.group_info.open();
  l.group_info.verify();
  for (const auto& member : a.members) raw::verify(member->owner);
  raw::tree_hash(n, a.d, 0);
  raw::hmacs(10 + 1);
}

void commit_path_floor(std::uint32_t n) {
  const Arrival& a = arrival(n);
  for (unsigned i = 0; i < a.d; ++i) raw::path_node();
  raw::multiply_base();  // the leaf's
  for (std::uint32_t i = 1; i < n; ++i) raw::hpke_seal(a.members[i]->encryption_key.data());
  raw::sign(a.members[0]->owner);
  send_floor(large(n).path);
  raw::hmacs(15);
  raw::path_hashes(a.d);
}

// ---- the table

// For each joiner two signatures, a KeyPackageRef and an HPKE single shot. HMACs beside the 5 of that: 13 of
// the key schedule and the welcome_secret, the key and the nonce of the GroupInfo, an HPKE info, two tags.
// Signatures: of the Commit and of the GroupInfo; the Commit holds all KeyPackages, so it is signed, tagged
// and hashed over more bytes than the GroupInfo. Hashes beside the KeyPackageRefs: all nodes, blank ones as
// well, but for the founder's leaf, which does not change; and the two transcript hashes.
void add_build_row(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t joiners = n - 1, nodes = TreeSize::for_leaves(n).nodes();
  rows.push_back({.name = "add n - 1 members in one Commit",
                  .n = n,
                  .operation = [n](Crypto& crypto) { arrival(n).build(crypto); },
                  .floor = [n] { build_floor(n); },
                  .limit = 1.3,
                  .mandatory = Calls{.verify = 2 * joiners,
                                     .sign = 2,
                                     .multiply = joiners,
                                     .multiply_base = joiners,
                                     .hmac = 5 * joiners + 13 + 1 + 2 + 1 + 2,
                                     .aead = joiners + 1,
                                     .hash = joiners + nodes - 1 + 2},
                  .set_up = [n] { large(n); },
                  .single_runs = single_runs_for(n)});
}

// HMACs: an HPKE info and single shot; the key schedule from the joiner_secret on, which is 11, and the
// welcome_secret; the key and the nonce of the GroupInfo; the confirmation tag. Hashes: the KeyPackageRef,
// all nodes, the interim transcript hash. No parent is set, so there are no parent hashes, and no path keys.
void add_join_row(std::uint32_t n, std::vector<Row>& rows) {
  rows.push_back({.name = "join by Welcome",
                  .n = n,
                  .operation =
                      [n](Crypto& crypto) {
                        std::optional<Epoch> joined;
                        arrival(n).join(crypto, arrival(n).memory, joined);
                      },
                  .floor = [n] { join_floor(n); },
                  .limit = 1.2,
                  .mandatory = Calls{.verify = std::uint64_t{n} + 1,
                                     .multiply = 1,
                                     .hmac = 1 + 5 + 11 + 1 + 2 + 1,
                                     .aead = 2,
                                     .hash = 1 + std::uint64_t{TreeSize::for_leaves(n).nodes()} + 1},
                  .set_up = [n] { large(n); },
                  .single_runs = single_runs_for(n)});
}

// As in a full tree, but that each member is its own resolution.
void add_commit_row(std::uint32_t n, std::vector<Row>& rows) {
  const std::uint64_t others = n - 1, d = TreeSize::for_leaves(n).depth();
  rows.push_back({.name = "create Commit, fresh tree",
                  .n = n,
                  .operation = [n](Crypto& crypto) { arrival(n).commit_path(crypto); },
                  .floor = [n] { commit_path_floor(n); },
                  .limit = 1.3,
                  .mandatory = Calls{.sign = 2,
                                     .multiply = others,
                                     .multiply_base = others + d + 1,
                                     .hmac = 5 * others + 4 * d + 16,
                                     .aead = others,
                                     .hash = 2 * d + 3},
                  .set_up = [n] { large(n); },
                  .single_runs = single_runs_for(n)});
}

// ---- facts

double allocations_of_join(std::uint32_t n) {
  CountingMemory memory;
  std::optional<Epoch> joined;
  arrival(n).join(plain_crypto(), memory, joined);
  return static_cast<double>(memory.calls());
}

double bytes_after_join(std::uint32_t n) {
  CountingMemory memory;
  std::optional<Epoch> joined;
  arrival(n).join(plain_crypto(), memory, joined);
  return static_cast<double>(memory.live() + sizeof(Epoch));
}

constexpr std::uint32_t life_members = 5000;
constexpr double bytes_for_sender = 160;  // at most

// The last member of a group, from its join until every member has committed, and then until it has heard
// them all. The committers share an epoch, of which each needs no more than its place and its signature key.
class Life {
 public:
  explicit Life(Arrival& a) : a_(a) {
    a.join(plain_crypto(), memory_, own_);
    after_join_ = size();
    const unsigned d = a.d;
    for (std::uint32_t turn = 0; turn < 1u << d; ++turn) {
      std::uint32_t leaf = 0;  // its bits turned round: so parents are set soon, and paths short to encrypt
      for (unsigned bit = 0; bit < d; ++bit) leaf |= (turn >> bit & 1) << (d - 1 - bit);
      if (leaf < a.n - 1) take_commit_of({leaf});
    }
    commit_own();
    after_commits_ = size();
    hear_all();
  }

  double after_join() const { return after_join_; }
  double after_commits() const { return after_commits_; }
  double for_each_heard() const { return (size() - after_commits_) / (a_.n - 1); }
  double most_less_heard() const { return most_less_heard_; }

 private:
  double size() const { return static_cast<double>(memory_.live() + sizeof(Epoch)); }

  void take_commit_of(LeafIndex committer) {
    Epoch& others = *a_.after;
    const Client theirs = client(plain_crypto(), a_.memory), ours = client(plain_crypto(), memory_);
    others.member.path_keys() = path_keys(committer, fresh_key(), a_.memory);
    OwnCommit made(theirs, others);
    NewCommit wanted;
    wanted.wire_format = WireFormat::public_message;
    create_commit(theirs, a_.members[committer.value]->owner, others, wanted, made);
    NextEpoch next(ours, *own_);
    process_commit(ours, *own_, model::octets(made.message), a_.room, next);
    next.adopt(*own_);
    made.next.adopt(others);
  }
  void commit_own() {
    const Client ours = client(plain_crypto(), memory_);
    OwnCommit made(ours, *own_);
    NewCommit wanted;
    wanted.wire_format = WireFormat::public_message;  // so that its ratchet is not begun
    create_commit(ours, a_.members.back()->owner, *own_, wanted, made);
    made.next.adopt(*own_);
  }

  // Few senders, far from each other, take the most for each, as their ratchets have the least of the secret
  // tree in common: so the first that are heard are those.
  void hear_all() {
    SecretTree& ratchets = own_->member.secret_tree();
    std::vector<bool> is_heard(a_.n);
    std::uint32_t heard = 0;
    for (std::uint32_t step = 1u << a_.d; step > 0; step /= 2) {
      for (std::uint32_t i = 0; i + 1 < a_.n; i += step) {
        if (is_heard[i]) continue;
        PeekedKey key;
        must(ratchets.peek(plain_crypto(), {i}, RatchetType::application, 0, key));
        ratchets.adopt(key);
        is_heard[i] = true, ++heard;
      }
      most_less_heard_ = std::max(most_less_heard_, size() - bytes_for_sender * heard);
    }
  }

  Arrival& a_;
  CountingMemory memory_;
  std::optional<Epoch> own_;
  double after_join_ = 0, after_commits_ = 0, most_less_heard_ = 0;
};

// Of an arrival of its own, whose group it moves on.
Life& life() {
  static Arrival arrival(life_members);
  static Life the_life(arrival);
  return the_life;
}

}  // namespace

std::vector<Row> build_rows() {
  std::vector<Row> rows;
  rows.push_back({.name = "create KeyPackage",
                  .operation = publish,
                  .floor = publish_floor,
                  .limit = 1.2,
                  .mandatory = Calls{.sign = 2, .signature_key = 1, .multiply_base = 2}});
  for (const std::uint32_t n : group_sizes) {
    add_build_row(n, rows);
    add_join_row(n, rows);
    add_commit_row(n, rows);
  }
  return rows;
}

std::vector<Fact> build_facts() {
  std::vector<Fact> facts;
  for (const std::uint32_t n : {10u, life_members, 50000u}) {
    facts.push_back({named("allocations of a join", n), [n] { return allocations_of_join(n); }, 16});
  }
  facts.push_back({named("bytes of a group, joined", 50000), [] { return bytes_after_join(50000); },
                   bytes_of_group(50000)});
  const auto add = [&](const std::string& name, double (Life::*measure)() const, double limit) {
    facts.push_back({named(name, life_members), [measure] { return (life().*measure)(); }, limit});
  };
  add("bytes of a group, joined", &Life::after_join, bytes_of_group(life_members));
  add("bytes, all have committed", &Life::after_commits, bytes_of_group(life_members));
  add("bytes, and any heard, 160 less for each", &Life::most_less_heard, bytes_of_group(life_members));
  add("bytes more for each sender, all heard", &Life::for_each_heard, bytes_for_sender);
  return facts;
}

}  // namespace tacet::bench
