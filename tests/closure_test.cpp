#include "spec/adversary/closure.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cctype>

#include "toy_handshake.h"

namespace tacet::adversary {
namespace {

class ClosureTest : public ::testing::Test {
 protected:
  ClosureTest() {
    for (const unsigned by : {0, 1, 0, 0, 1, 1, 0, 1}) toy.send(by);
  }
  Toy toy;
  Closure& closure = toy.closure;
};

TEST_F(ClosureTest, NothingFollowsFromAnHonestHistory) {
  toy.read();
  EXPECT_EQ(toy.derived(), Set{});
  EXPECT_GT(closure.values(), 100u);
}

// ---- leaks on the wire

TEST_F(ClosureTest, FindsAWholeKeyAtAnOddOffset) {
  toy.wire.push_back(toy.some(13) + toy.steps[3].key + toy.some(7));
  toy.read();
  EXPECT_EQ(toy.derived(), toy.opened_by(3));
}

TEST_F(ClosureTest, FindsSixteenBytesOfAKey) {
  const Octets& key = toy.steps[3].key;
  toy.wire.push_back(toy.some(5) + Octets(key.begin() + 9, key.begin() + 25) + toy.some(5));
  toy.read();
  EXPECT_EQ(toy.derived(), toy.opened_by(3));
}

TEST_F(ClosureTest, FindsAWholeNonce) {
  toy.wire.push_back(toy.some(3) + toy.steps[3].nonce);
  toy.read();
  EXPECT_EQ(toy.derived(), Set{toy.id(toy.steps[3].nonce)});
}

std::string base64(const Octets& bytes, int variant) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  return text.substr(0, text.find('\0'));
}

constexpr int base64_variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE_NO_PADDING};

TEST_F(ClosureTest, FindsAKeyInHexadecimal) {
  for (const std::size_t step : {1, 3}) {
    const std::string lower = model::hex(toy.steps[step].key);
    std::string upper = lower;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    for (const std::string& text : {lower, upper, lower.substr(0, 31) + upper.substr(31)}) {
      for (const char* before : {"", "x", "a", "Key: 0"}) {
        const std::size_t mark = closure.mark();
        closure.read(octets(before + text + "!"));
        EXPECT_EQ(toy.derived(), toy.opened_by(step)) << before << text;
        closure.undo(mark);
      }
    }
  }
}

TEST_F(ClosureTest, FindsAKeyInBase64) {
  for (std::size_t step = 1; step < toy.steps.size(); ++step) {
    for (std::size_t before = 0; before < 4; ++before) {
      for (const int variant : base64_variants) {
        const std::string text = base64(toy.some(before) + toy.steps[step].key + toy.some(2), variant);
        for (std::size_t more = 0; more < 4; ++more) {
          const std::size_t mark = closure.mark();
          closure.read(octets("{\"" + std::string(more, 'k') + text + "\"}"));
          EXPECT_EQ(toy.derived(), toy.opened_by(step)) << text;
          closure.undo(mark);
        }
      }
    }
  }
}

TEST_F(ClosureTest, AnEphemeralPrivateKeyOpensWhatWasSealedWithIt) {
  toy.wire.push_back(toy.steps[0].ephemeral);
  toy.read();
  EXPECT_EQ(toy.derived(), toy.follows_from_root() | Set{toy.id(toy.steps[0].ephemeral)});
}

// Later there is a chain in it too, which is not known: nothing follows but the shared secret.
TEST_F(ClosureTest, AnEphemeralPrivateKeyIsNotEnoughForARatchet) {
  const Octets& ephemeral = toy.steps[2].ephemeral;
  const std::vector<Call>& calls = toy.log.calls();
  const auto drawn = std::find_if(calls.begin(), calls.end(), [&](const Call& call) {
    return call.operation == Operation::random_secret && call.outputs[0].bytes == ephemeral;
  });
  const auto encap =
      std::find_if(drawn, calls.end(), [](const Call& call) { return call.operation == Operation::encap; });
  closure.read(ephemeral);
  EXPECT_EQ(toy.derived(), toy.outputs(drawn - calls.begin(), encap + 1 - calls.begin()));
  EXPECT_EQ(toy.derived().size(), 4u) << "itself, what X25519 makes, eae_prk, the shared secret";
}

