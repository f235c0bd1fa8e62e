// Message protection: a proposal, a Commit and application data as PublicMessage and as PrivateMessage, RFC
// 9420, 6.

#include "spec/adversary/reveal.h"
#include "vectors/tool/message_maker.h"
#include "vectors/tool/type.h"

namespace tacet::tool {

namespace {

bool recognise(const Json& object) {
  return object.contains("proposal_pub") || object.contains("application_priv");
}

constexpr LeafIndex sender{1};  // of all messages

// What a message carries, as a case holds it.
Octets content_of(const FramedContent& content) {
  if (content.content_type == ContentType::application) return octets_of(content.application_data);
  if (content.content_type == ContentType::proposal) return adversary::encoded(content.proposal);
  return adversary::encoded(content.commit);
}

const WholeCredential whole_credential;

// The epoch of a case: a group of two, of which nothing counts but the signature key of the second.
class Protection {
 public:
  Protection(const Field& object, Crypto& crypto, Outputs& outputs)
      : object_(object),
        crypto_(crypto),
        outputs_(outputs),
        group_id_(object["group_id"].bytes()),
        tree_hash_(object["tree_hash"].bytes()),
        confirmed_transcript_hash_(object["confirmed_transcript_hash"].bytes()),
        encryption_secret_(object["encryption_secret"].bytes(crypto.hash_size())),
        sender_data_secret_(object["sender_data_secret"].bytes(crypto.hash_size())),
        membership_key_(object["membership_key"].bytes(crypto.hash_size())) {
    context_.cipher_suite = crypto.suite().suite;
    context_.group_id = group_id_;
    context_.epoch = object["epoch"].number<std::uint64_t>();
    context_.tree_hash = tree_hash_;
    context_.confirmed_transcript_hash = confirmed_transcript_hash_;
    group_context_ = adversary::encoded(context_);
    read_signature_key();
  }

  // The content that the case has as `name`.
  void run(const std::string& name, ContentType type) {
    const Field in_private = object_[name + "_priv"];
    if (type != ContentType::application) {
      run(name, object_[name + "_pub"], type, WireFormat::public_message);
      return run(name, in_private, type, WireFormat::private_message);
    }
    run(name, in_private, type, WireFormat::private_message);
    const Octets application = object_[name].bytes();
    FramedContent content;
    content.sender = {SenderType::member, sender, 0};
    content.application_data = application;
    AuthenticatedContent made;
    Octets room(must(message_room(content, group_context_, Padding())));
    outputs_.require_refusal(object_, name.c_str(), Error::application_in_public_message,
                             sign(WireFormat::public_message, content, room, made));
  }

 private:
  void read_signature_key() {
    const Octets signature_priv = object_["signature_priv"].bytes();
    Octets signature_pub(crypto_.suite().signature_public_key_size);
    outputs_.require(object_, "signature_priv",
                     crypto_.import_signature_key(secret_of(signature_priv), signature_key_, signature_pub));
    outputs_.put(object_, "signature_pub", signature_pub);
    make_tree(signature_pub);
  }

  void make_tree(Bytes signature_pub) {
    LeafNode leaf;
    const Octets first = adversary::encoded(leaf);
    leaf.signature_key = signature_pub;
    const Octets second = adversary::encoded(leaf);
    must(alone_.start(crypto_, first));
    must(tree_.start());
    must(tree_.add(decoded<LeafNode>(object_, second)).error());
  }

  SecretTree secret_tree() {
    SecretTree fresh(crypto_.suite(), memory_, memory_, limits_);
    must(fresh.start(must(Secret::copy_of(encryption_secret_)), tree_.size()));
    return fresh;
  }

  MessageEpoch epoch() const {
    return {context_, group_context_, tree_, secret_of(membership_key_), secret_of(sender_data_secret_),
            {},       limits_};
  }

  // The message that `field` holds; and its content, protected anew.
  void run(const std::string& name, const Field& field, ContentType type, WireFormat format) {
    const Octets message = field.bytes();
    Octets room, own_room;
    const AuthenticatedContent given = receive(field, message, format, room);
    if (given.content.content_type != type) field.malformed("of another content type");
    if (given.content.sender.type != SenderType::member || given.content.sender.leaf_index != sender) {
      field.malformed("not from the member at leaf 1");
    }
    outputs_.put(object_, name.c_str(), content_of(given.content));
    const Octets own = send(field, given, format);
    const AuthenticatedContent again = receive(field, own, format, own_room);
    outputs_.compare(field, given.content.encoded, again.content.encoded);
  }

