// What an endpoint does not keep: secrets by the model, looked for in its memories and its epoch, where they
// must be before and must not be after.

#include <algorithm>

#include "flow.h"

namespace tacet {
namespace {

using evidence::shows;

class DeletionTest : public FlowTest {
 protected:
  using Secrets = std::map<std::string, Octets>;

  // Whether a part of a secret lies in the memories of an endpoint or in its epoch.
  static bool keeps(const Endpoint& who, const Octets& secret) {
    const auto* const inside = reinterpret_cast<const std::uint8_t*>(&*who.epoch);
    for (auto part = secret.begin(); part + 8 <= secret.end(); ++part) {
      if (std::search(inside, inside + sizeof(Epoch), part, part + 8) != inside + sizeof(Epoch)) return true;
    }
    return who.memory.holds(secret) || who.secret_memory.holds(secret);
  }
  static void all_kept(const Endpoint& who, const Secrets& secrets) {
    for (const auto& [what, secret] : secrets) EXPECT_TRUE(keeps(who, secret)) << what << " of " << who.name;
  }
  static void none_kept(const Endpoint& who, const Secrets& secrets) {
    for (const auto& [what, secret] : secrets) EXPECT_FALSE(keeps(who, secret)) << what << " of " << who.name;
  }
  // psk_secret of the one PSK, and the key schedule from it, by the model.
  static Secrets schedule(const Octets& init_secret, const Octets& commit_secret, const Octets& context) {
    Secrets all;
    const Octets psk_input =
        model::expand_with_label(model::extract(model::zeros(32), model::octets("a psk of all")),
                                 "derived psk", psk_id + model::number(0, 2) + model::number(1, 2), 32);
    all["psk_secret"] = model::extract(psk_input, model::zeros(32));
    all["joiner_secret"] =
        model::expand_with_label(model::extract(init_secret, commit_secret), "joiner", context, 32);
    all["member_secret"] = model::extract(all["joiner_secret"], all["psk_secret"]);
    all["welcome_secret"] = model::derive_secret(all["member_secret"], "welcome");
    all["epoch_secret"] = model::expand_with_label(all["member_secret"], "epoch", context, 32);
    return all;
  }

