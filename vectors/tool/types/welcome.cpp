// Welcome: opening one, and the epoch that follows from it, RFC 9420, 12.4.3.1.

#include "spec/adversary/reveal.h"
#include "vectors/tool/message_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

// The cases of passive-client have an init_priv as well.
bool recognise(const Json& object) {
  const bool is_passive_client = object.contains("epochs") || object.contains("external_psks");
  return object.contains("signer_pub") || (object.contains("init_priv") && !is_passive_client);
}

// A joiner: its KeyPackage, and what it makes of a Welcome.
class Joining {
 public:
  Joining(const Field& object, Crypto& crypto, Outputs& outputs)
      : object_(object),
        crypto_(crypto),
        outputs_(outputs),
        signer_pub_(object["signer_pub"].bytes()),
        init_priv_(object["init_priv"].bytes(crypto.suite().kem_private_key_size)),
        key_package_message_(object["key_package"].bytes()),
        key_package_(
            message(object["key_package"], key_package_message_, WireFormat::key_package).key_package) {
    const Field init_priv = object["init_priv"];
    Octets init_pub(crypto.suite().kem_public_key_size);
    outputs.require(init_priv, crypto.kem_public_key(secret_of(init_priv_), init_pub));
    outputs.compare(init_priv, key_package_.init_key, init_pub);
  }

  // What the Welcome holds, and the same sealed anew.
  void run() {
    const Octets encoded = object_["welcome"].bytes();
    const Opened opened = open(message(object_["welcome"], encoded, WireFormat::welcome).welcome);
    check_epoch(opened);
    const Octets own = seal_again(opened);
    const Opened again = open(decoded<Welcome>(object_["welcome"], own));
    outputs_.compare(object_["welcome"], reveal(opened.secrets.opened.view()),
                     reveal(again.secrets.opened.view()));
    outputs_.compare(object_["welcome"], opened.group_info.encoded, again.group_info.encoded);
  }

 private:
  struct Opened {
    GroupSecrets secrets;
    Secret welcome_secret;
    Octets room;  // which group_info views
    GroupInfo group_info;
  };

  static MlsMessage message(const Field& field, Bytes encoded, WireFormat format) {
    const auto message = decoded<MlsMessage>(field, encoded);
    if (message.wire_format != format) field.malformed("of another wire format");
    return message;
  }

  void require(Error error) { outputs_.require(object_, "welcome", error); }

  Opened open(const Welcome& welcome) {
    Opened opened;
    require(
        open_group_secrets(crypto_, welcome, key_package_, secret_of(init_priv_), memory_, opened.secrets));
    if (!opened.secrets.psks.empty()) object_["welcome"].malformed("needs PSKs, which a case does not have");
    require(derive_welcome_secret(crypto_, opened.secrets.joiner_secret, {}, opened.welcome_secret));
    opened.room.resize(open_group_info_room(welcome));
    require(open_group_info(crypto_, welcome, opened.welcome_secret, opened.room, opened.group_info));
    require(verify_group_info(crypto_, opened.group_info, signer_pub_, opened.room));
    return opened;
  }

  void check_epoch(const Opened& opened) {
    const GroupContext& context = opened.group_info.group_context;
    EpochSecrets secrets;
    require(derive_epoch_secrets(crypto_, opened.secrets.joiner_secret, {}, adversary::encoded(context),
                                 secrets));
    require(check_confirmation_tag(crypto_, secrets.confirmation_key, context.confirmed_transcript_hash,
                                   opened.group_info.confirmation_tag));
  }

  Octets seal_again(const Opened& opened) {
    const GroupSecrets& secrets = opened.secrets;
    const Bytes group_info = opened.group_info.encoded;
    Digest reference;
    require(key_package_ref(crypto_, key_package_, reference));
    Joiner joiner = {reference, key_package_.init_key, {}};
    if (secrets.path_secret) joiner.path_secret = *secrets.path_secret;
    const Result<std::size_t> size = welcome_size(crypto_, {&joiner, 1}, secrets.psks, group_info.size());
    require(size.error());
    Octets sealed(size.value());
    require(seal_welcome(crypto_, secrets.joiner_secret, opened.welcome_secret, secrets.psks, {&joiner, 1},
                         group_info, memory_, sealed)
                .error());
    return sealed;
  }

