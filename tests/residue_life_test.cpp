// What a whole life leaves in a process: a small group lives three times in forks of this process, twice with
// the same secrets and once with others. All else is the same: what is drawn in public, and by Veil also what
// is public but depends on a secret. After each verb the forks wait, and every byte that they can write is
// compared: stack, registers as the verb left them, globals, libsodium's too, the heap, and both Memories,
// which use no block twice, so that what was in one that was given back is still there. What differs is
// residue, whatever its form, but in the places that hold secrets which live: blocks of the secret Memory
// that are held, and the keys in a Device. At the end nothing lives, and nothing may differ. As secrets that
// live differ too, the secrets that are past are also looked for as they are, 8 bytes in a row, in all of it.

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "onlooker.h"
#include "protocol/tacet.h"
#include "registers.h"
#include "spec/adversary/member.h"
#include "veil.h"
#include "words.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::Member;
using adversary::must;
using adversary::Octets;
using adversary::remove_of;
using adversary::resumption_psk_of;

// What is done wrong on purpose.
enum class Flaw { none, released_block, raw_x25519, vector_register, global, kept_too_long };

struct Place {
  const void* address;
  std::size_t size;
};

// What a fork and its onlooker tell each other. It lies apart.
struct Stage {
  Flaw flaw;
  std::size_t rounds;
  std::uint64_t secret_seed;
  const char* act;    // what has just been done
  bool is_over;       // nothing lives
  bool begins_epoch;  // everybody is in an epoch whose Commit was made when `past` secrets had been seen
  std::size_t past;
  std::size_t live_count;
  Place live[4096];
  SecretLog log;  // the last, as it is read in part
};
Stage& stage = *::new (apart::take(sizeof(Stage))) Stage;

// A Memory that never uses a block twice. Which are held, it knows apart.
class KeepingMemory final : public Memory {
 public:
  explicit KeepingMemory(std::size_t size)
      : room_(size), held_(*::new (apart::take(sizeof(apart::Vector<Place>))) apart::Vector<Place>) {}
  void* allocate(std::size_t bytes, std::size_t) noexcept override {
    const std::size_t size = (bytes + 15) / 16 * 16;
    if (size > room_ - used_) return nullptr;
    void* const block = region_ + used_;
    used_ += size;
    held_.push_back({block, bytes});
    return block;
  }
  void release(void* block, std::size_t) noexcept override {
    std::erase_if(held_, [=](const Place& each) { return each.address == block; });
  }
  const apart::Vector<Place>& held() const { return held_; }

