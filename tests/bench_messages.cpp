// Rows for messages, and for the Welcome and the GroupInfo of joiners: n members, d the depth of their tree.

#include <algorithm>
#include <map>

#include "bench_floors.h"
#include "bench_full_tree.h"
#include "bench_table.h"
#include "protocol/adapters/heap_memory.h"
#include "protocol/framing.h"
#include "protocol/sodium.h"
#include "secrets.h"

namespace tacet::bench {

using model::number, model::vector, model::operator+;

namespace {

// ---- one epoch

const Bytes group_id = bytes_of("a group's id of 32 bytes, random");
const Limits limits;
const WholeCredential identity{};
constexpr Padding no_padding{0, false};
constexpr LeafIndex sender{0};

Crypto& plain_crypto() {
  static SodiumRandom random;
  static Sodium crypto(random);
  return crypto;
}

template <class T>
T decoded(Bytes encoding) {
  T value;
  must(decode(encoding, value));
  return value;
}

template <class T>
Octets encoded(const T& value) {
  Octets out(encoded_size(value).value());
  must(encode(value, out).error());
  return out;
}

// A group of n members, all keys of an epoch, and what its context is encoded as.
struct Group {
  FullTree full;
  HeapMemory memory;
  RatchetTree tree{memory, identity};
  Octets membership_key = random_octets(32), sender_data_secret = random_octets(32),
         encryption_secret = random_octets(32), hash = random_octets(32);
  GroupContext context;
  Octets group_context;

  explicit Group(std::uint32_t n) : full(make_full_tree({.members = n})) {
    must(tree.import(plain_crypto(), decoded<Nodes>(full.encoding), limits));
    context.cipher_suite = plain_crypto().suite().suite;
    context.group_id = group_id;
    context.tree_hash = tree.tree_hash();
    context.confirmed_transcript_hash = hash;
    group_context = encoded(context);
  }
  SecretTree secret_tree() {
    SecretTree made(plain_crypto().suite(), memory, memory, limits);
    must(made.start(secret_of(encryption_secret), tree.size()));
    return made;
  }
  MessageEpoch epoch() const {
    return {context, group_context, tree, view(membership_key), view(sender_data_secret), {}, limits};
  }
  SecretView signing_key() const { return {full.members[sender.value].private_key.data(), 64}; }
};

Group& group(std::uint32_t n) {
  static std::map<std::uint32_t, Group> groups;
  return groups.try_emplace(n, n).first->second;
}

constexpr std::uint32_t message_members = 5000;
Group& message_group() { return group(message_members); }

// A KeyPackage with noise for a signature.
Octets key_package(Bytes init_key) {
  Signed member = new_member();
  return number(1, 2) + number(3, 2) + vector(model::octets(init_key)) +
         make_leaf(member, {0}, LeafNodeSource::key_package, random_octets(32), {}, std::nullopt) +
         vector("") + vector(random_octets(64));
}

// ---- floors

constexpr std::size_t signature_size = 64, tag_size = 16, mac_size = 32;

// The calls over what is signed and what is sealed, which lies ready.
struct LargeCalls {
  Octets to_be_signed, aad, plaintext, sealed, opened;
  std::uint8_t public_key[crypto_sign_PUBLICKEYBYTES], private_key[crypto_sign_SECRETKEYBYTES],
      signature[crypto_sign_BYTES];

