"""The leaks that leaks.py puts into protocol/: each a mistake that somebody could make, in as few lines as it takes."""

from typing import NamedTuple


class Leak(NamedTuple):
    name: str
    does: str
    changes: tuple  # (file of protocol/, text that it has once, what stands there instead)
    breaks: str = ""  # the proof that is meant to find it where nothing can be run


def reads_inside(unit):
    """The change by which a source may read inside a Secret, which tests/layering.py would see."""
    include = f'#include "{unit}.h"'
    return f"{unit}.cpp", include, f'#include "boundary.h"\n{include}'


LEAKS = (
    # ---- said to everybody
    Leak("extension", "a GroupInfo that is published has the epoch's init_secret in an extension.", (
        reads_inside("group"),
        ("group.cpp", "  Message made;\n  TRY(make_group_info(client_, signer, epoch, message_header_size, made));",
         """  Array<Extension> more(client_.memory);
  TRY(more.reserve(epoch.extensions.size() + 1));
  more.append(epoch.extensions);
  const Secret leaked = epoch_->member.keys().copy(EpochKeys::Of::init_secret);
  more.push_back({static_cast<ExtensionType>(0xf00d), SecretAccess::read(leaked)});
  epoch.extensions = {more.data(), more.size()};
  Message made;
  TRY(make_group_info(client_, signer, epoch, message_header_size, made));"""))),
    Leak("authenticated data", "a Commit has its commit_secret as authenticated data.", (
        reads_inside("commit"),
        ("commit.cpp", "fields.authenticated_data = wanted_.authenticated_data;",
         "fields.authenticated_data =\n        has_path_ ? SecretAccess::read(path_secrets_.commit_secret) : "
         "wanted_.authenticated_data;"))),
    Leak("hash of a key", "a Commit has the hash of its commit_secret as authenticated data.", (
        reads_inside("commit"),
        ("commit.cpp", "fields.authenticated_data = wanted_.authenticated_data;",
         "if (has_path_) TRY(client_.crypto.hash({SecretAccess::read(path_secrets_.commit_secret)}, hashed_));\n"
         "    fields.authenticated_data = has_path_ ? Bytes(hashed_) : wanted_.authenticated_data;"),
        ("commit.cpp", "  Digest confirmation_tag_;\n};", "  Digest confirmation_tag_, hashed_;\n};"))),
    Leak("text of an error", "the text of an error that does not exist has the last derived key in hexadecimal.", (
        ("error.cpp", "Description describe(Error error) noexcept {",
         "char last_key[65] = {};\n\nDescription describe(Error error) noexcept {"),
        ("error.cpp", '"no error has this number"', "last_key"),
        ("crypto.cpp", "namespace {\n\nconstexpr SuiteParameters registered[]",
         "extern char last_key[65];\n\nnamespace {\n\nconstexpr SuiteParameters registered[]"),
        ("crypto.cpp", "    TRY(do_expand(prk, info, SecretAccess::write(okm, size)));",
         """    TRY(do_expand(prk, info, SecretAccess::write(okm, size)));
    for (std::size_t i = 0; size == 32 && i < 64; ++i) {
      last_key[i] = "0123456789abcdef"[SecretAccess::read(okm)[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    }"""))),

    # ---- sealed so that others open it
    Leak("one ratchet for both", "handshakes and application data have the same ratchet, and the reuse guard is "
         "constant: two messages have the same key and nonce.", (
             ("secret_tree.cpp", 'return type == RatchetType::handshake ? "handshake" : "application";',
              'return type == RatchetType::handshake ? "application" : "application";'),
             ("framing.cpp", "  TRY(crypto.random(sender_data.reuse_guard));  // [FRAME-36]\n", ""))),
    Leak("constant reuse guard", "the reuse guard is 0. It is a second defence, for which no proof is meant: a key and "
         "a nonce come twice only if a generation does, which the leaks beside this one show to be found.", ((
        "framing.cpp", "  TRY(crypto.random(sender_data.reuse_guard));  // [FRAME-36]\n", ""),)),
    Leak("constant salt", "every save of a group is sealed with the same key and nonce.", ((
        "saved_state.cpp", "return crypto.random(out.salt);", "return Error::none;"),)),
    Leak("generation after a restore",
         "what was reserved is not passed over: a generation is used again after a restore.",
         (("secret_tree.cpp", "while (sent_[index_of(type)] < reserved_[index_of(type)]) {", "while (false) {"),)),
    Leak("constant ephemeral key", "HPKE's ephemeral private key is a constant.", ((
        "sodium.cpp", "  TRY(do_random(SecretAccess::write(ephemeral, x25519_size), true));",
        "  std::memset(SecretAccess::write(ephemeral, x25519_size).data(), 7, x25519_size);"),)),
    Leak("constant external_priv", "the key pair that clients join to from outside is derived from zeros.", ((
        "key_schedule.cpp",
        "  return crypto.derive_key_pair(external_secret, external_priv, external_pub);",
        """  Result<Secret> zeros = Secret::zeros(external_secret.size());
  TRY(zeros.error());
  return crypto.derive_key_pair(zeros.value(), external_priv, external_pub);"""),)),
    Leak("path to new leaves", "path secrets are encrypted to new members' leaf keys too, which they keep.", ((
        "update_path.cpp", "!draft_.is_new(leaf_at(*node))) return node;",
        "!draft_.is_new(leaf_at(*node)) || node) return node;"),)),
    Leak("no commit_secret", "commit_secret is zeros also where there is a path: nobody heals.", ((
        "commit.cpp",
        "    TRY(derive_joiner_secret(client.crypto, init_secret, commit_secret, next.group_context(), "
        "joiner_secret));",
        "    static_cast<void>(commit_secret);\n"
        "    TRY(derive_joiner_secret(client.crypto, init_secret, {}, next.group_context(), joiner_secret));"),)),
    Leak("no PSK", "pre-shared keys are looked up, but not mixed in.", ((
        "key_schedule.cpp", "TRY(crypto.extract(input, {secret_}, secret_));",
        "TRY(crypto.extract(zeros.value(), {secret_}, secret_));"),)),

    # ---- kept too long
    Leak("node of the secret tree", "a secret of the secret tree stays when the sender below it is heard.", ((
        "secret_tree.cpp", "  secrets_.erase(nodes_.find(peeked.ancestor_));\n", ""),)),
    Leak("key of a late message", "the key of a message that comes late stays when it has been read.", ((
        "secret_tree.cpp", "  keys_.replace(entry.key, Secret());\n  nonces_.replace(entry.nonce, Secret());\n", ""),)),
    Leak("init_secret", "init_secret is kept with the epoch that is over.", ((
        "past_epochs.cpp", "  PastEpoch ended(client);\n",
        "  static_cast<void>(secrets_.put(epoch.member.keys().copy(EpochKeys::Of::init_secret)));\n"
        "  PastEpoch ended(client);\n"),)),
    Leak("key of a blank node", "the private key of a node that has become blank is kept.", ((
        "path_keys.cpp", "if (key.empty() || !equal(", "if (!key.empty() && !equal("),)),
    Leak("key of an Update", "the private key of an Update that no Commit took is kept in later epochs.", ((
        "path_keys.cpp", "  own_ = before.own_;\n",
        """  own_ = before.own_;
  for (const Update& each : before.updates_) {
    TRY(updates_.reserve(updates_.size() + 1));
    TRY(keys_.reserve(1));
    updates_.push_back({each.encryption_key, keys_.put(before.keys_.copy(each.slot))});
  }
"""),)),
    Leak("resumption PSK", "a resumption PSK beyond the limit is forgotten, but not erased.", ((
        "resumption.cpp", "    secrets_.erase(kept_[0].slot);\n", ""),)),

    # ---- told by time
    Leak("comparison of tags", "a tag is compared by memcmp, which ends at the first byte that differs.", ((
        "crypto.cpp", "do_differ(right, tag)", "!equal(right, tag)"),)),
    Leak("branch", "a nonce that begins with four zeros is refused.", ((
        "crypto.cpp", "    for (std::size_t i = 0; i < guard.size(); ++i) result[i] ^= guard[i];",
        """    for (std::size_t i = 0; i < guard.size(); ++i) result[i] ^= guard[i];
    if (bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0) return Error::secret_length;"""),)),

    # ---- left in memory
    Leak("stack", "what a MAC leaves on the stack is not cleared.", ((
        "crypto.cpp", "return scrubbed([&]() noexcept { return do_mac(key, input, tag.resize(hash_size())); });",
        "return do_mac(key, input, tag.resize(hash_size()));"),)),
    Leak("registers", "the registers are not cleared after an operation.", ((
        "crypto.cpp", "  wipe(dead, sizeof dead);\n  clear_registers();", "  wipe(dead, sizeof dead);"),
        ("crypto.cpp", "void clear_registers() noexcept {", "[[maybe_unused]] void clear_registers() noexcept {"))),
    Leak("released buffer", "what is sealed is copied to a block of memory that is given back as it is.", ((
        "crypto.cpp", "    return do_seal(key, nonce, aad, {gathered.value().bytes().data(), size}, sealed);",
        """    if (void* const copy = secrets.allocate(size, 1); copy != nullptr) {
      std::memcpy(copy, gathered.value().bytes().data(), size);
      secrets.release(copy, size);
    }
    return do_seal(key, nonce, aad, {gathered.value().bytes().data(), size}, sealed);"""),)),
    Leak("plain memory", "the secrets of the secret tree are kept in memory that is not locked.", ((
        "secret_tree.cpp", "secrets_(plain, secrets, suite.hash_size)", "secrets_(plain, plain, suite.hash_size)"),)),
    Leak("heap", "a secret that is drawn is copied to the heap, and forgotten there.", (
        ("crypto.cpp", '#include "boundary.h"', '#include <cstdlib>\n\n#include "boundary.h"'),
        ("crypto.cpp", "    TRY(do_random(SecretAccess::write(drawn, size), true));",
         """    TRY(do_random(SecretAccess::write(drawn, size), true));
    if (void* const copy = std::malloc(size); copy != nullptr) {
      std::memcpy(copy, SecretAccess::read(drawn).data(), size);
    }"""))),

    # ---- past the barrier
    Leak("reveal", "a proposal has the membership key as authenticated data, read by the function that only tests "
         "have.", ((
        "group.cpp", "  const FramedContent fields = content_of(ContentType::proposal, authenticated_data);",
        "  const Secret leaked = epoch_->member.keys().copy(EpochKeys::Of::membership_key);\n"
        "  const FramedContent fields =\n      content_of(ContentType::proposal, "
        "authenticated_data.empty() ? reveal(leaked) : authenticated_data);"),)),
    Leak("encoded secret", "a path secret is written into an UpdatePath in the place of a public key.", ((
        "update_path.cpp", "TRY(writer.opaque(draft.encryption_key(path.steps[i].node)));",
        "TRY(writer.opaque(secrets.path_secrets[i]));"),), "compiler"),
    Leak("readable secret", "a Secret converts to bytes.", ((
        "bytes.h", "  bool empty() const noexcept { return size_ == 0; }\n  void clear() noexcept {",
        "  bool empty() const noexcept { return size_ == 0; }\n"
        "  operator Bytes() const noexcept { return {bytes_, size_}; }\n"
        "  void clear() noexcept {"),), "compiler"),
    Leak("printable secret", "a Secret can be written to a stream.", ((
        "bytes.h", "// A secret that somebody else keeps, of any length.",
        "template <class Stream>\nStream& operator<<(Stream& stream, const Secret& secret) noexcept;\n\n"
        "// A secret that somebody else keeps, of any length."),), "must_not_compile"),
)

# Leaks that no proof finds so far, and why; one that is found is stale here.
MISSED = {}