 private:
  const std::size_t room_;
  std::uint8_t* const region_ = static_cast<std::uint8_t*>(
      mmap(nullptr, room_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::size_t used_ = 0;
  apart::Vector<Place>& held_;
};

void holds(bool it) {
  if (!it) std::abort();
}

Registers registers;
std::uint8_t global_copy[32];

// A member's group and the one that succeeds it. The application's PSKs are those of the former group.
struct Successor final : FormerGroups, Psks {
  explicit Successor(Member& member) : of(member), group(member.client(), *this) {}
  const PublicState* find(Bytes group_id) noexcept override {
    return equal(group_id, of.group.state().context().group_id) ? &of.group.state() : nullptr;
  }
  Error find(const PreSharedKeyId& id, SecretView& psk) noexcept override {
    return of.group.resumption_psk(id.psk_epoch, psk);
  }
  Member& of;
  Group group;
};

class Life {
 public:
  void run() {
    if (stage.flaw == Flaw::kept_too_long) {
      begin();
    } else if (stage.flaw == Flaw::none) {
      begin();
      for (std::size_t i = 0; i < stage.rounds; ++i) round();
      come_and_go();
    } else {
      act("devices", [&] { device(0, "A"); });
      act("flaw", [&] { plant(); });
    }
    stage.is_over = true;
    act("the end", [&] {
      for (auto& each : members_) each.reset();
    });
  }

 private:
  // Does something, and waits twice: as it was left, and when all that is to be known of it is told.
  template <class Body>
  [[gnu::noinline]] void act(const char* name, const Body& body) {
    run_and_save(body, registers);
    Onlooker::wait();
    tell(name);
    Onlooker::wait();
  }
  void tell(const char* name) {
    stage.act = name;
    stage.live_count = 0;
    for (const Place& held : secrets_.held()) add_live(held);
    for (const auto& each : members_) {
      if (!each) continue;
      for (const Secret* key : {&each->signing_key, &each->keys.init_key, &each->keys.encryption_key})
        add_live({key, sizeof *key});
    }
    for (std::size_t i = 0; i < stage.log.count; ++i) {
      LoggedSecret& each = stage.log.secrets[i];
      const std::string_view label = each.label;
      each.is_kept = label == "signature key" || (label == "private key" && is_in_use(each.public_key));
    }
  }
  static void add_live(const Place& place) {
    holds(stage.live_count < std::size(stage.live));
    stage.live[stage.live_count++] = place;
  }
  // Whether a member's tree has that key, or a KeyPackage by which nobody has joined yet.
  bool is_in_use(Bytes public_key) const {
    for (const auto& each : members_) {
      if (!each) continue;
      const Octets& package = each->key_package;
      if (!each->reference.empty() &&
          std::search(package.begin(), package.end(), public_key.begin(), public_key.end()) != package.end())
        return true;
      if (!each->group.is_active()) continue;
      const RatchetTree& tree = each->group.state().tree();
      for (std::uint32_t i = 0; i < tree.size().nodes(); ++i) {
        if (equal(tree.encryption_key(NodeIndex{i}), public_key)) return true;
      }
    }
    return false;
  }

  Member& device(std::size_t i, const char* name) {
    members_[i] = std::make_unique<Member>(name, crypto_, plain_, secrets_);
    members_[i]->limits.resumption_psks = 0;
    members_[i]->limits.reserved_generations = 16;
    return *members_[i];
  }
  Member& at(std::size_t i) { return *members_[i]; }

  void begin() {
    act("devices", [&] { device(0, "A"), device(1, "B"), device(2, "C"); });
    act("create", [&] { at(0).create(group_id_); });
    act("KeyPackages", [&] { adds_ = {add_of(at(1).publish()), add_of(at(2).publish())}; });
    if (stage.flaw == Flaw::kept_too_long) act("flaw", [&] { plant(); });
    stage.past = stage.log.count;
    CommitOptions wanted;
    wanted.proposals = adds_;
    act("commit", [&] { at(0).commit(wanted); });
    act("adopt", [&] { welcome_ = at(0).welcome(), at(0).group.adopt_pending(); });
    act("join", [&] { must(at(1).join(welcome_)); });
    stage.begins_epoch = true;
    act("another's join", [&] { must(at(2).join(welcome_)); });
    stage.begins_epoch = false;
    save_all();
    talk();
  }

  // What lasts; without it, nothing could be sealed.
  void save_all() {
    for (std::size_t i = 0; i < std::size(members_); ++i) {
      if (members_[i] && at(i).group.is_active()) act("save", [&] { must(at(i).save(saves_[i])); });
    }
  }

  void to_all_but(std::size_t sender, const char* name, const Octets& message) {
    for (std::size_t i = 0; i < std::size(members_); ++i) {
      if (i == sender || !members_[i] || !at(i).group.is_active()) continue;
      act(name, [&] { must(at(i).receive(message)); });
    }
  }

  // Messages, one of which comes late, and one that is forged.
  void talk() {
    Octets late, next;
    act("seal", [&] { late = at(1).say("the first"); });
    act("seal", [&] { next = at(1).say("the second"); });
    must(at(1).error);
    Octets forged = next;
    forged.back() ^= 1;
    act("refuse", [&] { holds(at(0).receive(forged) == Error::content_not_authentic); });
    to_all_but(1, "open", next);
    to_all_but(1, "open what comes late", late);
    act("export", [&] { must(at(0).group.export_secret("an application's", {}, exported_)); });
  }

  template <class Make>
  void change(std::size_t committer, const Make& make) {
    stage.past = stage.log.count;
    Octets commit;
    act("commit", [&] { commit = make(); });
    must(at(committer).error);
    to_all_but(committer, "process", commit);
    stage.begins_epoch = true;
    act("adopt", [&] { at(committer).group.adopt_pending(); });
    stage.begins_epoch = false;
    save_all();
  }

  // An Update, covered by a Commit that has a PSK too; one that loses, one that is staged and dropped.
  void round() {
    Octets message;
    act("propose", [&] { message = at(2).propose_update(); });
    must(at(2).error);
    to_all_but(2, "receive a proposal", message);
    act("commit that loses", [&] { at(0).commit(); });
    act("drop one's own", [&] { at(0).group.drop_pending(); });
    const Proposal psk = resumption_psk_of(group_id_, at(1).group.state().context().epoch);
    CommitOptions wanted;
    wanted.proposals = {&psk, 1};
    change(1, [&] {
      Octets commit = at(1).commit(wanted);
      must(at(0).stage(commit));
      at(0).group.drop();
      return commit;
    });
    talk();
  }

  // One joins from outside, one is restored, one is removed, and what they had goes.
  void come_and_go() {
    GroupInfoOptions told;
    told.external_pub = true;
    Octets info, commit;
    act("another device", [&] { device(3, "D"); });
    act("GroupInfo", [&] { info = at(0).group_info(told); });
    change(3, [&] { return at(3).join_from_outside(info); });
    act("restart", [&] {
      auto again = std::make_unique<Member>("B", crypto_, plain_, secrets_);
      again->start_again_as(at(1));
      members_[1] = std::move(again);
    });
    act("restore", [&] { must(at(1).restore(saves_[1])); });
    save_all();
    const Proposal remove = remove_of(at(2).group.own_leaf());
    CommitOptions wanted;
    wanted.proposals = {&remove, 1};
    change(0, [&] { return at(0).commit(wanted); });
    holds(!at(2).group.is_active());
    act("the removed one goes", [&] { members_[2].reset(); });
    talk();
    branch();
  }

  void branch() {
    std::optional<Successor> ours, theirs;
    act("KeyPackages", [&] { at(0).publish(), adds_ = {add_of(at(1).publish())}; });
    act("succeed", [&] {
      KeyPackage own;
      must(decode(at(0).key_package, own));
      SuccessorOptions wanted;
      wanted.usage = ResumptionPskUsage::branch;
      wanted.proposals = adds_;
      wanted.now = adversary::while_leaves_are_current;
      KeySigner signer = at(0).signer();
      must(ours.emplace(at(0)).group.succeed(signer, at(0).group, own.leaf_node.encoded,
                                             adversary::copy_of(at(0).keys.encryption_key), wanted));
      at(0).group.drop();  // and so lends its PSK no more
    });
    act("adopt", [&] {
      const Bytes welcome = ours->group.pending_welcome();
      welcome_.assign(welcome.begin(), welcome.end());
      ours->group.adopt_pending();
    });
    act("join the successor", [&] {
      must(theirs.emplace(at(1)).group.join(welcome_, {}, at(1), &*theirs));
      at(1).group.drop();
    });
    act("leave it", [&] { ours.reset(), theirs.reset(); });
  }

  void plant() {
    const Bytes key = reveal(at(0).signing_key).first(32);
    switch (stage.flaw) {
      case Flaw::none:
        break;
      case Flaw::released_block: {
        void* const block = plain_.allocate(key.size(), 8);
        std::memcpy(block, key.data(), key.size());
        plain_.release(block, key.size());
        break;
      }
      case Flaw::raw_x25519: {
        static const std::uint8_t point[32] = {9};
        std::uint8_t product[32];
        holds(crypto_scalarmult(product, key.data(), point) == 0);
        wipe(product, sizeof product);
        break;
      }
      case Flaw::vector_register:
        __asm__ __volatile__("movdqu (%0), %%xmm9" : : "r"(key.data()) : "xmm9");
        break;
      case Flaw::global:
        std::memcpy(global_copy, key.data(), key.size());
        __asm__ __volatile__("" : : "r"(global_copy) : "memory");
        break;
      case Flaw::kept_too_long: {
        const Bytes init_key = reveal(at(1).keys.init_key);
        std::memcpy(secrets_.allocate(init_key.size(), 8), init_key.data(), init_key.size());
        break;
      }
    }
  }

  Crypto& crypto_ = make_veil(1, stage.secret_seed, stage.log);
  MutableBytes exported_{static_cast<std::uint8_t*>(apart::take(32)), 32};  // the application's
  KeepingMemory plain_{(8 + stage.rounds) << 17}, secrets_{(8 + stage.rounds) << 17};
  const Octets group_id_ = Octets(8, 'g');
  std::vector<Proposal> adds_;
  Octets welcome_;
  std::unique_ptr<Member> members_[4];
  adversary::Save saves_[4];
};

// ---- what is looked for

extern "C" char __data_start, _end;  // of the program's own globals, by the linker

// The kind of memory that a byte lies in.
std::string kind_of(const Mapping& part, std::uintptr_t address) {
  const auto begin = [](const void* object) { return reinterpret_cast<std::uintptr_t>(object); };
  if (address - begin(&registers) < sizeof registers) return "registers";
  if (begin(&__data_start) <= address && address < begin(&_end)) return "globals";
  return part.name.empty() ? "mapping" : part.name;
}

bool lies_in(const std::vector<Place>& places, std::uintptr_t address) {
  return std::any_of(places.begin(), places.end(), [=](const Place& each) {
    return address - reinterpret_cast<std::uintptr_t>(each.address) < each.size;
  });
}

// Bytes that were found after an act, by the kind of memory, each with the first address.
struct Found {
  struct Bytes {
    std::size_t count = 0;
    std::uintptr_t first = 0;
  };
  std::map<std::string, Bytes> in;
  std::size_t noise = 0;

  void add(const Mapping& part, std::size_t offset) {
    Bytes& bytes = in[kind_of(part, part.address + offset)];
    if (bytes.count++ == 0) bytes.first = part.address + offset;
  }
  friend void PrintTo(const Found& found, std::ostream* out) {
    for (const auto& [kind, bytes] : found.in)
      *out << bytes.count << " bytes in " << kind << " from " << std::hex << bytes.first << std::dec << "; ";
  }
};

// The bytes that differ with the secrets. A word of which a byte differs without is noise: ids of threads.
Found compare(const std::array<Snapshot, 3>& all, const std::vector<Place>& live) {
  Found found;
  constexpr std::size_t word = 8, page = 4096;
  if (!are_alike(all[0], all[1]) || !are_alike(all[0], all[2])) {
    found.in["another layout"].count++;
    return found;
  }
  for (std::size_t part = 0; part < all[0].size(); ++part) {
    const Mapping& a = all[0][part];
    const Mapping& again = all[1][part];
    const Mapping& b = all[2][part];
    if (a.bytes.empty()) found.in["what cannot be read"].count++;
    for (std::size_t i = 0; i < a.bytes.size(); i += page) {
      if (std::memcmp(&a.bytes[i], &b.bytes[i], page) == 0) continue;
      for (std::size_t at = i; at < i + page; ++at) {
        if (a.bytes[at] == b.bytes[at] || lies_in(live, a.address + at)) continue;
        const std::size_t begin = at / word * word;
        const bool noise = std::memcmp(&a.bytes[begin], &again.bytes[begin], word) != 0;
        noise ? static_cast<void>(++found.noise) : found.add(a, at);
      }
    }
  }
  return found;
}

Bytes bytes_of(const LoggedSecret& secret) { return Bytes(secret.bytes).first(secret.size); }

// Secrets that are gone once the epoch is there that was made of them, and all of an operation's own.
bool is_of_the_making(std::string_view label) {
  for (const char* made : {"extract", "shared secret", "HPKE", "joiner", "epoch", "welcome", "path", "node"})
    if (label == made) return true;
  return false;
}

// The words of the secrets that are past: all but those that may be kept.
Words past_words(const Stage& told, const std::vector<LoggedSecret>& log) {
  Words words;
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (told.is_over || i < told.past || is_of_the_making(log[i].label)) add(bytes_of(log[i]), words);
  }
  for (const LoggedSecret& each : log) {
    if (!told.is_over && each.is_kept) remove(bytes_of(each), words);
  }
  return words;
}

Found scan(const Snapshot& all, const Words& words) {
  std::vector<bool> maybe(1u << 20);  // most words are none of them, and a set is slow to say so
  const auto hash = [](Word word) { return word * 0x9e3779b97f4a7c15u >> 44; };
  for (const Word word : words) maybe[hash(word)] = true;
  Found found;
  for (const Mapping& part : all) {
    for_each_word(part.bytes, [&](Word word, std::size_t at) {
      if (maybe[hash(word)] && words.count(word) != 0) found.add(part, at);
    });
  }
  return found;
}

// A process of its own stack: nothing of how it was made is left there.
[[gnu::noinline]] void clear_stack() {
  std::uint8_t dead[256 * 1024];
  wipe(dead, sizeof dead);
}

void live() {
  alignas(Life) static std::uint8_t place[sizeof(Life)];
  auto* const life = ::new (place) Life;
  clear_stack();
  life->run();
}

// Three lives that go on step by step; the first two have the same secrets. What differs between them before
// they begin lies apart.
class Lives {
 public:
  explicit Lives(Flaw flaw, std::size_t rounds = 1) {
    holds(sodium_init() >= 0);  // draws a canary of its own
    stage.flaw = flaw;
    stage.rounds = rounds;
    for (std::size_t i = 0; i < 3; ++i) {
      stage.secret_seed = seeds_[i];
      seeds_[i] += 2;  // none is used twice: something of a former life may be left in here
      ::new (&forks_[i]) Onlooker(live);
    }
  }
  ~Lives() {
    for (std::size_t i = 0; i < 3; ++i) forks_[i].~Onlooker();
  }
  Lives(const Lives&) = delete;
  Lives& operator=(const Lives&) = delete;

