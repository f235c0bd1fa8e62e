// What an operation leaves on the stack and in the registers: it runs twice on a stack of its own, with only
// the secret differing, and no byte of that stack or of a register may differ afterwards, in whatever form a
// key would lie there. The checkpoint is on another stack, so that it overwrites nothing. The controls call
// libsodium without the boundary and must be found.

#include <gtest/gtest.h>
#include <sodium.h>
#include <ucontext.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "evidence.h"
#include "memories.h"
#include "noise.h"
#include "protocol/tacet.h"
#include "registers.h"
#include "spec/adversary/seeded_random.h"

namespace tacet {
namespace {

constexpr std::size_t stack_size = 256 * 1024;
alignas(4096) std::uint8_t stack[stack_size];
ucontext_t here, there;
const std::function<void()>* target;
Registers registers;

void trampoline() { run_and_save(*target, registers); }

// The stack and the registers after `run`, from a known beginning.
struct Left {
  std::vector<std::uint8_t> stack;
  Registers registers;
};

Left left_after(const std::function<void()>& run) {
  std::memset(stack, 0xa5, stack_size);
  registers = {};
  target = &run;
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = stack_size;
  there.uc_link = &here;
  makecontext(&there, trampoline, 0);
  swapcontext(&here, &there);
  return {{stack, stack + stack_size}, registers};
}

// A group of one member, with what is sent into it. What is public and comes to lie on the stack is the same
// in both runs: signatures, reuse guards, ephemeral keys.
struct Group {
  adversary::SeededRandom random{7};
  Sodium crypto{random};
  WholeCredential identity;
  RatchetTree tree;
  Secret signing_key, init_key;
  Limits limits;
  GroupContext context;
  FramedContent content;
  std::uint8_t leaf[256], key_package[512], group_context[64], made[1024], room[1024], group_info[512],
      welcome[1024], signature_key[32], init_public_key[32];
  Bytes own_key_package, info;
  AuthenticatedContent taken;

  explicit Group(Memory& memory) : tree(memory, identity) {
    EXPECT_EQ(crypto.generate_signature_key_pair(signing_key, signature_key), Error::none);
    EXPECT_EQ(crypto.generate_key_pair(init_key, init_public_key), Error::none);
    model::Octets member = noise_leaf(random);
    constexpr std::size_t signature_key_offset = 33 + 1;
    std::memcpy(member.data() + signature_key_offset, signature_key, sizeof signature_key);
    EXPECT_EQ(tree.start(crypto, keep(member, leaf)), Error::none);
    using model::number, model::vector, model::operator+;
    own_key_package = keep(number(1, 2) + number(3, 2) + vector(model::octets(init_public_key)) + member +
                               vector("") + vector(noise(random, 64)),
                           key_package);
    context.cipher_suite = crypto.suite().suite;
    EXPECT_TRUE(encode(context, group_context).ok());
    content.application_data = bytes_of("some text");
    KeySigner signer(crypto, signing_key);
    info = create_group_info(crypto, signer, {context, {}, {}, {0}, false}, group_info).value();
  }
  static Bytes keep(const model::Octets& octets, MutableBytes in) {
    std::memcpy(in.data(), octets.data(), octets.size());
    return in.first(octets.size());
  }
  Bytes encoded_context() const { return Bytes(group_context).first(encoded_size(context).value()); }
  MessageEpoch epoch(SecretView secret) const {
    return {context, encoded_context(), tree, secret, secret, {}, limits};
  }
};

// All that an operation takes and gives, off the stack and the same in both runs but for the secret.
struct World {
  adversary::SeededRandom random;  // what is drawn differs with the secret: ephemeral keys are secrets too
  Sodium crypto{random};
  OwnRegion memory;
  std::uint8_t secret_bytes[64] = {};
  SecretView secret{secret_bytes, 32}, nonce{secret_bytes + 32, 12};
  Secret out, signing_key;
  SecretBuffer opened;
  std::uint8_t public_key[32], receiver_key[32], kem_output[32], buffer[64], sealed[80],
      signature[Crypto::max_signature_size];
  Digest digest;
  EpochSecrets secrets;
  Group group{memory};
  GroupSecrets group_secrets;
  GroupInfo group_info;
  MlsMessage message;