  // `signed_size` is that of the content of SignContent (RFC 9420, 5.1.2).
  LargeCalls(const char* label, std::size_t signed_size, std::size_t aad_size, std::size_t plaintext_size)
      : to_be_signed(vector(std::string("MLS 1.0 ") + label) + vector(Octets(signed_size))),
        aad(aad_size),
        plaintext(plaintext_size),
        sealed(plaintext_size + tag_size),
        opened(plaintext_size) {
    crypto_sign_keypair(public_key, private_key);
    sign();
    seal();
  }
  void sign() {
    crypto_sign_detached(signature, nullptr, to_be_signed.data(), to_be_signed.size(), private_key);
  }
  void verify() const {
    must(crypto_sign_verify_detached(signature, to_be_signed.data(), to_be_signed.size(), public_key) == 0,
         "a signature of the floor does not verify");
  }
  void seal() { raw::seal(aad, plaintext, sealed.data()); }
  void open() { raw::open(aad, sealed, opened.data()); }
};

void ratchet_step_floor() {
  raw::expand_with_label(5, 4);  // nonce
  raw::expand_with_label(3, 4);  // key
  raw::expand_with_label(6, 4);  // secret
}

// From the root of the secret tree down to a leaf, and its two ratchets (RFC 9420, 9).
void first_message_floor(unsigned depth) {
  for (unsigned i = 0; i < depth; ++i) {
    raw::expand_with_label(4, 4);  // left
    raw::expand_with_label(4, 5);  // right
  }
  raw::expand_with_label(9, 0);   // handshake
  raw::expand_with_label(11, 0);  // application
}

// ---- application messages

// A sender and a receiver of messages of one size.
struct Conversation {
  Group& g = message_group();
  Octets text, encoding, sending_room, receiving_room, sent;
  FramedContent content;
  SecretTree sending = g.secret_tree();  // of seal() alone, which spends as many keys as it is called
  SecretTree partner = g.secret_tree(), receiving = g.secret_tree();
  LargeCalls floor;

  explicit Conversation(std::size_t size)
      : text(random_octets(size)),
        encoding(fields() + vector(text)),
        content(decoded<FramedContent>(encoding)),
        floor("FramedContentTBS", 4 + encoding.size() + g.group_context.size(), 33 + 8 + 1 + 1,
              vector(text).size() + vector(Octets(signature_size)).size()) {
    sending_room.resize(message_room(content, g.group_context, no_padding).value());
    seal(plain_crypto());
    prepare();
    receiving_room.resize(open_room(decoded<MlsMessage>(sent).private_message, g.epoch()));
    open(plain_crypto());
  }
  // FramedContent but for its content.
  static Octets fields() {
    return vector(model::octets(group_id)) + number(0, 8) + number(1, 1) + number(sender.value, 4) +
           vector("") + number(1, 1);
  }

  Bytes seal(Crypto& crypto) { return seal(crypto, sending); }
  Bytes seal(Crypto& crypto, SecretTree& from) {
    KeySigner signer(crypto, g.signing_key());
    MessageKey key;
    must(from.next(crypto, sender, RatchetType::application, key));
    AuthenticatedContent made;
    must(sign_content(signer, WireFormat::private_message, content, g.group_context, limits, {}, sending_room,
                      made));
    const Result<Bytes> sealed =
        tacet::seal(crypto, made, key, view(g.sender_data_secret), no_padding, limits, sending_room);
    must(sealed.error());
    return sealed.value();
  }
  void open(Crypto& crypto) {
    MlsMessage message;
    must(decode(sent, message));
    PeekedKey key;
    AuthenticatedContent opened;
    must(tacet::open(crypto, g.epoch(), receiving, message.private_message, receiving_room, key, opened));
    receiving.adopt(key);
  }
  // The next message, for open().
  void prepare() { sent = model::octets(seal(plain_crypto(), partner)); }
  // Nobody has been heard.
  void forget_seals() { sending = g.secret_tree(); }
  // The next message is the first.
  void prepare_first() {
    partner = g.secret_tree();
    receiving = g.secret_tree();
    prepare();
  }

