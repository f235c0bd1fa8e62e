// The closure of a long history, whose calls are made up: their shape is that of a group's, the bytes are
// not.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <ctime>
#include <random>
#include <string>

#include "model.h"
#include "spec/adversary/closure.h"

namespace tacet::adversary {
namespace {

using model::Octets;
using model::operator+;

// Epochs: a root goes on through a secret that HPKE brings to some members; from each root follow the
// ratchets of its senders, which send a few messages.
class History {
 public:
  explicit History(Closure& to) : closure(to) {}

  void epoch() {
    const Octets path_secret = drawn();
    for (int i = 0; i < 8; ++i) seal_by_hpke(path_secret);
    root = expand(extract(root, path_secret));
    for (const char* label : {"sender data", "confirm", "membership", "exporter", "resumption"})
      expand(root, label);
    for (int sender = 0; sender < 10; ++sender) {
      Octets ratchet = expand(root);
      for (int i = 0; i < 10; ++i) send(ratchet);
    }
  }

  // What the provider sees: mostly what looks like random bytes.
  void read() {
    for (std::size_t i = 0; i < messages; ++i) closure.read(some(200));
  }

  Closure& closure;
  std::size_t calls = 0, messages = 0;
  Octets root, last_key, last_text;

 private:
  Octets some(std::size_t size) {
    Octets out((size + 7) / 8 * 8);
    for (std::size_t i = 0; i < out.size(); i += 8) {
      const std::uint64_t word = random_();
      std::memcpy(&out[i], &word, 8);
    }
    out.resize(size);
    return out;
  }

  static Value open(Octets bytes) { return {"", Nature::open, std::move(bytes)}; }
  static Value secret(Octets bytes) { return {"", Nature::secret, std::move(bytes)}; }

  void add(Operation operation, std::vector<Value> inputs, std::vector<Value> outputs) {
    closure.add({0, operation, 0, Error::none, std::move(inputs), std::move(outputs)});
    ++calls;
  }
  Octets drawn() {
    Octets out = some(32);
    add(Operation::random_secret, {}, {secret(out)});
    return out;
  }
  Octets extract(const Octets& salt, const Octets& ikm) {
    Octets prk = some(32);
    add(Operation::extract, {secret(salt), open({1, 2, 3}), secret(ikm)}, {secret(prk)});
    return prk;
  }
  Octets expand(const Octets& prk, const std::string& info = "", std::size_t size = 32) {
    Octets okm = some(size);
    add(Operation::expand, {secret(prk), open(model::octets(info))}, {secret(okm)});
    return okm;
  }

  void seal(const Octets& key, const Octets& nonce, const Octets& plaintext) {
    const Octets ciphertext = some(plaintext.size() + 16), aad = some(50);
    add(Operation::seal, {secret(key), secret(nonce), open(aad), secret(plaintext)}, {open(ciphertext)});
    add(Operation::open, {secret(key), secret(nonce), open(aad), open(ciphertext)}, {secret(plaintext)});
    ++messages;
  }
  void seal_by_hpke(const Octets& plaintext) {
    const Octets private_key = drawn(), public_key = some(32), ephemeral = drawn(), kem_output = some(32);
    const Octets shared = some(32);
    add(Operation::x25519_base, {secret(private_key)}, {open(public_key)});
    add(Operation::x25519, {secret(ephemeral), open(public_key)}, {secret(shared)});
    add(Operation::x25519_base, {secret(ephemeral)}, {open(kem_output)});
    const Octets prk = extract({}, shared);
    seal(expand(prk), expand(prk, "base_nonce", 12), plaintext);
    add(Operation::x25519, {secret(private_key), open(kem_output)}, {secret(shared)});
  }
  void send(Octets& ratchet) {
    last_key = expand(ratchet, "key");
    last_text = some(100);
    closure.secret(last_text);
    seal(last_key, expand(ratchet, "nonce", 12), some(10) + last_text);
    ratchet = expand(ratchet, "secret");
  }

  std::mt19937_64 random_{7};
};

std::size_t peak_of_memory() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<std::size_t>(usage.ru_maxrss) << 10;
}

TEST(ClosureScaleTest, AMillionCallsTakeLessThanAGibibyte) {
  Closure closure;
  History history(closure);
  history.root = Octets(32, 1);
  closure.secret(history.root);
  const ValueId first = *closure.find(history.root);
  // Of this process alone, whatever else the machine does.
  const auto seconds = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  const double begin = seconds();
  while (history.calls < 1'000'000) history.epoch();
  const double added = seconds();
  history.read();
  const double read = seconds();
  EXPECT_TRUE(closure.derived().empty());

  closure.read(history.last_key);
  EXPECT_EQ(closure.derived().size(), 3u) << "the key, the message and its text";
  EXPECT_TRUE(closure.derives(*closure.find(history.last_text)));
  closure.undo(0);
  EXPECT_TRUE(closure.derived().empty());

  closure.grant(first);
  EXPECT_EQ(closure.derived().size(), 1u);
  for (ValueId id = 0; id < closure.values(); ++id) closure.grant(id);
  const double granted = seconds();
  closure.undo(0);
  EXPECT_TRUE(closure.derived().empty());
  std::printf(
      "%zu calls, %zu values, %zu messages: added in %.2f s, read in %.2f s, all granted in %.2f s, "
      "forgotten in %.2f s; at most %zu MiB\n",
      history.calls, closure.values(), history.messages, added - begin, read - added, granted - read,
      seconds() - granted, peak_of_memory() >> 20);
  EXPECT_LT(peak_of_memory(), std::size_t{1} << 30);
}

}  // namespace
}  // namespace tacet::adversary