TEST_F(ClosureTest, AReceiversKeyOpensWhatWasSealedToIt) {
  closure.read(toy.some(1) + toy.init_key);
  EXPECT_EQ(toy.derived(), toy.follows_from_root() | Set{toy.id(toy.init_key)});
}

// As above, but nothing is known of what the receiver did; and its key pair is told before or afterwards.
TEST(ClosureOfSenderTest, AReceiversKeyOpensWhatWasSealedToIt) {
  const Toy toy;
  const std::vector<Call>& calls = toy.log.calls();
  const auto sends =
      std::find_if(calls.begin(), calls.end(), [](const Call& call) { return call.endpoint == 0; });
  const auto receives = std::find_if(sends, calls.end(), [](const Call& call) { return call.endpoint == 1; });
  const std::vector<Call> key_pair(calls.begin(), sends), sent(sends, receives);
  for (const bool is_late : {false, true}) {
    Closure senders;
    senders.secret(toy.init_key);
    for (const auto* part : {is_late ? &sent : &key_pair, is_late ? &key_pair : &sent}) {
      for (const Call& call : *part) senders.add(call);
    }
    Set expected = {*senders.find(toy.init_key)};
    for (const ValueId value : toy.steps[0].drawn_by_receiver) {
      expected.insert(senders.find(toy.closure.bytes(value)).value());
    }
    EXPECT_EQ(set_of(senders.derived()), Set{});
    senders.grant(*senders.find(toy.init_key));
    EXPECT_EQ(set_of(senders.derived()), expected);
    senders.undo(0);
    expected.erase(*senders.find(toy.init_key));
    const ValueId ephemeral = *senders.find(toy.steps[0].ephemeral);
    senders.grant(ephemeral);
    EXPECT_EQ(set_of(senders.derived()), expected | Set{ephemeral});
  }
}

// Even if nothing is known of what lies inside the operations of a KEM.
TEST_F(ClosureTest, WhatAKeyPairIsDerivedFromGivesItAway) {
  const Octets ikm = toy.some(32), private_key = toy.some(32), public_key = toy.some(32),
               shared = toy.some(32);
  const auto secret = [](const Octets& bytes) { return Value{"", Nature::secret, bytes}; };
  const auto open = [](const Octets& bytes) { return Value{"", Nature::open, bytes}; };
  const Octets scalar = octets_of(toy.parties[0].chain);
  const Set ids = {closure.secret(ikm)};
  closure.add({0,
               Operation::derive_key_pair,
               0,
               Error::none,
               {secret(ikm)},
               {secret(private_key), open(public_key)}});
  closure.add({0, Operation::x25519, 0, Error::none, {secret(scalar), open(public_key)}, {secret(shared)}});
  EXPECT_EQ(toy.derived(), Set{});
  closure.read(ikm);
  EXPECT_EQ(toy.derived(), (ids | Set{toy.id(private_key), toy.id(shared)}));
}

// ---- keys that are none

TEST_F(ClosureTest, AKnownPskMakesAKnownRoot) {
  const std::ptrdiff_t begin = toy.logged();
  const Octets psk = toy.some(32);
  Secret root, key;
  Recorder& crypto = toy.parties[0].crypto;
  ASSERT_EQ(crypto.extract(Bytes(std::array<std::uint8_t, 32>{}), {SecretView(psk.data(), 32)}, root),
            Error::none);
  ASSERT_EQ(crypto.derive_secret(root, "key", key), Error::none);
  toy.read();
  EXPECT_EQ(toy.derived(), toy.outputs_since(begin));
  EXPECT_EQ(toy.derived(), (Set{toy.id(octets_of(root)), toy.id(octets_of(key))}));
}

TEST_F(ClosureTest, ASecretPskMakesNone) {
  const Octets psk = toy.some(32);
  const ValueId secret = closure.secret(psk);
  Secret root;
  ASSERT_EQ(toy.parties[0].crypto.extract(Bytes{}, {bytes_of("psk"), SecretView(psk.data(), 32)}, root),
            Error::none);
  toy.read();
  EXPECT_EQ(toy.derived(), Set{});
  closure.grant(secret);
  EXPECT_EQ(toy.derived(), (Set{secret, toy.id(octets_of(root))}));
}