  void seal_floor() {
    ratchet_step_floor();
    floor.sign();
    floor.seal();
    sender_data_key_floor();
    raw::seal(Bytes(raw::input, 33 + 8 + 1), Bytes(raw::input, 12), raw::output);
  }
  void open_floor() {
    sender_data_key_floor();
    raw::open();  // 20 bytes more than there are in sender data
    ratchet_step_floor();
    floor.open();
    floor.verify();
  }
  static void sender_data_key_floor() {
    raw::expand_with_label(3, 32);  // key
    raw::expand_with_label(5, 32);  // nonce
  }
};

Conversation& conversation(std::size_t size) {
  static std::map<std::size_t, Conversation> all;
  return all.try_emplace(size, size).first->second;
}

// One whose messages are always the first.
Conversation& first_contact() {
  static Conversation the_first(64);
  return the_first;
}

// Held to 1.3 where the calls for a key count, and to 1.15 where nearly all the time goes into passes over
// the text.
struct Size {
  const char* name;
  std::size_t bytes;
  double limit;
};
constexpr Size sizes[] = {
    {"64 B", 64, 1.3}, {"1 KiB", 1 << 10, 1.3}, {"64 KiB", 1 << 16, 1.15}, {"1 MiB", 1 << 20, 1.15}};

// A step of a ratchet takes 3 HMACs, the key of the sender data 2.
constexpr Calls seal_calls = {.sign = 1, .hmac = 3 + 2, .aead = 2};
constexpr Calls open_calls = {.verify = 1, .hmac = 3 + 2, .aead = 2};
constexpr unsigned seal_scrubs = 5 + 2 + 1 + 1, open_scrubs = 5 + 2 + 1;

void add_message_rows(const Size& size, std::vector<Row>& rows) {
  const auto of = [bytes = size.bytes]() -> Conversation& { return conversation(bytes); };
  rows.push_back({.name = std::string("seal ") + size.name,
                  .operation = [=](Crypto& crypto) { of().seal(crypto); },
                  .floor = [=] { of().seal_floor(); },
                  .limit = size.limit,
                  .scrubs = seal_scrubs,
                  .mandatory = seal_calls,
                  .set_up = [=] { of(); }});
  rows.push_back({.name = std::string("open ") + size.name,
                  .operation = [=](Crypto& crypto) { of().open(crypto); },
                  .floor = [=] { of().open_floor(); },
                  .limit = size.limit,
                  .scrubs = open_scrubs,
                  .mandatory = open_calls,
                  .set_up = [=] { of(); },
                  .prepare = [=] { of().prepare(); }});
}

void add_first_message_rows(std::vector<Row>& rows) {
  constexpr unsigned d = TreeSize::for_leaves(message_members).depth();
  constexpr unsigned more = 2 * d + 2;
  Calls seal = seal_calls, open = open_calls;
  seal.hmac += more;
  open.hmac += more;
  rows.push_back({.name = "seal 64 B, first message, n = 5,000",
                  .operation = [](Crypto& crypto) { first_contact().seal(crypto); },
                  .floor = [] { first_message_floor(d), first_contact().seal_floor(); },
                  .limit = 1.3,
                  .scrubs = seal_scrubs + more,
                  .mandatory = seal,
                  .set_up = [] { first_contact(); },
                  .prepare = [] { first_contact().forget_seals(); }});
  rows.push_back({.name = "open 64 B, first message, n = 5,000",
                  .operation = [](Crypto& crypto) { first_contact().open(crypto); },
                  .floor = [] { first_message_floor(d), first_contact().open_floor(); },
                  .limit = 1.3,
                  .scrubs = open_scrubs + more,
                  .mandatory = open,
                  .set_up = [] { first_contact(); },
                  .prepare = [] { first_contact().prepare_first(); }});
}

// ---- an Add in a PublicMessage

struct PublicAdd {
  Group& g = message_group();
  Octets encoding, sending_room, receiving_room, sent, tagged;
  FramedContent content;
  LargeCalls floor;

  PublicAdd()
      : encoding(vector(model::octets(group_id)) + number(0, 8) + number(1, 1) + number(sender.value, 4) +
                 vector("") + number(2, 1) + number(1, 2) + key_package(random_octets(32))),
        content(decoded<FramedContent>(encoding)),
        floor("FramedContentTBS", tagged_size() - vector(Octets(signature_size)).size(), 0, 0) {
    sending_room.resize(message_room(content, g.group_context, no_padding).value());
    sent = model::octets(protect(plain_crypto()));
    tagged = Octets(tagged_size());
    receiving_room.resize(unprotect_room(decoded<MlsMessage>(sent).public_message, g.epoch()));
    unprotect(plain_crypto());
  }
  // AuthenticatedContentTBM (RFC 9420, 6.2).
  std::size_t tagged_size() const {
    return 4 + encoding.size() + g.group_context.size() + vector(Octets(signature_size)).size();
  }