  // Sees what the next act leaves. False if all have come to their end, or if they go different ways.
  bool next() {
    if (!all_arrive()) return false;
    for (std::size_t i = 0; i < 3; ++i) all_[i] = forks_[i].writable();
    all_go_on();
    if (!all_arrive()) return false;
    constexpr std::size_t before_secrets = offsetof(Stage, log) + offsetof(SecretLog, secrets);
    if (!forks_[0].read(&stage, &told_, before_secrets)) return false;
    log_.resize(told_.log.count);
    if (!forks_[0].read(stage.log.secrets, log_.data(), log_.size() * sizeof log_[0])) return false;
    all_go_on();
    return true;
  }
  bool have_ended_well() const {
    return std::all_of(forks_, forks_ + 3, [](const Onlooker& each) { return each.has_ended_well(); });
  }

  const Stage& told() const { return told_; }
  Found residue() const { return compare(all_, {told_.live, told_.live + told_.live_count}); }
  Found past_secrets() const { return scan(all_[0], past_words(told_, log_)); }
  // Those that live, by the same search.
  Found kept_secrets() const {
    Words words;
    for (const LoggedSecret& each : log_) {
      if (each.is_kept) add(bytes_of(each), words);
    }
    return scan(all_[0], words);
  }

 private:
  static bool all_arrive() {
    std::size_t arrived = 0;
    for (std::size_t i = 0; i < 3; ++i) arrived += forks_[i].arrives();
    return arrived == 3;
  }
  static void all_go_on() {
    for (std::size_t i = 0; i < 3; ++i) forks_[i].goes_on();
  }