  // Of a node of the secret tree, what its children have; of a leaf, where a ratchet begins; of a ratchet,
  // what a generation has.
  static Octets child(const Octets& node, const std::string& side) {
    return model::expand_with_label(node, "tree", model::octets(side), 32);
  }
  static Octets ratchet(const Octets& leaf, const std::string& type) {
    return model::expand_with_label(leaf, type, {}, 32);
  }
  static Octets of(const Octets& ratchet, const std::string& what, unsigned generation) {
    return model::expand_with_label(ratchet, what, model::number(generation, 4), what == "nonce" ? 12 : 32);
  }
  static Octets init_secret(const Endpoint& who) {
    return octets(who.epoch->member.keys().copy(EpochKeys::Of::init_secret));
  }
  static Octets context_of(const Endpoint& who) { return model::octets(who.epoch->state.group_context()); }
};

TEST_F(DeletionTest, WhatAnEpochIsMadeOfIsGoneWhenItBegins) {
  found({"b"});
  Endpoint& a = at("a");
  Endpoint& b = at("b");
  const Octets init = init_secret(a);
  const PathReceiver before(b);
  commit("a", by_value(psk()));
  // With two members the next path secret is the commit secret.
  const Secret path_secret = before.path_secret(message);
  const Octets commit_secret = model::derive_secret(octets(path_secret), "path");
  Secrets made = schedule(init, commit_secret, context_of(b));
  EXPECT_EQ(model::derive_secret(made["epoch_secret"], "authentication"), a.authenticator());
  const Secrets kept = {{"init_secret", model::derive_secret(made["epoch_secret"], "init")},
                        {"encryption_secret", model::derive_secret(made["epoch_secret"], "encryption")}};
  made["init_secret of the epoch before"] = init;
  made["path_secret"] = octets(path_secret);
  made["commit_secret"] = commit_secret;
  for (const Endpoint* who : {&a, &b}) {
    all_kept(*who, kept);
    none_kept(*who, made);
  }
  shows("PRIV-04");
}

TEST_F(DeletionTest, WhatAMessageIsProtectedWithGoesAndWhatComesLateStays) {
  found({"b", "c", "d"});
  Endpoint& b = at("b");
  Endpoint& c = at("c");
  const Octets init = init_secret(b);
  commit("a", by_value(psk()), {}, in_public(false));
  Secrets made = schedule(init, model::zeros(32), context_of(b));
  const Octets root = model::derive_secret(made["epoch_secret"], "encryption");
  const Octets right = child(root, "right"), leaf = child(right, "left");
  const Octets r0 = ratchet(leaf, "application"), r1 = of(r0, "secret", 0), r2 = of(r1, "secret", 1);
  all_kept(b, {{"encryption_secret", root}});

  const Octets zero = say("c"), one = say("c");
  EXPECT_EQ(b.receive(one), Error::none);
  const Secrets path = {{"encryption_secret", root}, {"node 5", right}, {"leaf 2", leaf}};
  const Secrets copath = {{"node 1", child(root, "left")}, {"leaf 3", child(right, "right")}};
  const Secrets used = {{"ratchet secret 0", r0},
                        {"ratchet secret 1", r1},
                        {"key 1", of(r1, "key", 1)},
                        {"nonce 1", of(r1, "nonce", 1)}};
  const Secrets late = {{"key 0", of(r0, "key", 0)}, {"nonce 0", of(r0, "nonce", 0)}};
  const Secrets next = {{"ratchet secret 2", r2}, {"handshake ratchet", ratchet(leaf, "handshake")}};
  for (const Endpoint* who : {&b, &c}) {
    none_kept(*who, path);
    none_kept(*who, used);
    all_kept(*who, copath);
    all_kept(*who, next);
  }
  none_kept(c, late);
  all_kept(b, late);
  EXPECT_EQ(b.receive(one), Error::generation_gone);
  shows("PRIV-03");

  EXPECT_EQ(b.receive(zero), Error::none);
  none_kept(b, late);
  EXPECT_EQ(b.receive(zero), Error::generation_gone);
  shows("PRIV-01, PRIV-05");

  // The same sender's other ratchet, and that of another.
  const Octets proposed = at("c").propose(remove("d"), WireFormat::private_message).message;
  EXPECT_EQ(b.receive(proposed), Error::none);
  EXPECT_EQ(b.receive(say("a")), Error::none);
  EXPECT_EQ(b.receive(say("c")), Error::none);
  shows("PRIV-08");
  none_kept(b, {{"ratchet secret 2", r2}, {"key 2", of(r2, "key", 2)}});
  all_kept(b, {{"ratchet secret 3", of(r2, "secret", 2)}});
  shows("PRIV-02");
}

// The keys that an endpoint held are those that it holds, but for nodes whose public key is another or gone.
TEST_F(DeletionTest, PrivateKeysGoWithTheirPublicKeys) {
  found({"b", "c", "d"});
  for (const char* name : {"b", "c", "d", "a"}) commit(name, {});
  struct Held {
    const Endpoint* who;
    NodeIndex node;
    Octets private_key, public_key;
  };
  std::size_t kept = 0, replaced = 0, blanked = 0;
  const auto follow = [&](const std::string& by, const Octets& list) {
    std::vector<Held> before;
    for (const auto& [name, who] : endpoints) {
      if (!who->epoch) continue;
      for (std::uint32_t i = 0; i < 7; ++i) {
        const NodeIndex node(i);
        const PathKeys& keys = who->epoch->member.path_keys();
        if (!keys.holds(node)) continue;
        before.push_back({who.get(), node, octets(keys.copy(node)),
                          model::octets(who->epoch->state.tree().encryption_key(node))});
      }
    }
    commit(by, list);
    for (const Held& held : before) {
      if (!held.who->epoch) continue;
      const Octets now = model::octets(held.who->epoch->state.tree().encryption_key(held.node));
      EXPECT_EQ(keeps(*held.who, held.private_key), now == held.public_key)
          << held.who->name << held.node.value;
      ++(now == held.public_key ? kept : now.empty() ? blanked : replaced);
    }
  };
  follow("b", {});
  follow("a", by_value(remove("c")));
  EXPECT_GT(kept, 0u);
  EXPECT_GT(replaced, 0u);
  EXPECT_GT(blanked, 0u);
  shows("PRIV-12");
}

TEST_F(DeletionTest, WhatAWelcomeSaysInSecretIsGoneOnceTheGroupIsJoined) {
  found({"b", "c"});
  Endpoint& d = at("d");
  ASSERT_EQ(at("a").commit(by_value(add("d"))), Error::none);
  welcome = model::octets(at("a").pending->welcome);
  MlsMessage decoded;
  ASSERT_EQ(decode(welcome, decoded), Error::none);
  KeyPackage own;
  ASSERT_EQ(decode(d.key_package, own), Error::none);
  TestMemory elsewhere;
  GroupSecrets told;
  ASSERT_EQ(open_group_secrets(d.crypto, decoded.welcome, own, d.keys.init_key, elsewhere, told),
            Error::none);
  ASSERT_TRUE(told.path_secret.has_value());
  Secrets gone = {{"joiner_secret", octets(told.joiner_secret)}};
  Octets path_secret = octets(*told.path_secret);
  for (const char* what : {"path_secret", "path_secret above it", "commit_secret"}) {
    gone[what] = path_secret;
    path_secret = model::derive_secret(path_secret, "path");
  }
  ASSERT_EQ(d.join(welcome), Error::none);
  all_kept(d, {{"init_secret", init_secret(d)}});
  none_kept(d, gone);
  shows("PRIV-15");
}

}  // namespace
}  // namespace tacet
