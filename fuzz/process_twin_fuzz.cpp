// The twin of process_fuzz, in which authentication always succeeds: the bytes of a message reach what is
// behind it. The same holds, but that nobody can say which epoch a Commit has to lead to.

#include "fuzz/process.h"
#include "spec/adversary/lenient.h"

namespace tacet {

Process& process() {
  static RepeatedRandom random;
  static adversary::Lenient crypto(random);
  static Process the_process(crypto, random, Authentication::always_succeeds);
  return the_process;
}

}  // namespace tacet
