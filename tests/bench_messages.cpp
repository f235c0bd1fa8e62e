// Rows for messages, and for the Welcome and the GroupInfo of joiners: n members, d the depth of their tree.

#include <map>

#include "bench_floors.h"
#include "bench_group.h"
#include "secrets.h"

namespace tacet::bench {

using model::number, model::vector, model::operator+;

namespace {

// ---- one epoch

constexpr LeafIndex sender{0};
constexpr std::uint32_t many = 5000;  // members
constexpr std::size_t small = 64;     // bytes

// A group of n members, all keys of an epoch, and what its context is encoded as.
struct Group {
  FullTree full;
  CountingMemory memory;
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
  SecretView key() const { return signing_key(full.members[sender.value]); }
};

Group& group(std::uint32_t n) {
  static std::map<std::uint32_t, Group> groups;
  return groups.try_emplace(n, n).first->second;
}

// ---- application messages

// A sender and a receiver of messages of one size.
struct Conversation {
  Group& g;
  Octets text, encoding, sending_room, receiving_room, sent;
  FramedContent content;
  SecretTree sending = g.secret_tree();  // of seal() alone, which spends as many keys as it is called
  SecretTree partner = g.secret_tree(), receiving = g.secret_tree();
  raw::LargeCalls floor;

  Conversation(std::uint32_t n, std::size_t size)
      : g(group(n)),
        text(random_octets(size)),
        encoding(fields() + vector(text)),
        content(decoded<FramedContent>(encoding)),
        floor("FramedContentTBS", 4 + encoding.size() + g.group_context.size(), 33 + 8 + 1 + 1,
              vector(text).size() + vector(Octets(raw::signature_size)).size()) {
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
    KeySigner signer(crypto, g.key());
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
    raw::ratchet_step();
    floor.sign();
    floor.seal();
    raw::sender_data_key();
    raw::seal(Bytes(raw::input, 33 + 8 + 1), Bytes(raw::input, 12), raw::output);
  }
  void open_floor() {
    raw::sender_data_key();
    raw::open();  // 20 bytes more than there are in sender data
    raw::ratchet_step();
    floor.open();
    floor.verify();
  }
};

Conversation& conversation(std::uint32_t n, std::size_t size) {
  static std::map<std::pair<std::uint32_t, std::size_t>, Conversation> all;
  return all.try_emplace({n, size}, n, size).first->second;
}

// One whose messages are always the first.
Conversation& first_contact(std::uint32_t n) {
  static std::map<std::uint32_t, Conversation> all;
  return all.try_emplace(n, n, small).first->second;
}

// A step of a ratchet takes 3 HMACs, the key of the sender data 2.
constexpr Calls seal_calls = {.sign = 1, .hmac = 3 + 2, .aead = 2};
constexpr Calls open_calls = {.verify = 1, .hmac = 3 + 2, .aead = 2};
constexpr unsigned seal_scrubs = 5 + 2 + 1 + 1, open_scrubs = 5 + 2 + 1;
constexpr double seal_scrubs_limit = 0.05, open_scrubs_limit = 0.03;  // of the time of the smallest

void add_message_rows(std::uint32_t n, const char* size, std::size_t bytes, double limit,
                      std::vector<Row>& rows) {
  const auto of = [=]() -> Conversation& { return conversation(n, bytes); };
  rows.push_back({.name = std::string("seal ") + size,
                  .n = n,
                  .operation = [=](Crypto& crypto) { of().seal(crypto); },
                  .floor = [=] { of().seal_floor(); },
                  .limit = limit,
                  .scrubs = seal_scrubs,
                  .scrubs_limit = bytes == small ? seal_scrubs_limit : 0,
                  .mandatory = seal_calls,
                  .set_up = [=] { of(); }});
  rows.push_back({.name = std::string("open ") + size,
                  .n = n,
                  .operation = [=](Crypto& crypto) { of().open(crypto); },
                  .floor = [=] { of().open_floor(); },
                  .limit = limit,
                  .scrubs = open_scrubs,
                  .scrubs_limit = bytes == small ? open_scrubs_limit : 0,
                  .mandatory = open_calls,
                  .set_up = [=] { of(); },
                  .prepare = [=](Crypto&) { of().prepare(); }});
}

void add_first_message_rows(std::uint32_t n, std::vector<Row>& rows) {
  const unsigned d = TreeSize::for_leaves(n).depth();
  const unsigned more = 2 * d + 2;
  Calls seal = seal_calls, open = open_calls;
  seal.hmac += more;
  open.hmac += more;
  rows.push_back({.name = "seal 64 B, first message",
                  .n = n,
                  .operation = [n](Crypto& crypto) { first_contact(n).seal(crypto); },
                  .floor = [=] { raw::first_message(d), first_contact(n).seal_floor(); },
                  .limit = 1.3,
                  .scrubs = seal_scrubs + more,
                  .mandatory = seal,
                  .set_up = [n] { first_contact(n); },
                  .prepare = [n](Crypto&) { first_contact(n).forget_seals(); }});
  rows.push_back({.name = "open 64 B, first message",
                  .n = n,
                  .operation = [n](Crypto& crypto) { first_contact(n).open(crypto); },
                  .floor = [=] { raw::first_message(d), first_contact(n).open_floor(); },
                  .limit = 1.3,
                  .scrubs = open_scrubs + more,
                  .mandatory = open,
                  .set_up = [n] { first_contact(n); },
                  .prepare = [n](Crypto&) { first_contact(n).prepare_first(); }});
}

// Of a sender heard before, in the memory that the epoch's ratchets are in.
double allocations_of_message(std::uint32_t n) {
  Conversation& c = conversation(n, small);
  c.prepare();
  const std::size_t before = c.g.memory.calls();
  c.seal(plain_crypto());
  c.open(plain_crypto());
  return static_cast<double>(c.g.memory.calls() - before);
}

// ---- an Add in a PublicMessage

struct PublicAdd {
  Group& g = group(many);
  Octets encoding, sending_room, receiving_room, sent, tagged;
  FramedContent content;
  raw::LargeCalls floor;

