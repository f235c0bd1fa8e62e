#include "builder.h"

#include "octets.h"
#include "protocol/adapters/heap_memory.h"

namespace tacet::adversary {

namespace {

// What cannot fail with the means of whoever builds.
void must(Error error) {
  if (error != Error::none) throw std::logic_error(std::string("the builder: ") + describe(error).name);
}

// The one deviation, if there is one, and whether the message has come by it.
class Course {
 public:
  explicit Course(const Deviates& deviates) : deviates_(deviates) {}

  Octets at(Step step, Octets honest) {
    if (!deviates_ || deviates_->step != step) return honest;
    Octets changed = deviates_->change(honest);
    if (changed == honest) throw std::logic_error("a deviation that changes nothing");
    taken_ = true;
    return changed;
  }

  Octets end(WireFormat format, const Octets& body) {
    Octets message = at(Step::message, at(Step::version, encoded(ProtocolVersion::mls10)) +
                                           at(Step::wire_format, encoded(format)) + body);
    if (deviates_ && !taken_) throw std::logic_error("a deviation at a step that the message does not have");
    return message;
  }

 private:
  const Deviates& deviates_;
  bool taken_ = false;
};

Octets sign(Crypto& crypto, const Octets& key, const std::string& label, const Octets& content) {
  KeySigner signer(crypto, secret_of(key));
  Octets work(sign_content_layout(label, content.size()).value().size), room(Crypto::max_signature_size);
  const Result<Bytes> signature = sign_with_label(signer, label, {content}, work, room);
  must(signature.error());
  return octets_of(signature.value());
}

Octets seal(Crypto& crypto, SecretView key, SecretView nonce, const Octets& aad, const Octets& plaintext) {
  Octets sealed(plaintext.size() + crypto.suite().tag_size);
  must(crypto.seal(key, nonce, aad, plaintext, sealed));
  return sealed;
}

// FramedContent's fields, encoded.
struct Fields {
  Octets group_id, epoch, sender, authenticated_data, content_type, content;

  Octets all() const { return group_id + epoch + sender + authenticated_data + content_type + content; }
};

Fields fields_of(const Framed& framed, Course& course) {
  return {course.at(Step::group_id, vector_of(framed.group_id)),
          course.at(Step::epoch, encoded(framed.epoch)),
          course.at(Step::sender, encoded(framed.sender)),
          course.at(Step::authenticated_data, vector_of(framed.authenticated_data)),
          course.at(Step::content_type, encoded(framed.content_type)),
          course.at(Step::content, framed.content)};
}

// A message between its FramedContent and the form in which it is sent.
struct Authenticated {
  Octets tbs, signature, confirmation_tag;