  explicit World(std::uint8_t secret_byte) : random(secret_byte) {
    for (std::size_t i = 0; i < sizeof secret_bytes; ++i) {
      secret_bytes[i] = static_cast<std::uint8_t>(secret_byte + 37 * i);
    }
    crypto_scalarmult_base(public_key, secret_bytes);
    crypto_scalarmult_base(kem_output, secret_bytes + 32);
    const std::uint8_t receiver[32] = {9, 9, 9};
    crypto_scalarmult_base(receiver_key, receiver);
    EXPECT_EQ(crypto.import_signature_key(secret, signing_key, buffer), Error::none);
    EXPECT_EQ(crypto.seal(secret, nonce, {}, Bytes(buffer, 32), sealed), Error::none);
  }
};

using Operation = std::function<void(World&)>;

struct Case {
  const char* name;
  Operation operation;
  Operation before = [](World&) {};  // what it needs, not looked at
};

// How many bytes depend on the secret.
struct Residue {
  std::size_t on_stack = 0, in_registers = 0;
};

// Bytes that differ between two runs with one secret are noise.
std::size_t differing(Bytes one, Bytes again, Bytes other) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < one.size(); ++i) count += one[i] == again[i] && one[i] != other[i];
  return count;
}

// All runs are made by one call in a loop, on memory at fixed addresses, so that pointers to it do not
// differ.
Residue residue(const Case& tried) {
  alignas(World) static std::uint8_t place[sizeof(World)];
  std::array<Left, 3> left;
  for (std::size_t i = 0; i < left.size(); ++i) {
    auto* world = ::new (place) World(i < 2 ? 1 : 2);
    tried.before(*world);
    left[i] = left_after([&tried, world] { tried.operation(*world); });
    world->~World();
  }
  return {differing(left[0].stack, left[1].stack, left[2].stack),
          differing(left[0].registers.bytes(), left[1].registers.bytes(), left[2].registers.bytes())};
}

void must(Error error) {
  if (error != Error::none) std::abort();
}

// ---- messages

SecretTree secret_tree(World& w) {
  SecretTree tree(w.crypto.suite(), w.memory, w.memory, w.group.limits);
  must(tree.start(std::move(Secret::copy_of(Bytes(w.secret_bytes, 32)).value()), w.group.tree.size()));
  return tree;
}

void seal_message(World& w) {
  Group& g = w.group;
  KeySigner signer(g.crypto, g.signing_key);
  SecretTree tree = secret_tree(w);
  MessageKey key;
  must(tree.next(g.crypto, {0}, RatchetType::application, key));
  AuthenticatedContent content;
  must(sign_content(signer, WireFormat::private_message, g.content, g.encoded_context(), g.limits, {}, g.made,
                    content));
  const Result<Bytes> sealed = seal(g.crypto, content, key, w.secret, {}, g.limits, g.made);
  must(sealed.error());
  must(decode(sealed.value(), w.message));
}

void open_message(World& w) {
  Group& g = w.group;
  SecretTree tree = secret_tree(w);
  PeekedKey key;
  must(open(g.crypto, g.epoch(w.secret), tree, w.message.private_message, g.room, key, g.taken));
  tree.adopt(key);
}

void seal_welcome(World& w, SecretView joiner_secret, SecretView welcome_secret) {
  Group& g = w.group;
  Digest reference;
  KeyPackage own;
  must(decode(g.own_key_package, own));
  must(key_package_ref(g.crypto, own, reference));
  const Joiner joiner = {reference, g.init_public_key, joiner_secret};
  const Result<Bytes> sealed =
      seal_welcome(g.crypto, joiner_secret, welcome_secret, {}, {&joiner, 1}, g.info, w.memory, g.welcome);
  must(sealed.error());
  must(decode(sealed.value(), w.message.welcome));
}

