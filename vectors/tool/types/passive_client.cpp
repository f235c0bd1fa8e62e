// Passive clients: joining by a Welcome, and following the group through its Commits, RFC 9420, 12.4; reading
// what is said in it, and joining the groups that succeed it, 11.2, 11.3.

#include "protocol/adapters/heap_memory.h"
#include "spec/adversary/endpoint.h"
#include "spec/adversary/member.h"
#include "spec/adversary/reveal.h"
#include "vectors/tool/histories.h"
#include "vectors/tool/history.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

using adversary::Endpoint;

bool recognise(const Json& object) {
  return object.contains("initial_epoch_authenticator") || object.contains("external_psks");
}

// The client of a case, in its group and in all that come of it.
class PassiveClient final : public FormerGroups {
 public:
  explicit PassiveClient(Outputs& outputs) : outputs_(outputs) {}

  // A case, or a successor in it, which knows the PSKs of its former group; files are not nested deep.
  void run(const Field& object, const Member* former = nullptr) {
    Member& client = *groups_.emplace_back(std::make_unique<Member>("", random_, memory_, memory_));
    prepare_for_vectors(client);
    if (former != nullptr) {
      client.psks = former->psks;
      if (object["cipher_suite"].number<std::uint16_t>() != static_cast<std::uint16_t>(built_suite().suite))
        object["cipher_suite"].malformed("another than that of the group that it succeeds");
    }
    prepare(object, client);
    const Octets tree = object["ratchet_tree"].optional_bytes().value_or(Octets());
    outputs_.require(object, "welcome", client.join(object["welcome"].bytes(), tree, this));
    begin_epoch(object, "initial_epoch_authenticator", client);
    const Field epochs = object["epochs"];
    for (std::size_t i = 0; i < epochs.size(); ++i) {
      const Field proposals = epochs[i]["proposals"];
      for (std::size_t j = 0; j < proposals.size(); ++j) {
        take(proposals[j], Event::proposal, "no proposal", client);
      }
      take(epochs[i]["commit"], Event::commit, "no Commit that keeps the client", client);
      begin_epoch(epochs[i], "epoch_authenticator", client);
    }
    if (!object.has("successors")) return;
    const Field successors = object["successors"];
    for (std::size_t i = 0; i < successors.size(); ++i) run(successors[i], &client);
  }

 private:
  const PublicState* find(Bytes group_id) noexcept override {
    for (const auto& each : groups_) {
      if (each->group.is_active() && equal(group_id, each->group.state().context().group_id))
        return &each->group.state();
    }
    return nullptr;
  }

  // Before it joins.
  void prepare(const Field& object, Device& client) {
    const Octets message = object["key_package"].bytes();
    const auto decoded_message = decoded<MlsMessage>(object["key_package"], message);
    if (decoded_message.wire_format != WireFormat::key_package)
      object["key_package"].malformed("no KeyPackage");
    const KeyPackage& own = decoded_message.key_package;
    client.key_package.assign(own.encoded.begin(), own.encoded.end());
    Digest reference;
    outputs_.require(object, "key_package", key_package_ref(client.crypto, own, reference));
    client.reference.assign(reference.bytes().begin(), reference.bytes().end());
    const LeafNode& leaf = own.leaf_node;
    client.signature_key.assign(leaf.signature_key.begin(), leaf.signature_key.end());
    client.signing_key = private_key(object["signature_priv"], leaf.signature_key, client.crypto, true);
    client.keys.encryption_key =
        private_key(object["encryption_priv"], leaf.encryption_key, client.crypto, false);
    client.keys.init_key = private_key(object["init_priv"], own.init_key, client.crypto, false);
    const Field psks = object["external_psks"];
    for (std::size_t i = 0; i < psks.size(); ++i) {
      const Octets id = psks[i]["psk_id"].bytes();
      client.psks.known[{id.begin(), id.end()}] = psks[i]["psk"].bytes();
    }
  }