// All of an extract's secrets are needed, wherever among the pieces they are.
TEST_F(ClosureTest, AnExtractNeedsAllItsSecrets) {
  Recorder& crypto = toy.parties[0].crypto;
  std::array<Secret, 3> parts;
  Set ids;
  for (Secret& part : parts) {
    ASSERT_EQ(crypto.random_secret(32, part), Error::none);
    ids.insert(toy.id(octets_of(part)));
  }
  Secret root;
  ASSERT_EQ(crypto.extract(parts[0], {parts[1], bytes_of("label"), parts[2], parts[1]}, root), Error::none);
  for (const ValueId missing : ids) {
    const std::size_t mark = closure.mark();
    for (const ValueId part : ids) {
      if (part != missing) closure.grant(part);
    }
    EXPECT_FALSE(closure.derives(toy.id(octets_of(root))));
    closure.grant(missing);
    EXPECT_EQ(toy.derived(), (ids | Set{toy.id(octets_of(root))}));
    closure.undo(mark);
  }
}

// The attacker knows what is public to an endpoint, whatever it says.
TEST_F(ClosureTest, WhatIsPublicToACallIsNoPremise) {
  Secret okm;
  const Secret& prk = toy.parties[0].chain;
  ASSERT_EQ(toy.parties[0].crypto.expand(prk, {Bytes(toy.steps[3].key)}, 32, okm), Error::none);
  closure.grant(toy.id(octets_of(prk)));
  EXPECT_TRUE(closure.derives(toy.id(octets_of(okm))));
}

TEST_F(ClosureTest, AKdfOverThePublicTranscriptMakesNoSecret) {
  const std::ptrdiff_t begin = toy.logged();
  Secret root, key;
  ASSERT_EQ(toy.parties[0].crypto.extract(Bytes(toy.wire[0]), {Bytes(toy.wire[1])}, root), Error::none);
  ASSERT_EQ(toy.parties[0].crypto.derive_secret(root, "key", key), Error::none);
  toy.read();
  EXPECT_EQ(toy.derived(), toy.outputs_since(begin));
  EXPECT_EQ(toy.derived().size(), 2u);
}

TEST_F(ClosureTest, ARepeatedNonceGivesBothMessagesAway) {
  Recorder& crypto = toy.parties[0].crypto;
  Secret key, nonce;
  ASSERT_EQ(crypto.random_secret(32, key), Error::none);
  ASSERT_EQ(crypto.random_secret(12, nonce), Error::none);
  const Octets first = toy.some(40), second = toy.some(40);
  const Set texts = {closure.secret(Octets(first.begin() + 3, first.end())),
                     closure.secret(Octets(second.begin() + 3, second.end()))};
  Octets sealed(56);
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_EQ(crypto.seal(key, nonce, {}, first, sealed), Error::none);
    EXPECT_EQ(toy.derived(), Set{});
  }
  ASSERT_EQ(crypto.seal(key, nonce, {}, second, sealed), Error::none);
  toy.read();
  EXPECT_EQ(toy.derived(), (texts | Set{toy.id(first), toy.id(second)}));
}

// ---- what lies in what

// A message that is opened before it is known to be a key is looked for from then on.
TEST_F(ClosureTest, AMessageMayTurnOutToBeAKey) {
  const Octets message = toy.some(32);
  Secret key, nonce, of_message;
  ASSERT_EQ(toy.parties[0].crypto.random_secret(32, key), Error::none);
  ASSERT_EQ(toy.parties[0].crypto.random_secret(12, nonce), Error::none);
  Octets sealed(48);
  ASSERT_EQ(toy.parties[0].crypto.seal(key, nonce, {}, message, sealed), Error::none);
  const ValueId id = toy.id(message);
  EXPECT_TRUE(closure.is_plaintext(id));
  EXPECT_EQ(closure.secrets_in(message), std::vector<ValueId>{});
  ASSERT_EQ(toy.parties[0].crypto.derive_secret(SecretView(message.data(), 32), "x", of_message),
            Error::none);
  EXPECT_EQ(toy.derived(), Set{}) << "what was sealed is not public";
  EXPECT_EQ(closure.secret(message), id);
  EXPECT_FALSE(closure.is_plaintext(id));
  EXPECT_EQ(closure.secrets_in(message), std::vector<ValueId>{id});
  closure.grant(toy.id(octets_of(key)));
  EXPECT_EQ(toy.derived(), (Set{id, toy.id(octets_of(key)), toy.id(octets_of(of_message))}));
}