  const Field object_;
  Crypto& crypto_;
  Outputs& outputs_;
  HeapMemory memory_;
  Octets signer_pub_, init_priv_, key_package_message_;
  KeyPackage key_package_;
};

void run(const Field& object, Crypto& crypto, Outputs& outputs) { Joining(object, crypto, outputs).run(); }

// ---- choosing

using Kind = LeafKind;

// A group whose last Commit adds the joiners, and which of them the case is about.
struct Recipe {
  void (*make)(TreeMaker& group);
  std::uint32_t committer;
  std::vector<std::uint32_t> joiners;
  std::uint32_t ours;
  InfoShape info;
  bool has_group_extensions;
};

void make_pair(TreeMaker& group) { group.commit(0, {.adds = plain(1)}); }
void make_pair_without_path(TreeMaker& group) { group.add_without_path(plain(1)); }
void make_all_kinds(TreeMaker& group) {
  group.grow_full(2);
  group.commit(1, {.adds = {Kind::grease, Kind::extensions, Kind::x509, Kind::unknown_credential}});
}
// The joiners are at leaves 3, 5, 6 and 9.
void make_gaps(TreeMaker& group) {
  group.grow_full(9);
  group.commit(4, {.removes = {3, 5, 6}, .adds = plain(4)});
}
void make_unmerged(TreeMaker& group) {
  group.grow_full(9);
  group.commit(4, {.removes = {3, 5, 6}});
  group.add_without_path(plain(3));
}

std::vector<Recipe> recipes() {
  constexpr InfoShape nothing = {}, all = {true, true, true, true};
  return {{make_pair, 0, {1}, 1, nothing, false},
          {make_pair, 0, {1}, 1, {.ratchet_tree = true}, true},
          {make_pair_without_path, 0, {1}, 1, {.external_pub = true}, false},
          {make_pair_without_path, 0, {1}, 1, all, true},
          // The first, one in the middle, the last of several; each kind of KeyPackage.
          {make_all_kinds, 1, {2, 3, 4, 5}, 2, {.grease = true}, false},
          {make_all_kinds, 1, {2, 3, 4, 5}, 3, {.unknown = true}, true},
          {make_all_kinds, 1, {5, 3, 4, 2}, 4, all, false},
          {make_all_kinds, 1, {2, 3, 4, 5}, 5, {.ratchet_tree = true, .external_pub = true}, true},
          // One only, of those that were added: each may get a Welcome of its own.
          {make_gaps, 4, {9}, 9, all, true},
          {make_gaps, 4, {3, 5, 6, 9}, 5, nothing, true},
          {make_unmerged, 8, {6, 3, 5}, 3, all, false}};
}

Json choose_case(Generator& generator, const Recipe& recipe, std::size_t group_id, std::uint64_t epoch) {
  TreeMaker group(generator, generator.bytes(group_id));
  recipe.make(group);
  MessageMaker maker(generator, group, epoch, recipe.has_group_extensions);
  const Client& client = group.members().at({recipe.ours});
  return {{"cipher_suite", generator.suite_number()},
          {"init_priv", to_hex(client.init_priv)},
          {"key_package", to_hex(key_package_message(client))},
          {"signer_pub", to_hex(group.tree().signature_key({recipe.committer}))},
          {"welcome", to_hex(maker.welcome(recipe.committer, recipe.joiners, recipe.info))}};
}

Json choose(Generator& generator) {
  constexpr std::size_t id_sizes[] = {32, 0, 1, 63, 64, 300};
  constexpr std::uint64_t epochs[] = {1, 2, 0xffff, 0xffffffff, 0x100000000};
  Json cases = Json::array();
  for (const Recipe& recipe : recipes()) {
    const std::size_t i = cases.size();
    cases.push_back(
        choose_case(generator, recipe, id_sizes[i % std::size(id_sizes)], epochs[i % std::size(epochs)]));
  }
  return cases;
}

}  // namespace

const VectorType welcome = {
    "welcome", {.kdf = true, .kem = true, .aead = true, .signature = true}, recognise, run, choose};

}  // namespace tacet::tool