  // The private key of the case, which has to be the public key's own.
  Secret private_key(const Field& field, Bytes public_key, Crypto& crypto, bool signs) {
    const Octets encoded = field.bytes(crypto.suite().kem_private_key_size);
    Secret key;
    Octets derived(public_key.size());
    if (signs) {
      outputs_.require(field, crypto.import_signature_key(secret_of(encoded), key, derived));
    } else {
      key = std::move(Secret::copy_of(encoded).value());
      outputs_.require(field, crypto.kem_public_key(key, derived));
    }
    outputs_.compare(field, public_key, derived);
    return key;
  }

  void take(const Field& message, Event wanted, const char* otherwise, Member& client) {
    outputs_.require(message, client.receive(message.bytes()));
    if (client.heard.event != wanted) message.malformed(otherwise);
  }

  // What `object` tells of an epoch; its resumption PSK is for the groups that come of this one.
  void begin_epoch(const Field& object, const char* authenticator, Member& client) {
    outputs_.put(object, authenticator, client.group.epoch_authenticator());
    outputs_.require(object, authenticator, client.remember_psk(client.group.state().context().epoch));
    if (!object.has("messages")) return;
    const Field messages = object["messages"];
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const Field message = messages[i];
      take(message["private_message"], Event::application, "no application data", client);
      outputs_.put(message, "plaintext", client.heard.application_data);
      outputs_.put(message, "authenticated_data", client.heard.authenticated_data);
      outputs_.put_number(message, "sender", client.heard.sender.leaf_index.value);
      outputs_.put_number(message, "epoch", client.heard.epoch);
    }
  }

  Outputs& outputs_;
  HeapMemory memory_;
  SodiumRandom random_;
  std::vector<std::unique_ptr<Member>> groups_;
};

void run(const Field& object, Crypto&, Outputs& outputs) {
  PassiveClient(outputs).run(object);  // with a Crypto of its own, of the one suite that is built whole
}

// ---- choosing

struct Shape {
  bool tree_inline, psks;
  WireFormat format;
  std::size_t epochs;
};

// Two live members and the client that joins them: what the client is sent.
class Scenario {
 public:
  Scenario(Generator& generator, const Shape& shape) : generator_(generator), shape_(shape) {
    for (Endpoint* const each : {&first_, &second_, &client_}) {
      prepare_for_vectors(*each);
      each->psks.known[{psk_id_.begin(), psk_id_.end()}] = psk_;
    }
    first_.create(generator.bytes(32));
    commit(first_, by_value(add(second_)));
    adversary::must(second_.join(welcome_, {}));
  }

  Json run() {
    Octets list = by_value(add(client_));
    if (shape_.psks) list = joined(list, by_value(psk()));
    commit(second_, list, shape_.tree_inline);
    Json object = {{"cipher_suite", generator_.suite_number()}, {"external_psks", Json::array()}};
    tell_keys(client_, object);
    object["welcome"] = to_hex(welcome_);
    object["ratchet_tree"] = nullptr;
    if (shape_.psks) object["external_psks"] = {{{"psk_id", to_hex(psk_id_)}, {"psk", to_hex(psk_)}}};
    if (!shape_.tree_inline) object["ratchet_tree"] = to_hex(exported(second_.epoch->state.tree()));
    Json epochs = Json::array();
    for (std::size_t i = 0; i < shape_.epochs; ++i) epochs.push_back(epoch(i));
    object["epochs"] = std::move(epochs);
    return object;
  }