  PublicAdd()
      : encoding(vector(model::octets(group_id)) + number(0, 8) + number(1, 1) + number(sender.value, 4) +
                 vector("") + number(2, 1) + number(1, 2) + Published(0).key_package),
        content(decoded<FramedContent>(encoding)),
        floor("FramedContentTBS", tagged_size() - vector(Octets(raw::signature_size)).size(), 0, 0) {
    sending_room.resize(message_room(content, g.group_context, no_padding).value());
    sent = model::octets(protect(plain_crypto()));
    tagged = Octets(tagged_size());
    receiving_room.resize(unprotect_room(decoded<MlsMessage>(sent).public_message, g.epoch()));
    unprotect(plain_crypto());
  }
  // AuthenticatedContentTBM (RFC 9420, 6.2).
  std::size_t tagged_size() const {
    return 4 + encoding.size() + g.group_context.size() + vector(Octets(raw::signature_size)).size();
  }

  Bytes protect(Crypto& crypto) {
    KeySigner signer(crypto, g.key());
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
  Published last;
  Octets path_secret = random_octets(32), joiner_secret = random_octets(32), welcome_secret, group_info_room,
         opening_room, sent;
  std::vector<Octets> references;
  std::vector<Joiner> joiners;
  Extension extension;
  NewGroupInfo wanted;
  raw::LargeCalls floor;

  explicit Arrival(std::uint32_t members)
      : g(group(members)),
        n(members),
        last(members - 1),
        extension{ExtensionType::ratchet_tree, g.full.encoding},
        wanted{g.context, {&extension, 1}, g.hash, sender, false},
        floor("GroupInfoTBS", signed_size(), 0, signed_size() + vector(Octets(raw::signature_size)).size()) {
    const Octets no_psk = model::zeros(last.reference.size());
    welcome_secret = model::derive_secret(model::extract(joiner_secret, no_psk), "welcome");
    for (std::uint32_t i = 1; i < n; ++i) references.push_back(random_octets(last.reference.size()));
    references.back() = last.reference;
    for (const Octets& one : references) joiners.push_back({one, last.init_key, view(path_secret)});
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
    KeySigner signer(crypto, g.key());
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
    must(open_group_secrets(crypto, welcome, decoded<KeyPackage>(last.key_package), last.init_private_key,
                            g.memory, secrets));
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
    for (std::uint32_t i = 1; i < n; ++i) raw::hpke_seal(last.init_key.data(), group_secrets_size);
  }
  void open_floor() {
    raw::hash(Bytes(last.key_package));
    raw::hmac(Bytes(floor.sealed));
    raw::hpke_open(last.init_key.data());
    raw::hmac(std::size_t{32});    // from joiner_secret and psk_secret
    raw::expand_with_label(7, 0);  // welcome
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
  const std::uint64_t joiners = n - 1;
  rows.push_back({.name = "GroupInfo and Welcome, seal",
                  .n = n,
                  .operation = [n](Crypto& crypto) { arrival(n).seal(crypto); },
                  .floor = [n] { arrival(n).seal_floor(); },
                  .limit = 1.3,
                  .mandatory = Calls{.sign = 1,
                                     .multiply = joiners,
                                     .multiply_base = joiners,
                                     .hmac = 2 + 1 + 5 * joiners,
                                     .aead = 1 + joiners},
                  .set_up = [n] { arrival(n); },
                  .single_runs = 3});
  rows.push_back({.name = "Welcome and GroupInfo, open",
                  .n = n,
                  .operation = [n](Crypto& crypto) { arrival(n).open(crypto); },
                  .floor = [n] { arrival(n).open_floor(); },
                  .limit = 1.2,
                  .mandatory = Calls{.verify = 1, .multiply = 1, .hmac = 1 + 5 + 2 + 2, .aead = 2, .hash = 1},
                  .set_up = [n] { arrival(n); }});
}

}  // namespace

// Held to 1.3 where the calls for a key count, and to 1.15 where nearly all the time goes into passes over
// the text.
std::vector<Row> message_rows() {
  std::vector<Row> rows;
  for (const std::uint32_t n : group_sizes) {
    add_message_rows(n, "64 B", small, 1.3, rows);
    add_first_message_rows(n, rows);
  }
  add_message_rows(many, "1 KiB", 1 << 10, 1.3, rows);
  add_message_rows(many, "64 KiB", 1 << 16, 1.15, rows);
  add_message_rows(many, "1 MiB", 1 << 20, 1.15, rows);
  add_public_rows(rows);
  for (const std::uint32_t n : {1000u, many}) add_welcome_rows(n, rows);
  return rows;
}

std::vector<Fact> message_facts() {
  return {{named("allocations of seal and open", many), [] { return allocations_of_message(many); }, 0}};
}

}  // namespace tacet::bench