void open_group_secrets(World& w) {
  Group& g = w.group;
  KeyPackage own;
  must(decode(g.own_key_package, own));
  must(open_group_secrets(g.crypto, w.message.welcome, own, g.init_key, w.memory, w.group_secrets));
}

constexpr std::uint8_t same_secret[32] = {};
constexpr SecretView same{same_secret, sizeof same_secret};

// ---- what is run

const Case operations[] = {
    {"mac", [](World& w) { must(w.crypto.mac(w.secret, {bytes_of("input")}, w.digest)); }},
    {"check_mac",
     [](World& w) {
       static_cast<void>(w.crypto.check_mac(w.secret, {bytes_of("input")}, Bytes(w.buffer, 32)));
     }},
    {"extract",
     [](World& w) {
       must(w.crypto.extract(bytes_of("salt"), {w.secret, w.secret}, w.out));
     }},
    {"expand_with_label",
     [](World& w) { must(w.crypto.expand_with_label(w.secret, "label", {}, 80, w.out)); }},
    {"derive_tree_secret",
     [](World& w) { must(w.crypto.derive_tree_secret(w.secret, "key", 7, 32, w.out)); }},
    {"expand_for_application",
     [](World& w) { must(w.crypto.expand_for_application(w.secret, "x", {}, w.buffer)); }},
    {"seal",
     [](World& w) { must(w.crypto.seal(w.secret, w.nonce, {}, Bytes(w.secret_bytes, 32), w.sealed)); }},
    {"seal_pieces",
     [](World& w) {
       must(w.crypto.seal_pieces(w.secret, w.nonce, {}, {w.secret, w.nonce}, w.memory, w.sealed));
     }},
    {"open", [](World& w) { must(w.crypto.open(w.secret, w.nonce, {}, Bytes(w.sealed, 48), w.buffer)); }},
    {"open_secret",
     [](World& w) { must(w.crypto.open_secret(w.secret, w.nonce, {}, Bytes(w.sealed, 48), w.out)); }},
    {"open_pieces",
     [](World& w) {
       must(w.crypto.open_pieces(w.secret, w.nonce, {}, Bytes(w.sealed, 48), w.memory, w.opened));
     }},
    {"random_secret", [](World& w) { must(w.crypto.random_secret(32, w.out)); }},
    {"encap", [](World& w) { must(w.crypto.encap(w.receiver_key, w.buffer, w.out)); }},
    {"generate_signature_key_pair",
     [](World& w) { must(w.crypto.generate_signature_key_pair(w.out, w.buffer)); }},
    {"guard_nonce",
     [](World& w) {
       must(w.crypto.guard_nonce(w.nonce, {1, 2, 3, 4}, w.out));
     }},
    {"derive_key_pair", [](World& w) { must(w.crypto.derive_key_pair(w.secret, w.out, w.buffer)); }},
    {"kem_public_key", [](World& w) { must(w.crypto.kem_public_key(w.secret, w.buffer)); }},
    {"decap", [](World& w) { must(w.crypto.decap(w.kem_output, w.secret, w.public_key, w.out)); }},
    {"import_signature_key",
     [](World& w) { must(w.crypto.import_signature_key(w.secret, w.out, w.buffer)); }},
    {"sign", [](World& w) { must(w.crypto.sign(w.signing_key, bytes_of("message"), w.signature).error()); }},
    {"HPKE seal",
     [](World& w) {
       must(encrypt_with_label(w.crypto, w.receiver_key, "Welcome", {}, {w.secret, w.nonce}, w.memory,
                               w.buffer, w.sealed));
     }},
    {"HPKE export",
     [](World& w) {
       must(process_external_init(w.crypto, {w.secret, w.public_key}, w.kem_output, w.out));
     }},
    {"psk_secret",
     [](World& w) {
       PskSecret psk_secret;
       must(PskSecret::start(w.crypto, 1, psk_secret));
       must(psk_secret.add(w.crypto, {}, w.secret));
       must(psk_secret.finish(w.out));
     }},
    {"epoch secrets",
     [](World& w) {
       must(derive_joiner_secret(w.crypto, w.secret, {}, {}, w.out));
       must(derive_epoch_secrets(w.crypto, w.out, {}, {}, w.secrets));
     }},
    {"secret tree",
     [](World& w) {
       SecretTree tree(w.crypto.suite(), w.memory, w.memory, {});
       must(tree.start(std::move(Secret::copy_of(Bytes(w.secret_bytes, 32)).value()),
                       TreeSize::for_leaves(8)));
       PeekedKey peeked;
       must(tree.peek(w.crypto, LeafIndex{5}, RatchetType::application, 3, peeked));
       tree.adopt(peeked);
     }},
    {"seal a message", seal_message},
    {"open a message", open_message, seal_message},
    {"seal_welcome", [](World& w) { seal_welcome(w, w.secret, same); }},
    {"open_group_secrets", open_group_secrets, [](World& w) { seal_welcome(w, w.secret, same); }},
    {"open_group_info",
     [](World& w) {
       must(open_group_info(w.crypto, w.message.welcome, w.secret, w.group.room, w.group_info));
     },
     [](World& w) { seal_welcome(w, same, w.secret); }},
};