  // `room` is what the content views, beside the message.
  AuthenticatedContent receive(const Field& field, Bytes encoded, WireFormat format, Octets& room) {
    const auto message = decoded<MlsMessage>(field, encoded);
    if (message.wire_format != format) field.malformed("of another wire format");
    AuthenticatedContent content;
    if (format == WireFormat::public_message) {
      room.resize(unprotect_room(message.public_message, epoch()));
      outputs_.require(field, unprotect(crypto_, epoch(), message.public_message, room, content));
      return content;
    }
    SecretTree keys = secret_tree();
    PeekedKey key;
    room.resize(open_room(message.private_message, epoch()));
    outputs_.require(field, open(crypto_, epoch(), keys, message.private_message, room, key, content));
    keys.adopt(key);
    return content;
  }

  Error sign(WireFormat format, const FramedContent& content, MutableBytes room, AuthenticatedContent& out) {
    KeySigner signer(crypto_, signature_key_);
    return sign_content(signer, format, content, group_context_, limits_, {}, room, out);
  }

  // The epoch that a Commit leads to is not in the case: it keeps its confirmation_tag.
  Octets send(const Field& field, const AuthenticatedContent& given, WireFormat format) {
    Octets room(must(message_room(given.content, group_context_, Padding())));
    AuthenticatedContent made;
    outputs_.require(field, sign(format, given.content, room, made));
    made.auth.confirmation_tag = given.auth.confirmation_tag;
    const Result<Bytes> message =
        format == WireFormat::public_message
            ? protect(crypto_, made, group_context_, secret_of(membership_key_), room)
            : seal_next(made, room);
    outputs_.require(field, message.error());
    return octets_of(message.value());
  }

  Result<Bytes> seal_next(const AuthenticatedContent& content, MutableBytes room) {
    SecretTree keys = secret_tree();
    MessageKey key;
    must(keys.next(crypto_, sender, ratchet_of(content.content.content_type), key));
    return seal(crypto_, content, key, secret_of(sender_data_secret_), Padding(), limits_, room);
  }