  Bytes protect(Crypto& crypto) {
    KeySigner signer(crypto, g.signing_key());
    AuthenticatedContent made;
    must(sign_content(signer, WireFormat::public_message, content, g.group_context, limits, {}, sending_room,
                      made));
    const Result<Bytes> done =
        tacet::protect(crypto, made, g.group_context, view(g.membership_key), sending_room);
    must(done.error());
    return done.value();
  }
  void unprotect(Crypto& crypto) {
    MlsMessage message;
    must(decode(sent, message));
    AuthenticatedContent accepted;
    must(tacet::unprotect(crypto, g.epoch(), message.public_message, receiving_room, accepted));
  }
  void membership_tag_floor() const { raw::hmac(Bytes(tagged)); }
};

PublicAdd& public_add() {
  static PublicAdd the_add;
  return the_add;
}

void add_public_rows(std::vector<Row>& rows) {
  rows.push_back({.name = "protect an Add",
                  .operation = [](Crypto& crypto) { public_add().protect(crypto); },
                  .floor = [] { public_add().floor.sign(), public_add().membership_tag_floor(); },
                  .limit = 1.3,
                  .scrubs = 2,
                  .mandatory = Calls{.sign = 1, .hmac = 1},
                  .set_up = [] { public_add(); }});
  rows.push_back({.name = "unprotect an Add",
                  .operation = [](Crypto& crypto) { public_add().unprotect(crypto); },
                  .floor = [] { public_add().floor.verify(), public_add().membership_tag_floor(); },
                  .limit = 1.3,
                  .scrubs = 1,
                  .mandatory = Calls{.verify = 1, .hmac = 1},
                  .set_up = [] { public_add(); }});
}

// ---- GroupInfo and Welcome

// All others than the committer join by one Welcome, and the last of them opens it. The tree goes with it.
struct Arrival {
  Group& g;
  std::uint32_t n;
  Secret init_private_key;
  Octets init_key = Octets(32), client, path_secret = random_octets(32), joiner_secret = random_octets(32),
         welcome_secret, group_info_room, opening_room, sent;
  std::vector<Octets> references;
  std::vector<Joiner> joiners;
  Extension extension;
  NewGroupInfo wanted;
  LargeCalls floor;

  explicit Arrival(std::uint32_t members)
      : g(group(members)),
        n(members),
        extension{ExtensionType::ratchet_tree, g.full.encoding},
        wanted{g.context, {&extension, 1}, g.hash, sender, false},
        floor("GroupInfoTBS", signed_size(), 0, signed_size() + vector(Octets(signature_size)).size()) {
    must(plain_crypto().generate_key_pair(init_private_key, init_key));
    client = key_package(init_key);
    welcome_secret = model::derive_secret(model::extract(joiner_secret, model::zeros(mac_size)), "welcome");
    Digest reference;
    must(key_package_ref(plain_crypto(), decoded<KeyPackage>(client), reference));
    for (std::uint32_t i = 1; i < n; ++i) references.push_back(random_octets(mac_size));
    references.back() = model::octets(reference);
    for (const Octets& one : references) joiners.push_back({one, init_key, view(path_secret)});
    group_info_room.resize(tacet::group_info_room(wanted));
    sent.resize(1 << 8);  // until it is known how large it is
    seal(plain_crypto());
    opening_room.resize(open_group_info_room(decoded<Welcome>(sent)));
    open(plain_crypto());
  }
  std::size_t signed_size() const {
    return g.group_context.size() + vector(number(2, 2) + vector(g.full.encoding)).size() +
           vector(g.hash).size() + 4;
  }

