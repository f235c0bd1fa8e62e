#pragma once

// A sample of each message into the epoch of MessageTest, and an endpoint that takes any bytes for one and
// allocates nothing while it does: for tests of what is cut short or changed on its way.

#include "messages.h"

namespace tacet {

// Room for a few blocks at a time, none of it from the heap.
class ScratchMemory final : public Memory {
 public:
  void* allocate(std::size_t bytes, std::size_t) noexcept override {
    bytes = (bytes + 15) / 16 * 16;
    if (bytes > sizeof scratch_ - used_) return nullptr;
    ++blocks_;
    return scratch_ + std::exchange(used_, used_ + bytes);
  }
  void release(void*, std::size_t) noexcept override {
    if (--blocks_ == 0) used_ = 0;
  }
  std::size_t blocks() const { return blocks_; }

 private:
  alignas(16) std::uint8_t scratch_[1 << 12];
  std::size_t used_ = 0, blocks_ = 0;
};

class MessageSamplesTest : public MessageTest {
 protected:
  MessageSamplesTest() {
    hear();
    key_package.leaf = new_leaf();
    Secret init_key;
    EXPECT_EQ(crypto.generate_key_pair(init_key, key_package.init_key), Error::none);
    init_private_key = octets(init_key);
    joiner = key_package.encoding();
    welcome_secret = model::derive_secret(model::extract(joiner_secret, model::zeros(32)), "welcome");
    group_info_extensions = model::number(4, 2) + model::vector(model::vector(random_octets(32))) +
                            model::number(0xf00f, 2) + model::vector("unknown");
    group_info.group_context = context;
    EXPECT_EQ(Extensions::parse(group_info_extensions, group_info.extensions), Error::none);
    group_info.confirmation_tag = confirmed;  // any bytes will do here
    group_info.signer = {sender};
  }

  // Each can be taken: those from members are their next ones.
  std::map<std::string, Octets> samples() {
    const LeafModel newcomer = new_leaf();
    const Framed proposal = framed(ContentType::proposal, add());
    const Framed a_commit = framed(ContentType::commit, commit(by_value(remove()), new_leaf()));
    const Framed text = framed(ContentType::application, application());
    const Framed from_outside = framed(ContentType::proposal, add(), from(SenderType::external, 1));
    const Framed external_commit =
        framed(ContentType::commit, commit({}, newcomer), from(SenderType::new_member_commit));
    Builder builder(crypto, means(sender));
    return {
        {"public Add", builder.public_message(proposal)},
        {"public Commit", builder.public_message(a_commit)},
        {"external Add", Builder(crypto, means(external[1])).public_message(from_outside)},
        {"external Commit", Builder(crypto, means(newcomer)).public_message(external_commit)},
        {"private text", builder.private_message(text, message_key(sender, RatchetType::application, 1), 9)},
        {"private Commit",
         builder.private_message(a_commit, message_key(sender, RatchetType::handshake, 1), 0)},
        {"Welcome", builder.welcome({group_info, welcome_secret, joiner_secret, {}, {invited()}})},
        {"GroupInfo", builder.group_info(group_info)},
        {"KeyPackage", model::octets(message_header(WireFormat::key_package)) + joiner}};
  }
  adversary::NewMember invited() const {
    const Octets reference =
        model::hash(model::vector("MLS 1.0 KeyPackage Reference") + model::vector(joiner));
    return {reference, key_package.init_key, path_secret};
  }

  // All that is to be held against a message before anything is made of it. Unless its key is used up, it can
  // come again.
  Error take(Bytes input, bool uses_key = false) {
    MlsMessage decoded;
    TRY(decode(input, decoded));
    switch (decoded.wire_format) {
      case WireFormat::public_message:
        TRY(unprotect(crypto, epoch(), decoded.public_message,
                      place_of(unprotect_room(decoded.public_message, epoch())), accepted));
        return check_commit();
      case WireFormat::private_message: {
        PeekedKey key;
        TRY(open(crypto, epoch(), receiving, decoded.private_message,
                 place_of(open_room(decoded.private_message, epoch())), key, accepted));
        uses_key ? receiving.adopt(key) : receiving.drop(key);
        return check_commit();
      }
      case WireFormat::welcome:
        return join(decoded.welcome);
      case WireFormat::group_info:
        TRY(check_group_info(decoded.group_info, suite()));
        return verify(decoded.group_info, place_of(verify_group_info_room(decoded.group_info)));
      case WireFormat::key_package:
        return check_key_package(crypto, decoded.key_package, limits, work);
    }
    return Error::wire_format_unknown;
  }

  Octets init_private_key, joiner, welcome_secret, group_info_extensions;
  Octets joiner_secret = random_octets(32), path_secret = random_octets(32);
  GroupInfo group_info;
  ScratchMemory scratch;
  Octets place = Octets(1 << 14);

 private:
  // The end of the place: what is read or written behind it is found by a sanitizer.
  MutableBytes place_of(std::size_t size) {
    if (size > place.size()) std::abort();
    return MutableBytes(place).last(size);
  }
  Error check_commit() {
    if (accepted.content.content_type != ContentType::commit) return Error::none;
    Digest hash;
    TRY(confirmed_transcript_hash(crypto, interim, accepted, hash));
    return check_confirmation_tag(crypto, view(confirmation_key), hash, accepted.auth.confirmation_tag);
  }
  Error join(const Welcome& welcome) {
    KeyPackage own;
    TRY(decode(joiner, own));
    GroupSecrets secrets;
    TRY(open_group_secrets(crypto, welcome, own, view(init_private_key), scratch, secrets));
    Secret of_welcome;
    TRY(derive_welcome_secret(crypto, secrets.joiner_secret, {}, of_welcome));
    const MutableBytes opened = place_of(open_group_info_room(welcome));
    GroupInfo info;
    TRY(open_group_info(crypto, welcome, of_welcome, opened, info));
    return verify(info, opened);
  }
  Error verify(const GroupInfo& info, MutableBytes opened) {
    const Result<Bytes> key = group_info_signature_key(info, tree);
    TRY(key.error());
    return verify_group_info(crypto, info, key.value(), opened);
  }
};

}  // namespace tacet