  const Field object_;
  Crypto& crypto_;
  Outputs& outputs_;
  HeapMemory memory_;
  Limits limits_;
  Octets group_id_, tree_hash_, confirmed_transcript_hash_, group_context_;
  Octets encryption_secret_, sender_data_secret_, membership_key_;
  GroupContext context_;
  Secret signature_key_;
  RatchetTree alone_{memory_, whole_credential};
  TreeDraft tree_{crypto_, alone_, memory_, limits_};
};

void run(const Field& object, Crypto& crypto, Outputs& outputs) {
  Protection protection(object, crypto, outputs);
  protection.run("proposal", ContentType::proposal);
  protection.run("commit", ContentType::commit);
  protection.run("application", ContentType::application);
}

// ---- choosing

struct Recipe {
  Octets (*propose)(MessageMaker& maker);
  CommitShape commit;
  std::size_t group_id;
  std::uint64_t epoch;
  std::uint32_t generation;
  std::size_t padding, application;
  std::size_t proposal_data, commit_data, application_data;  // authenticated, beside each content
};

template <LeafKind kind>
Octets add(MessageMaker& maker) {
  return maker.add(kind);
}
Octets update(MessageMaker& maker) { return maker.update(sender.value); }
Octets remove(MessageMaker& maker) { return maker.remove(0); }
Octets external_psk(MessageMaker& maker) { return maker.pre_shared_key(maker.external_psk(64)); }
template <ResumptionPskUsage usage>
Octets resumption_psk(MessageMaker& maker) {
  return maker.pre_shared_key(maker.resumption_psk(usage, 64));
}
template <bool has_extensions>
Octets re_init(MessageMaker& maker) {
  return maker.re_init(has_extensions ? 300 : 16, has_extensions);
}
Octets external_init(MessageMaker& maker) { return maker.external_init(); }
template <bool has_any>
Octets group_context_extensions(MessageMaker& maker) {
  return maker.group_context_extensions(has_any);
}

using Usage = ResumptionPskUsage;

constexpr Recipe recipes[] = {
    {add<LeafKind::plain>, CommitShape::references, 32, 1, 0, 0, 0, 0, 0, 0},
    {update, CommitShape::path, 0, 0xffffffff, 0, 1, 1, 1, 1, 1},
    {remove, CommitShape::values, 1, 0x100000000, 1, 15, 63, 63, 64, 63},
    {external_psk, CommitShape::all, 63, 2, 0, 300, 64, 64, 63, 64},
    {resumption_psk<Usage::application>, CommitShape::references, 64, 3, 0, 0, 300, 300, 300, 300},
    {resumption_psk<Usage::reinit>, CommitShape::values, 300, 4, 0, 0, 16383, 0, 5, 0},
    {resumption_psk<Usage::branch>, CommitShape::path, 16, 5, 0, 63, 16384, 5, 0, 5},
    {re_init<false>, CommitShape::all, 16, 6, 9, 64, 16, 16383, 0, 0},
    {re_init<true>, CommitShape::references, 16, 7, 0, 32, 16, 0, 0, 16384},
    {external_init, CommitShape::values, 16, 8, 0, 2, 16, 0, 0, 0},
    {group_context_extensions<false>, CommitShape::path, 16, 9, 0, 0, 16, 0, 0, 0},
    {group_context_extensions<true>, CommitShape::all, 16, 10, 200, 0, 16, 0, 0, 0},
    {add<LeafKind::grease>, CommitShape::path, 16, 11, 0, 0, 16, 0, 0, 0},
    {add<LeafKind::extensions>, CommitShape::path, 16, 12, 0, 0, 16, 0, 0, 0}};

void put_messages(Json& object, const std::string& name, const Octets& raw, ContentType type,
                  std::size_t authenticated_data, const Recipe& recipe, MessageMaker& maker) {
  const bool is_application = type == ContentType::application;
  const Octets content = is_application ? adversary::vector_of(raw) : raw;
  const auto framed = maker.framed({SenderType::member, sender, 0}, authenticated_data, type, content);
  object[name] = to_hex(raw);
  if (!is_application) object[name + "_pub"] = to_hex(maker.public_message(framed));
  object[name + "_priv"] = to_hex(maker.private_message(framed, recipe.generation, recipe.padding));
}

Json choose_case(Generator& generator, const Recipe& recipe) {
  TreeMaker group(generator, generator.bytes(recipe.group_id));
  group.grow_full(2);
  MessageMaker maker(generator, group, recipe.epoch, false);
  const EpochSecrets& secrets = maker.secrets();
  Json object = {{"cipher_suite", generator.suite_number()},
                 {"group_id", to_hex(group.group_id())},
                 {"epoch", recipe.epoch},
                 {"tree_hash", to_hex(group.tree().tree_hash())},
                 {"confirmed_transcript_hash", to_hex(maker.context().confirmed_transcript_hash)},
                 {"signature_priv", to_hex(group.members().at(sender).signature_priv)},
                 {"signature_pub", to_hex(group.tree().signature_key(sender))},
                 {"encryption_secret", to_hex(reveal(secrets.encryption_secret))},
                 {"sender_data_secret", to_hex(reveal(secrets.sender_data_secret))},
                 {"membership_key", to_hex(reveal(secrets.membership_key))}};
  const Octets proposal = recipe.propose(maker);
  const Octets commit = maker.commit(sender.value, recipe.commit);
  const Octets application = generator.bytes(recipe.application);
  put_messages(object, "proposal", proposal, ContentType::proposal, recipe.proposal_data, recipe, maker);
  put_messages(object, "commit", commit, ContentType::commit, recipe.commit_data, recipe, maker);
  put_messages(object, "application", application, ContentType::application, recipe.application_data, recipe,
               maker);
  return object;
}

Json choose(Generator& generator) {
  Json cases = Json::array();
  for (const Recipe& recipe : recipes) cases.push_back(choose_case(generator, recipe));
  return cases;
}

}  // namespace

const VectorType message_protection = {
    "message-protection", {.kdf = true, .aead = true, .signature = true}, recognise, run, choose};

}  // namespace tacet::tool