TEST_F(ClosureTest, ATextGivesAwayTheKeysInIt) {
  const ValueId text = closure.secret(toy.some(9) + toy.steps[5].key + toy.some(9));
  closure.grant(text);
  EXPECT_EQ(toy.derived(), toy.opened_by(5) | Set{text});
}

// ---- seizures

TEST_F(ClosureTest, AStateGivesAwayWhatForwardSecrecyAndHealingAllow) {
  toy.read();
  for (std::size_t step = 0; step < toy.steps.size(); ++step) {
    for (const unsigned party : {0, 1}) {
      for (const ValueId value : toy.steps[step].held[party]) closure.grant(value);
      EXPECT_EQ(toy.derived(), toy.follows_from_state(step, party)) << "step " << step << ", party " << party;
      closure.undo(0);
      EXPECT_EQ(toy.derived(), Set{});
    }
  }
}

TEST_F(ClosureTest, ARootThatWasNotErasedGivesItsMessageAway) {
  const std::size_t step = 2, late = 6;
  const Set expected = toy.follows_from_state(late, 0);
  for (const ValueId value : toy.steps[late].held[0]) closure.grant(value);
  EXPECT_EQ(toy.derived(), expected);
  closure.grant(toy.id(toy.steps[step].root));
  Set of_root = toy.opened_by(step) | Set{toy.id(toy.steps[step].root), toy.id(toy.steps[step].nonce)};
  for (const ValueId value : toy.steps[step].held[0]) {
    if (toy.steps[step].held[1].contains(value)) of_root.insert(value);  // the chain
  }
  ASSERT_TRUE(toy.steps[step + 1].is_fresh);
  EXPECT_EQ(toy.derived(), expected | of_root);
}

TEST_F(ClosureTest, WhatIsAddedOutlivesASeizure) {
  const std::size_t mark = closure.mark();
  const ValueId chain = toy.id(octets_of(toy.parties[0].chain));
  closure.grant(chain);
  Secret of_chain, of_nothing;
  ASSERT_EQ(toy.parties[0].crypto.derive_secret(toy.parties[0].chain, "more", of_chain), Error::none);
  ASSERT_EQ(toy.parties[0].crypto.extract(Bytes{}, {bytes_of("public")}, of_nothing), Error::none);
  const Set known = {toy.id(octets_of(of_nothing))}, more = {chain, toy.id(octets_of(of_chain))};
  EXPECT_EQ(toy.derived(), known | more);
  closure.undo(mark);
  EXPECT_EQ(toy.derived(), known);
  closure.grant(chain);
  EXPECT_EQ(toy.derived(), known | more);
}

// ---- values

TEST_F(ClosureTest, OnlyTheSeedOfASignatureKeyIsLookedFor) {
  Secret private_key;
  std::array<std::uint8_t, 32> public_key{};
  ASSERT_EQ(toy.parties[0].crypto.generate_signature_key_pair(private_key, public_key), Error::none);
  toy.wire.push_back(octets(public_key));
  toy.read();
  EXPECT_EQ(toy.derived(), Set{});
  const Octets whole = octets_of(private_key);
  const ValueId seed = toy.id(Octets(whole.begin(), whole.begin() + 32));
  EXPECT_EQ(closure.secrets_in(whole), std::vector<ValueId>{seed});
  for (const ValueId value : {seed, toy.id(whole)}) {
    closure.grant(value);
    EXPECT_EQ(toy.derived(), (Set{seed, toy.id(whole)}));
    closure.undo(0);
  }
}

