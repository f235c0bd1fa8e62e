#pragma once

// The mutator of scripts: another message comes, one goes, or a field of one is changed.

#include "fuzz/attack.h"
#include "fuzz/field_change.h"

namespace tacet {

class ScriptChange {
 public:
  // Learns what is in a group, to put it in the place of what messages hold.
  ScriptChange(LiveGroup& group, FieldChange::Mutate mutate);

  // `group` is the one of the script's situation.
  Octets operator()(Script script, const LiveGroup& group, std::uint32_t seed);

 private:
  void learn_proposals(LiveGroup& group);
  Octets some_proposal() { return proposals_[change_.below(proposals_.size())]; }
  Post new_post(const LiveGroup& group);
  Post new_words(LeafIndex leaf);
  Post late_words();
  Post new_founding(const LiveGroup& group);
  Octets some_list();
  Post new_commit();
  Post new_join();
  Patch new_patch();
  Octets changed_committed(const Octets& payload);
  Octets changed_founding(const Octets& payload, const LiveGroup& group);
  Octets changed_payload(const Post& post, const LiveGroup& group);
  void insert(Script& script, std::size_t at, const Post& post);
  void close_and_succeed(Script& script, const LiveGroup& group);
  void change(Script& script, const LiveGroup& group);

  FieldChange change_;
  std::vector<Octets> proposals_;  // of each type
  Octets closing_;                 // one of them, a ReInit
  Octets own_leaf_;                // of the insider
};

}  // namespace tacet