  void seal(Crypto& crypto) {
    KeySigner signer(crypto, g.signing_key());
    const Result<Bytes> group_info = create_group_info(crypto, signer, wanted, group_info_room);
    must(group_info.error());
    const Result<std::size_t> size = welcome_size(crypto, joiners, {}, group_info.value().size());
    must(size.error());
    sent.resize(size.value());
    must(seal_welcome(crypto, view(joiner_secret), view(welcome_secret), {}, joiners, group_info.value(),
                      g.memory, sent)
             .error());
  }
  void open(Crypto& crypto) {
    const Welcome welcome = decoded<Welcome>(sent);
    GroupSecrets secrets;
    must(open_group_secrets(crypto, welcome, decoded<KeyPackage>(client), init_private_key, g.memory,
                            secrets));
    Secret of_welcome;
    must(derive_welcome_secret(crypto, secrets.joiner_secret, {}, of_welcome));
    GroupInfo group_info;
    must(open_group_info(crypto, welcome, of_welcome, opening_room, group_info));
    const Result<Bytes> key = group_info_signature_key(group_info, g.tree);
    must(key.error());
    must(verify_group_info(crypto, group_info, key.value(), opening_room));
  }

  // GroupSecrets with a path secret and no PSK.
  static constexpr std::size_t group_secrets_size = 33 + 1 + 33 + 1;

  void seal_floor() {
    floor.sign();
    welcome_key_floor();
    floor.seal();
    raw::hmac(Bytes(floor.sealed));
    for (std::uint32_t i = 1; i < n; ++i) {
      raw::multiply_base();
      raw::multiply(init_key.data());
      raw::hpke_schedule();
      raw::seal({}, Bytes(raw::input, group_secrets_size), raw::output);
    }
  }
  void open_floor() {
    raw::hash(client.size());
    raw::hmac(Bytes(floor.sealed));
    raw::multiply(init_key.data());
    raw::hpke_schedule();
    raw::open();
    raw::hmac(std::size_t{mac_size});  // from joiner_secret and psk_secret
    raw::expand_with_label(7, 0);      // welcome
    welcome_key_floor();
    floor.open();
    floor.verify();
  }
  static void welcome_key_floor() {
    raw::expand_with_label(3, 0);  // key
    raw::expand_with_label(5, 0);  // nonce
  }
};

Arrival& arrival(std::uint32_t n) {
  static std::map<std::uint32_t, Arrival> all;
  return all.try_emplace(n, n).first->second;
}

void add_welcome_rows(std::uint32_t n, std::vector<Row>& rows) {
  const std::string of_n = ", n = " + std::to_string(n / 1000) + ",000";
  const std::uint64_t joiners = n - 1;
  rows.push_back({.name = "GroupInfo and Welcome, seal" + of_n,
                  .operation = [n](Crypto& crypto) { arrival(n).seal(crypto); },
                  .floor = [n] { arrival(n).seal_floor(); },
                  .limit = 1.3,
                  .mandatory = Calls{.sign = 1,
                                     .multiply = joiners,
                                     .multiply_base = joiners,
                                     .hmac = 2 + 1 + 5 * joiners,
                                     .aead = 1 + joiners},
                  .set_up = [n] { arrival(n); },
                  .is_long = true});
  rows.push_back({.name = "Welcome and GroupInfo, open" + of_n,
                  .operation = [n](Crypto& crypto) { arrival(n).open(crypto); },
                  .floor = [n] { arrival(n).open_floor(); },
                  .limit = 1.2,
                  .mandatory = Calls{.verify = 1, .multiply = 1, .hmac = 1 + 5 + 2 + 2, .aead = 2, .hash = 1},
                  .set_up = [n] { arrival(n); }});
}

}  // namespace

std::vector<Row> message_rows() {
  std::vector<Row> rows;
  for (const Size& size : sizes) add_message_rows(size, rows);
  add_first_message_rows(rows);
  add_public_rows(rows);
  for (const std::uint32_t n : {1000u, 5000u}) add_welcome_rows(n, rows);
  return rows;
}

}  // namespace tacet::bench