TEST_F(ClosureTest, WhatIsPublicIsNoSecret) {
  EXPECT_TRUE(closure.derives(toy.id({})));
  EXPECT_TRUE(closure.derives(toy.id(model::zeros(32))));
  const Octets own = toy.some(40);
  const Octets public_key = octets(toy.parties[0].public_key), known = toy.some(100);
  Digest tag;
  ASSERT_EQ(toy.parties[0].crypto.mac(toy.parties[0].chain, {public_key}, tag), Error::none);
  const Octets text = public_key + own + model::zeros(50) + known + octets(tag.bytes());
  const ValueId secret = closure.secret(text);
  closure.open(known);
  toy.wire.push_back(model::zeros(31) + toy.some(1) + model::zeros(100) + known + octets(tag.bytes()));
  toy.read();
  EXPECT_EQ(toy.derived(), Set{}) << "a text that says what is public";
  EXPECT_EQ(closure.secrets_in(public_key + Octets(own.begin(), own.begin() + 14)), std::vector<ValueId>{});
  EXPECT_EQ(closure.secrets_in(public_key + Octets(own.begin(), own.begin() + 15)),
            std::vector<ValueId>{secret});

  const ValueId key = toy.id(toy.steps[4].key);
  closure.open(toy.steps[4].key);
  EXPECT_EQ(closure.secrets_in(toy.steps[4].key), std::vector<ValueId>{});
  EXPECT_TRUE(closure.derives(key));
  Set expected = toy.opened_by(4);
  expected.erase(key);
  EXPECT_EQ(toy.derived(), expected) << "what was sealed with what is public is not secret";
}

// A private key that is given out as if it were a public one stays a secret.
TEST_F(ClosureTest, AnOutputThatIsASecretStaysOne) {
  const Octets secret = toy.steps[3].root;
  closure.add({0, Operation::mac, 0, Error::none, {}, {{"tag", Nature::open, secret}}});
  EXPECT_EQ(closure.secrets_in(secret), std::vector<ValueId>{toy.id(secret)});
}

TEST_F(ClosureTest, AFailedCallTellsNothing) {
  const std::size_t values = closure.values();
  Secret key;
  Octets room(4);
  ASSERT_EQ(toy.parties[0].crypto.random_secret(32, key), Error::none);
  EXPECT_EQ(closure.values(), values + 1);
  const Secret nonce = std::move(Secret::zeros(12).value());
  ASSERT_EQ(toy.parties[0].crypto.open(key, nonce, {}, toy.some(20), room), Error::not_authentic);
  EXPECT_EQ(closure.values(), values + 1);
}

TEST_F(ClosureTest, KeepsSecretsButNotWhatWasSealed) {
  const ValueId key = toy.id(toy.steps[1].key);
  EXPECT_EQ(octets(closure.bytes(key)), toy.steps[1].key);
  EXPECT_FALSE(closure.is_plaintext(key));
  for (const ValueId value : toy.opened_by(1)) {
    EXPECT_EQ(closure.bytes(value).empty(), closure.is_plaintext(value));
  }
  EXPECT_EQ(closure.find(toy.some(32)), std::nullopt);
}

TEST_F(ClosureTest, TellsHow) {
  const std::string key = std::to_string(toy.id(toy.steps[1].key)),
                    text = std::to_string(toy.id(toy.steps[1].text));
  EXPECT_NE(closure.why(toy.id(toy.steps[1].text)).find("not derived"), std::string::npos);
  closure.read(toy.steps[1].root);
  const std::string why = closure.why(toy.id(toy.steps[1].text));
  EXPECT_EQ(why.find("secret " + text + " (25 bytes, 74657874..): lies in plaintext "), 0u) << why;
  EXPECT_NE(why.find(": opened with secret " + key + " (32 bytes"), std::string::npos) << why;
  EXPECT_NE(why.find("secret " + key), std::string::npos) << why;
  EXPECT_NE(why.find(": expanded from secret " + std::to_string(toy.id(toy.steps[1].root))),
            std::string::npos)
      << why;
  EXPECT_NE(why.find(": the attacker has it\n"), std::string::npos) << why;
}

// ---- the scanner