  Octets auth() const { return signature + confirmation_tag; }
};

Authenticated authenticate(Crypto& crypto, const Means& means, WireFormat format, const Framed& framed,
                           const Fields& fields, Course& course) {
  const bool with_context =
      framed.sender.type == SenderType::member || framed.sender.type == SenderType::new_member_commit;
  Authenticated made;
  made.tbs = course.at(Step::signed_version, encoded(ProtocolVersion::mls10)) +
             course.at(Step::signed_wire_format, encoded(format)) +
             course.at(Step::signed_group_id, fields.group_id) + course.at(Step::signed_epoch, fields.epoch) +
             course.at(Step::signed_sender, fields.sender) +
             course.at(Step::signed_authenticated_data, fields.authenticated_data) + fields.content_type +
             course.at(Step::signed_content, fields.content) +
             course.at(Step::signed_group_context, with_context ? means.group_context : Octets());
  const Octets key = course.at(Step::signing_key, means.signing_key);
  made.signature = course.at(Step::signature, vector_of(sign(crypto, key, "FramedContentTBS", made.tbs)));
  Octets tag;
  if (framed.content_type == ContentType::commit) {
    tag = vector_of(means.confirm(encoded(format) + fields.all() + made.signature));
  }
  made.confirmation_tag = course.at(Step::confirmation_tag, tag);
  return made;
}

}  // namespace

Octets vector_of(Bytes content) { return encoded(content); }

Change flipped() {
  return [](Octets octets) { return flipped(8 * octets.size() - 1)(octets); };
}
Change flipped(std::size_t bit) {
  return [bit](Octets octets) {
    octets.at(bit / 8) = static_cast<std::uint8_t>(octets[bit / 8] ^ 0x80 >> bit % 8);
    return octets;
  };
}
Change shortened() {
  return [](Octets octets) {
    octets.pop_back();
    return octets;
  };
}
Change extended(Octets by) {
  return [by](const Octets& octets) { return octets + by; };
}
Change left_out() { return replaced_by({}); }
Change replaced_by(Octets octets) {
  return [octets](const Octets&) { return octets; };
}
Change replaced_at(std::size_t offset, Octets by) {
  return [offset, by](Octets octets) {
    for (std::size_t i = 0; i < by.size(); ++i) octets.at(offset + i) = by[i];
    return octets;
  };
}
Change inside(Change change) {
  return [change](const Octets& octets) {
    Bytes content;
    must(decode(octets, content));
    return vector_of(change(octets_of(content)));
  };
}

Octets Builder::public_message(const Framed& framed, const Deviates& deviates) {
  Course course(deviates);
  const Fields fields = fields_of(framed, course);
  const Authenticated made =
      authenticate(crypto_, means_, WireFormat::public_message, framed, fields, course);
  Octets membership_tag;
  if (framed.sender.type == SenderType::member) {
    const Octets tagged = course.at(Step::tagged_content,
                                    encoded(ProtocolVersion::mls10) + encoded(WireFormat::public_message) +
                                        fields.all() + means_.group_context + made.auth());
    const Octets key = course.at(Step::membership_key, means_.membership_key);
    Digest tag;
    must(crypto_.mac(secret_of(key), {tagged}, tag));
    membership_tag = vector_of(tag);
  }
  membership_tag = course.at(Step::membership_tag, membership_tag);
  return course.end(WireFormat::public_message, fields.all() + made.auth() + membership_tag);
}

Octets Builder::private_message(const Framed& framed, const OpenMessageKey& message_key, std::size_t padding,
                                const Deviates& deviates) {
  Course course(deviates);
  const Fields fields = fields_of(framed, course);
  const Authenticated made =
      authenticate(crypto_, means_, WireFormat::private_message, framed, fields, course);

  SenderData sender_data = {framed.sender.leaf_index, message_key.generation, {}};
  must(crypto_.random(sender_data.reuse_guard));
  const Octets content = course.at(Step::private_message_content,
                                   fields.content + made.auth() + course.at(Step::padding, Octets(padding)));
  const Octets content_aad = course.at(
      Step::content_aad, fields.group_id + fields.epoch + fields.content_type + fields.authenticated_data);
  const Octets key = course.at(Step::message_key, message_key.key);
  const Octets nonce = course.at(Step::message_nonce, message_key.nonce);
  Secret guarded;
  must(crypto_.guard_nonce(secret_of(nonce), sender_data.reuse_guard, guarded));
  const Octets ciphertext =
      course.at(Step::ciphertext, seal(crypto_, secret_of(key), guarded, content_aad, content));

  const Octets sent = course.at(Step::sent_group_id, fields.group_id) +
                      course.at(Step::sent_epoch, fields.epoch) +
                      course.at(Step::sent_content_type, fields.content_type);
  const Octets sender_data_aad = course.at(Step::sender_data_aad, sent);
  const Octets sender_data_secret = course.at(Step::sender_data_secret, means_.sender_data_secret);
  Secret sender_data_key, sender_data_nonce;
  must(derive_sender_data_key(crypto_, secret_of(sender_data_secret), ciphertext, sender_data_key,
                              sender_data_nonce));
  const Octets encrypted_sender_data =
      course.at(Step::encrypted_sender_data,
                vector_of(seal(crypto_, sender_data_key, sender_data_nonce, sender_data_aad,
                               course.at(Step::sender_data, encoded(sender_data)))));
  return course.end(WireFormat::private_message,
                    sent + course.at(Step::sent_authenticated_data, fields.authenticated_data) +
                        encrypted_sender_data + vector_of(ciphertext));
}

namespace {

Octets build_group_info(Crypto& crypto, const Means& means, const GroupInfo& fields, Course& course) {
  const Octets tbs = course.at(Step::group_context, encoded(fields.group_context)) +
                     course.at(Step::group_info_extensions, encoded(fields.extensions)) +
                     course.at(Step::group_info_confirmation_tag, encoded(fields.confirmation_tag)) +
                     course.at(Step::signer, encoded(fields.signer));
  const Octets key = course.at(Step::signing_key, means.signing_key);
  const Octets signature = sign(crypto, key, "GroupInfoTBS", course.at(Step::signed_group_info, tbs));
  return course.at(Step::group_info, tbs + course.at(Step::signature, vector_of(signature)));
}

// The entry of a Welcome for one joiner.
Octets invite(Crypto& crypto, const Invitation& invitation, const NewMember& joiner,
              const Octets& encrypted_group_info, Course& course) {
  const Octets path_secret = joiner.path_secret ? Octets{1} + vector_of(*joiner.path_secret) : Octets{0};
  const Octets group_secrets =
      course.at(Step::group_secrets, course.at(Step::joiner_secret, vector_of(invitation.joiner_secret)) +
                                         course.at(Step::path_secret, path_secret) +
                                         course.at(Step::psks, vector_of(invitation.psks)));
  const Octets context = course.at(Step::welcome_context, encrypted_group_info);
  const Octets init_key = course.at(Step::init_key, joiner.init_key);
  HeapMemory memory;
  Octets kem_output(crypto.suite().kem_output_size);
  Octets ciphertext(group_secrets.size() + crypto.suite().tag_size);
  must(encrypt_with_label(crypto, init_key, "Welcome", context, {secret_of(group_secrets)}, memory,
                          kem_output, ciphertext));
  return course.at(Step::new_member, vector_of(joiner.key_package_ref)) +
         course.at(Step::encrypted_group_secrets, vector_of(kem_output) + vector_of(ciphertext));
}

}  // namespace

Octets Builder::group_info(const GroupInfo& fields, const Deviates& deviates) {
  Course course(deviates);
  return course.end(WireFormat::group_info, build_group_info(crypto_, means_, fields, course));
}

Octets Builder::welcome(const Invitation& invitation, const Deviates& deviates) {
  Course course(deviates);
  const Octets group_info = build_group_info(crypto_, means_, invitation.group_info, course);
  const Octets welcome_secret = course.at(Step::welcome_secret, invitation.welcome_secret);
  Secret key, nonce;
  must(crypto_.expand_with_label(secret_of(welcome_secret), "key", {}, crypto_.suite().key_size, key));
  must(crypto_.expand_with_label(secret_of(welcome_secret), "nonce", {}, crypto_.suite().nonce_size, nonce));
  const Octets encrypted_group_info =
      course.at(Step::encrypted_group_info, seal(crypto_, key, nonce, {}, group_info));
  Octets secrets;
  for (const NewMember& joiner : invitation.joiners) {
    secrets = secrets + invite(crypto_, invitation, joiner, encrypted_group_info, course);
  }
  return course.end(WireFormat::welcome, course.at(Step::welcome_suite, encoded(crypto_.suite().suite)) +
                                             course.at(Step::secrets, vector_of(secrets)) +
                                             vector_of(encrypted_group_info));
}

}  // namespace tacet::adversary