const Case controls[] = {
    {"X25519",
     [](World& w) {
       must(crypto_scalarmult(w.buffer, w.secret_bytes, w.receiver_key) == 0 ? Error::none
                                                                             : Error::kem_low_order);
     }},
    {"Ed25519 sign",
     [](World& w) {
       static std::uint8_t public_key[32], private_key[64];
       crypto_sign_seed_keypair(public_key, private_key, w.secret_bytes);
       crypto_sign_detached(w.buffer, nullptr, w.buffer, 10, private_key);
     }},
    {"ChaCha20-Poly1305",
     [](World& w) {
       crypto_aead_chacha20poly1305_ietf_encrypt(w.sealed, nullptr, w.buffer, 32, nullptr, 0, nullptr,
                                                 w.secret_bytes + 32, w.secret_bytes);
     }},
    {"a key left in a local variable",
     [](World& w) {
       std::uint8_t key[32];
       std::memcpy(key, w.secret_bytes, sizeof key);
       __asm__ __volatile__("" : : "r"(key) : "memory");
     }},
};

#if defined(__x86_64__)
// A key in a register that a call may change.
const Case register_controls[] = {
    {"xmm1", [](World& w) { __asm__ __volatile__("movdqu (%0), %%xmm1"
                                                 :
                                                 : "r"(w.secret_bytes)
                                                 : "xmm1"); }},
    {"xmm15",
     [](World& w) {
       __asm__ __volatile__("movdqu (%0), %%xmm15" : : "r"(w.secret_bytes) : "xmm15");
     }},
    {"r11", [](World& w) { __asm__ __volatile__("mov (%0), %%r11"
                                                :
                                                : "r"(w.secret_bytes)
                                                : "r11"); }},
    {"mm3", [](World& w) { __asm__ __volatile__("movq (%0), %%mm3; emms"
                                                :
                                                : "r"(w.secret_bytes)); }},
};
#endif

TEST(Residue, OperationsLeaveNothing) {
  for (const Case& operation : operations) {
    const Residue found = residue(operation);
    EXPECT_EQ(found.on_stack, 0u) << operation.name;
    EXPECT_EQ(found.in_registers, 0u) << operation.name;
  }
}

TEST(Residue, ControlsAreFound) {
  for (const Case& control : controls) EXPECT_GE(residue(control).on_stack, 8u) << control.name;
#if defined(__x86_64__)
  for (const Case& control : register_controls) EXPECT_GE(residue(control).in_registers, 8u) << control.name;
#endif
}

}  // namespace
}  // namespace tacet
