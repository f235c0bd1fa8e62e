// A live group, fed with sequences of messages whose authentication is re-made around what is changed in
// them. What is refused leaves a receiver as it was, and the genuine message is still taken. Two receivers
// who take a Commit are in the same epoch, the one that the insider meant, and can go on. Of an epoch that is
// over they take what was said in it, once, if it is the last one, and nothing else. Of the groups that say
// that they succeed this one they join those that do so by the rules.

#include "fuzz/process.h"

namespace tacet {

Process& process() {
  static RepeatedRandom random;
  static Sodium crypto(random);
  static Process the_process(crypto, random, Authentication::real);
  return the_process;
}

}  // namespace tacet