 private:
  static Octets joined(Octets a, const Octets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  static Octets by_value(const Octets& proposal) { return joined({1}, proposal); }
  static Octets add(Endpoint& who) { return joined(adversary::encoded(ProposalType::add), who.publish()); }
  Octets psk() {
    const Octets nonce = generator_.bytes(32);
    return joined(adversary::encoded(ProposalType::psk, PskType::external),
                  joined(adversary::vector_of(psk_id_), adversary::vector_of(nonce)));
  }
  Octets newcomer() {
    newcomers_.push_back(
        std::make_unique<Endpoint>(generator_.letters(6), generator_.random(), memory_, memory_));
    prepare_for_vectors(*newcomers_.back());
    return add(*newcomers_.back());
  }
  static Octets extensions() {
    const Octets required = {0, 0, 2, 0, 1};
    return joined(adversary::encoded(ProposalType::group_context_extensions),
                  adversary::vector_of(joined(adversary::encoded(ExtensionType::required_capabilities),
                                              adversary::vector_of(required))));
  }

  // Makes and adopts it; the other live member follows.
  void commit(Endpoint& by, const Octets& list, bool tree_inline = true, bool with_path = true) {
    NewCommit wanted;
    wanted.wire_format = shape_.format;
    wanted.tree_inline = tree_inline;
    wanted.with_path = with_path;
    adversary::must(by.commit(list, wanted));
    commit_.assign(by.pending->message.begin(), by.pending->message.end());
    welcome_.assign(by.pending->welcome.begin(), by.pending->welcome.end());
    Endpoint& other = &by == &first_ ? second_ : first_;
    if (other.epoch) adversary::must(other.receive(commit_));
    by.adopt();
  }

  // Each kind of proposal in its turn, by value and by reference, with and without a path.
  Json epoch(std::size_t i) {
    Endpoint& by = i % 2 == 0 ? first_ : second_;
    Endpoint& other = i % 2 == 0 ? second_ : first_;
    Json proposals = Json::array();
    const auto referred = [&](const Octets& proposal) {
      const Endpoint::Proposed sent = other.propose(proposal, shape_.format);
      adversary::must(by.receive(sent.message));
      proposals.push_back(to_hex(sent.message));
      return sent.reference;
    };
    Octets list;  // what is drawn at random is drawn in one order
    switch (i % 6) {
      case 0:
        commit(by, {});
        break;
      case 1:
        list = referred(newcomer());
        commit(by, joined(list, by_value(newcomer())));
        break;
      case 2:
        commit(by, by_value(newcomer()), true, false);
        break;
      case 3:
        list = by_value(psk());
        commit(by, joined(list, referred(psk())));
        break;
      case 4:
        list = by_value(extensions());
        commit(by, joined(list, referred(newcomer())));
        break;
      default:
        commit(by, by_value(joined(adversary::encoded(ProposalType::remove),
                                   adversary::encoded(LeafIndex{static_cast<std::uint32_t>(3 + i / 6)}))));
    }
    return {{"proposals", std::move(proposals)}, {"commit", to_hex(commit_)}};
  }

  Generator& generator_;
  const Shape shape_;
  HeapMemory memory_;
  const Octets psk_id_ = generator_.bytes(16), psk_ = generator_.bytes(32);
  Endpoint first_{generator_.letters(6), generator_.random(), memory_, memory_};
  Endpoint second_{generator_.letters(6), generator_.random(), memory_, memory_};
  Endpoint client_{generator_.letters(6), generator_.random(), memory_, memory_};
  std::vector<std::unique_ptr<Endpoint>> newcomers_;
  Octets commit_, welcome_;
};

Json choose(Generator& generator) {
  constexpr WireFormat in_public = WireFormat::public_message, in_private = WireFormat::private_message;
  constexpr Shape shapes[] = {{true, false, in_public, 0},
                              {false, true, in_private, 0},
                              {true, true, in_public, 12},
                              {false, true, in_private, 12}};
  Json cases = Json::array();
  for (const Shape& shape : shapes) cases.push_back(Scenario(generator, shape).run());
  return cases;
}

constexpr VectorFile further[] = {{"passive-client-external-join", external_joins},
                                  {"passive-client-external-proposal", external_proposals},
                                  {"passive-client-resumption-psk", resumption_psks},
                                  {"passive-client-reinit", closing_re_inits},
                                  {"passive-client-200-commits", long_histories},
                                  {"passive-client-messages", application_messages},
                                  {"passive-client-successors", successor_groups}};

}  // namespace

const VectorType passive_client = {
    "passive-client", {.kdf = true, .kem = true, .aead = true, .signature = true}, recognise, run, choose,
    further};

}  // namespace tacet::tool
