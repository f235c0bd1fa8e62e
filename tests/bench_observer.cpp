// A row for who follows a group without being in it: 200 Commits of n members in a full tree, d its depth.

#include <map>

#include "bench_floors.h"
#include "bench_group.h"
#include "protocol/observer.h"
#include "secrets.h"

namespace tacet::bench {

using model::number, model::operator+;

namespace {

constexpr unsigned commits = 200;
constexpr std::uint32_t members = 5000;

// A group that goes on by Commits of members all over the full half of its tree, and who watches it from the
// first of them on. The committers share an epoch, of which each needs no more than its place.
struct Watched {
  std::uint32_t n;
  unsigned d;
  FullTree full;
  CountingMemory memory;
  Octets group_info;
  std::vector<Octets> sent;

  explicit Watched(std::uint32_t size)
      : n(size),
        d(TreeSize::for_leaves(size).depth()),
        full(make_full_tree({.members = size, .group_id = group_id})) {
    const auto epoch = epoch_of(full.encoding, path_keys({0}, fresh_key(), memory), memory);
    describe(*epoch);
    for (std::uint32_t turn = 0; turn < commits; ++turn) {
      std::uint32_t leaf = 0;  // its bits turned round
      for (unsigned bit = 0; bit + 1 < d; ++bit) leaf |= (turn >> bit & 1) << (d - 2 - bit);
      commit(*epoch, {leaf});
    }
  }

  // Of `crypto`'s own, so that what it does from its start on can be counted.
  struct Observing {
    Observing(Crypto& crypto, Watched& watched) : observer(client(crypto, memory)), received(memory) {
      must(observer.start(watched.group_info, {}));
      before = memory.calls();
    }
    CountingMemory memory;
    Observer observer;
    Received received;
    Octets room;
    std::size_t before;  // allocations
  };

  void follow(Observing& by) const {
    for (const Octets& commit : sent) {
      by.room.resize(by.observer.process_size(commit).value());
      must(by.observer.process(commit, by.room, by.received));
    }
  }

  std::optional<Observing> observing;  // of the row

 private:
  void describe(const Epoch& epoch) {
    KeySigner signer(plain_crypto(), signing_key(full.members[0]));
    Message made;
    must(make_group_info(client(plain_crypto(), memory), signer,
                         {epoch.state.context(), epoch.state.tree(), epoch.state.confirmation_tag(), {0}, {}},
                         0, made));
    group_info = number(1, 2) + number(4, 2) + model::octets(made.bytes);  // as an MLSMessage
  }
  void commit(Epoch& epoch, LeafIndex committer) {
    const Client ours = client(plain_crypto(), memory);
    epoch.member.path_keys() = path_keys(committer, fresh_key(), memory);
    OwnCommit made(ours, epoch);
    NewCommit wanted;
    wanted.wire_format = WireFormat::public_message;
    create_commit(ours, full.members[committer.value], epoch, wanted, made);
    sent.push_back(model::octets(made.message));
    made.next.adopt(epoch);
  }
};

Watched& watched() {
  static Watched the_group(members);
  return the_group;
}

void follow_floor() {
  const Watched& w = watched();
  for (const Octets& commit : w.sent) {
    for (int i = 0; i < 2; ++i) raw::verify(w.full.members[0]);
    raw::path_hashes(w.d);
    raw::hash(Bytes(commit));
    raw::hash(std::size_t{65});  // the interim transcript hash
  }
}

}  // namespace

// For each Commit the signatures of the message and of the leaf; two hashes for each node of the path and one
// for the leaf; the two transcript hashes. Neither tag can be held against anything without a secret.
std::vector<Row> observer_rows() {
  return {
      {.name = "observe 200 Commits, full tree",
       .n = members,
       .operation = [](Crypto&) { watched().follow(*watched().observing); },
       .floor = follow_floor,
       .limit = 2,
       .mandatory = Calls{.verify = commits * 2,
                          .hash = commits * (2 * std::uint64_t{TreeSize::for_leaves(members).depth()} + 3)},
       .set_up = [] { watched(); },
       .prepare = [](Crypto& crypto) { watched().observing.emplace(crypto, watched()); },
       .single_runs = 3}};
}

std::vector<Fact> observer_facts() {
  const auto after = [](auto measure) {
    Watched::Observing observing(plain_crypto(), watched());
    watched().follow(observing);
    return static_cast<double>(measure(observing));
  };
  return {{named("bytes of an observer, 200 Commits", members),
           [=] { return after([](const auto& by) { return by.memory.live() + sizeof(Observer); }); },
           bytes_of_group(members)},
          {named("allocations of each Commit observed", members),
           [=] { return after([](const auto& by) { return (by.memory.calls() - by.before) / commits; }); },
           4.0 * TreeSize::for_leaves(members).depth() + 32}};
}

}  // namespace tacet::bench
