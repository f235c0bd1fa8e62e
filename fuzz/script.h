#pragma once

// What a fuzzer's input says: a situation, and messages that come one after the other. Of each it says what
// is in it, and how it is sent.
//
//     situation, then of each message: kind, how, flags, which, the payload's size in two bytes, the payload

#include "protocol/framing.h"
#include "tests/model.h"

namespace tacet {

using model::Octets, model::number, model::vector, model::operator+;

enum class Kind : std::uint8_t {
  whole,      // an MLSMessage, as it is sent
  framed,     // content, as from any sender
  committed,  // the insider's Commit of a list, in two bytes its size, with patches behind it
  genuine,    // of others, as it was sent
  joined,     // as `committed`, by a client that joins from outside
  founded,    // a Welcome to a group that says that it succeeds this one
};
inline constexpr std::uint8_t kinds = 6;

struct Post {
  Kind kind = Kind::whole;
  std::uint8_t how = 0;  // the wire format in bit 0; of what is framed, the sender and the content type too
  // In bit 0 whether what is inside is signed anew; above bit 2, of a PrivateMessage, the padding.
  //     framed     bit 1: it is of the last epoch but one, if bit 2: it is of an epoch that is over
  //     committed  bit 1: it has a path; bit 2: it covers what waits
  //     joined     the same; bit 3: who joins removes its former leaf
  //     founded    bit 1: its Commit has a path; bit 2: its PSK is there twice; bit 3: it is another group's
  std::uint8_t flags = 0;
  // Of what is framed, the generation; of the genuine, the place; who joins: the newcomer, or of whose leaf.
  std::uint8_t which = 0;
  Octets payload;
  static constexpr std::uint8_t signs_anew = 1, with_path = 2, with_waiting = 4, replaces = 8;
  static constexpr std::uint8_t later = 2, late = 4, psk_twice = 4, from_elsewhere = 8;

  WireFormat format() const {
    return (how & 1) != 0 ? WireFormat::private_message : WireFormat::public_message;
  }
  Sender sender() const;
  // 0 too, which there is not.
  ContentType content_type() const { return static_cast<ContentType>(how >> 6); }
  bool signs_inside() const { return (flags & signs_anew) != 0; }
  bool has_path() const { return (flags & with_path) != 0; }
  bool covers_waiting() const { return (flags & with_waiting) != 0; }
  std::size_t epochs_back() const {
    if (kind != Kind::framed || (flags & late) == 0) return 0;
    return (flags & later) != 0 ? 2 : 1;
  }
  bool replaces_former() const { return (flags & replaces) != 0; }
  bool has_psk_twice() const { return (flags & psk_twice) != 0; }
  bool is_from_elsewhere() const { return (flags & from_elsewhere) != 0; }
  std::size_t padding() const { return flags >> 3; }
  // A Commit that nobody may refuse: of nothing, and nothing in it is changed.
  bool has_to_be_taken() const {
    const bool is_one = kind == Kind::committed || (kind == Kind::joined && replaces_former());
    return is_one && has_path() && !covers_waiting() && payload == Octets{0, 0};
  }

  static Post framed(WireFormat format, const Sender& sender, ContentType type, Octets payload);
  static Post committed(const Octets& list, const Octets& patches = {});
  static Post joined(std::uint8_t who, const Octets& list);
};

struct Script {
  static constexpr std::size_t max_posts = 4;
  std::uint8_t situation = 0;
  std::vector<Post> posts;
};
Script read_script(Bytes input);
Octets written(const Script& script);

// What is changed in a Commit on its way, and the rest made to fit.
enum class Place : std::uint8_t {
  node_key,
  node_secret,
  node_left_out,
  leaf,
  leaf_context,
  leaf_signing_key,
  signed_leaf,
  group_context,
  envelope_key,
  envelope_secret,
  kem_output,
  ciphertext,
  init_secret,
  commit_secret,
  psk_secret,
  step,  // of the Builder, from the content on
  external_pub,
  external_init,
};
inline constexpr std::uint8_t places = 18;

struct Patch {
  static constexpr std::uint8_t whole = 255;
  Place place{};
  std::uint8_t index = 0;  // of the node, the envelope, the member, the Step
  std::uint8_t at = 0;     // the octets there are others; or all are, if it is `whole`
  Octets octets;

  Octets operator()(Octets before) const;
};
Octets written(const Patch& patch);

// The list and the patches of Kind::committed and Kind::joined.
struct Committed {
  Octets list;
  std::vector<Patch> patches;
};
Committed read_committed(Bytes payload);

// The first epoch of Kind::founded.
struct Founding {
  static constexpr std::uint8_t no_psk = 0;
  std::uint8_t usage = no_psk;   // a ResumptionPskUsage
  std::uint8_t epochs_back = 0;  // from which the PSK is
  std::uint16_t members = 0;     // beside the founder, each a bit: LiveGroup::candidate
  std::uint8_t epoch = 1;
  std::uint16_t version = 1, suite = 3;
  Octets group_id, extensions;
};
Founding read_founding(Bytes payload);
Octets written(const Founding& founding);

}  // namespace tacet