  static inline std::uint64_t* const seeds_ =
      ::new (apart::take(3 * sizeof(std::uint64_t))) std::uint64_t[3]{100, 100, 101};
  static inline auto* const forks_ = static_cast<Onlooker*>(apart::take(3 * sizeof(Onlooker)));
  static inline Stage& told_ = *::new (apart::take(sizeof(Stage))) Stage;
  std::vector<LoggedSecret> log_;
  std::array<Snapshot, 3> all_;
};

TEST(ResidueLife, NothingOfASecretIsLeftWhereNoneLives) {
  const char* const wanted = std::getenv("TACET_RESIDUE_ROUNDS");
  Lives lives(Flaw::none, wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1);
  std::size_t acts = 0, searches = 0, noise = 0;
  bool is_over = false;
  for (; lives.next(); ++acts) {
    const Found residue = lives.residue();
    EXPECT_TRUE(residue.in.empty()) << lives.told().act << ": " << ::testing::PrintToString(residue);
    noise = std::max(noise, residue.noise);
    is_over = lives.told().is_over;
    if (!lives.told().begins_epoch && !is_over) continue;
    const Found past = lives.past_secrets();
    EXPECT_TRUE(past.in.empty()) << lives.told().act << ": " << ::testing::PrintToString(past);
    EXPECT_EQ(lives.kept_secrets().in.empty(), is_over);
    ++searches;
  }
  EXPECT_TRUE(is_over && lives.have_ended_well());
  EXPECT_LE(noise, 16u);
  std::printf("  %zu verbs compared, %zu bytes of noise; %zu searches for what is past of %zu secrets\n",
              acts, noise, searches, lives.told().log.count);
}

struct Control {
  Flaw flaw;
  const char* found_in;
  bool is_a_copy;  // which stays, and so the search finds it too
};

constexpr Control controls[] = {
    {Flaw::released_block, "mapping", true},
    {Flaw::raw_x25519, "[stack]", false},
    {Flaw::vector_register, "registers", false},
    {Flaw::global, "globals", true},
};

TEST(ResidueLife, ControlsAreFound) {
  for (const Control& control : controls) {
    Lives lives(control.flaw);
    std::size_t acts = 0;
    for (; lives.next(); ++acts) {
      Found residue = lives.residue();
      if (lives.told().act == std::string_view("flaw")) {
        EXPECT_GE(residue.in[control.found_in].count, 8u) << control.found_in;
      } else if (!lives.told().is_over) {
        EXPECT_TRUE(residue.in.empty()) << ::testing::PrintToString(residue);
      } else {
        const bool is_found = lives.past_secrets().in.count(control.found_in) != 0;
        EXPECT_TRUE(is_found || !control.is_a_copy) << control.found_in;
      }
    }
    EXPECT_EQ(acts, 3u);
    EXPECT_TRUE(lives.have_ended_well());
  }
}

// A secret that may differ, as it lies where secrets live, but should be gone.
TEST(ResidueLife, WhatIsKeptTooLongIsFound) {
  Lives lives(Flaw::kept_too_long);
  std::size_t searches = 0;
  while (lives.next()) {
    if (!lives.told().begins_epoch) continue;
    EXPECT_NE(lives.past_secrets().in["mapping"].count, 0u);
    ++searches;
  }
  EXPECT_EQ(searches, 1u);
  EXPECT_TRUE(lives.have_ended_well());
}

}  // namespace
}  // namespace tacet
