#pragma once

// A mutator that knows fields: it changes one of what a message holds, or an element of a list, and makes the
// lengths around it fit, so that what comes out still parses most of the time.

#include <map>
#include <random>

#include "fuzz/inspected.h"
#include "tests/model.h"

namespace tacet {

using model::Octets;

class FieldChange {
 public:
  // libFuzzer's own mutator, for the content of a field.
  using Mutate = std::size_t (*)(std::uint8_t* data, std::size_t size, std::size_t max_size);

  explicit FieldChange(Mutate mutate) : mutate_(mutate) {}

  // Keeps the parts of a T that decodes, to put them in the place of others of their type.
  template <class T>
  void learn(Bytes input) {
    const tool::Inspection found = look<T>(input);
    if (found.failure.error == Error::none) learn(found);
  }

  // A T in which something is changed; as it is, if it does not decode.
  template <class T>
  Octets of(Bytes input) {
    const tool::Inspection found = look<T>(input);
    return found.failure.error == Error::none ? changed(found) : mutated(model::octets(input));
  }

  // Anything else, which need not parse afterwards.
  Octets mutated(Octets octets);

  void start(std::uint32_t seed) { random_.seed(seed); }
  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  template <class T>
  static tool::Inspection look(Bytes input) {
    static constexpr tool::FieldName name{"input"};
    return tool::Inspector::inspect<T>(input, name, std::size_t{1} << 12);
  }

  void learn(const tool::Inspection& found);
  Octets changed(const tool::Inspection& found);
  Octets changed_part(const tool::Inspection& found, std::size_t part);
  Octets changed_leaf(const tool::Part& part, const Octets& octets, Bytes content);
  Octets interesting_number(std::size_t size);

  Mutate mutate_;
  std::minstd_rand random_;
  std::map<const tool::Type*, std::vector<Octets>> learnt_;
};

}  // namespace tacet