// Each stretch of a text that repeats itself is in it, wherever it begins and ends to do so.
TEST(ScannerTest, FindsAnyFifteenBytes) {
  SeededRandom random(1);
  for (const std::ptrdiff_t period : {1, 2, 3, 7, 8, 9, 16, 100}) {
    for (const std::ptrdiff_t from : {16, 20, 23}) {
      Octets text(150);
      ASSERT_EQ(random.fill(text), Error::none);
      for (std::ptrdiff_t i = from + period; i < 128; ++i) text.begin()[i] = text.begin()[i - period];
      Scanner scanner;
      scanner.add(text, Scanner::Sought::key, 5);
      for (std::size_t begin = 0; begin + 15 <= text.size(); ++begin) {
        const Bytes part = Bytes(text).subspan(begin, 15);
        EXPECT_EQ(scanner.in(part), std::vector<std::uint32_t>{5}) << period << ", " << from << ", " << begin;
        EXPECT_EQ(scanner.in(Octets{0} + octets(part) + Octets{0}), std::vector<std::uint32_t>{5});
        EXPECT_TRUE(scanner.in(part.first(14)).empty() || period < 16);
      }
    }
  }
}

TEST(ScannerTest, FindsShortStringsWhole) {
  for (std::size_t size = 0; size <= 15; ++size) {
    Octets text(size);
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<std::uint8_t>(0x80 + 7 * i);
    Scanner scanner;
    scanner.add(text, Scanner::Sought::key, 1);
    EXPECT_EQ(scanner.in(Octets{1, 2, 3} + text + Octets{4}).size(), size >= 8 ? 1u : 0u);
    EXPECT_EQ(scanner.in(octets(model::hex(text))).size(), size >= 8 ? 1u : 0u);
    EXPECT_EQ(scanner.in(octets(base64(text, sodium_base64_VARIANT_ORIGINAL))).size(), size >= 8 ? 1u : 0u);
    EXPECT_TRUE(scanner.in(Bytes(text).first(size - (size > 0))).empty());
  }
}

// ---- properties

RC_GTEST_PROP(ClosureProperties, AnyHistoryGivesAwayWhatItsStatesAllowAndNothingElse, ()) {
  Toy toy(*rc::gen::arbitrary<std::uint64_t>());
  for (const bool by : *rc::gen::arbitrary<std::vector<bool>>()) toy.send(by ? 1 : 0);
  toy.read();
  RC_ASSERT(toy.derived() == Set{});
  const auto step = *rc::gen::inRange<std::size_t>(0, toy.steps.size());
  const unsigned party = *rc::gen::element(0, 1);
  for (const ValueId value : toy.steps[step].held[party]) toy.closure.grant(value);
  RC_ASSERT(toy.derived() == toy.follows_from_state(step, party));
}

RC_GTEST_PROP(ClosureProperties, FifteenBytesOfASecretAreFoundAndFewerAreNot, ()) {
  static Toy& toy = *[] {
    auto* const made = new Toy;
    for (unsigned i = 0; i < 6; ++i) made->send(i / 2 % 2);
    return made;
  }();
  const auto& step = toy.steps[*rc::gen::inRange<std::size_t>(1, toy.steps.size())];
  const Octets& secret = *rc::gen::element(step.key, step.root, step.text);
  const auto size =
      *rc::gen::oneOf(rc::gen::just<std::size_t>(7), rc::gen::inRange<std::size_t>(8, secret.size() + 1));
  const auto begin = *rc::gen::inRange<std::size_t>(0, secret.size() - size + 1);
  const Bytes part = Bytes(secret).subspan(begin, size);
  Octets before = toy.some(*rc::gen::inRange<std::size_t>(0, 40)),
         after = toy.some(*rc::gen::inRange<std::size_t>(0, 40));
  // What is beside it is not, by chance, more of the secret.
  if (!before.empty() && begin > 0) before.back() = static_cast<std::uint8_t>(~secret[begin - 1]);
  if (!after.empty() && begin + size < secret.size()) {
    after.front() = static_cast<std::uint8_t>(~secret[begin + size]);
  }
  Octets bytes = before + octets(part) + after;
  switch (*rc::gen::inRange(0, 3)) {
    case 1:
      bytes = octets(model::hex(bytes));
      break;
    case 2:
      bytes = octets(base64(bytes, *rc::gen::elementOf(std::vector<int>(std::begin(base64_variants),
                                                                        std::end(base64_variants)))));
      break;
    default:
      break;
  }
  RC_ASSERT(toy.closure.secrets_in(bytes) ==
            (size >= Scanner::enough ? std::vector<ValueId>{toy.id(secret)} : std::vector<ValueId>{}));
}

}  // namespace
}  // namespace tacet::adversary
