#include "demand.h"

#include <algorithm>
#include <iomanip>

#include "demand_report.h"
#include "progress.h"
#include "report.h"
#include "spec/adversary/trial.h"

namespace tacet::tool {

namespace {

using adversary::Seizure;
using adversary::Trial;
using adversary::ValueId;

constexpr std::size_t most_members = 50'000;
constexpr std::size_t most_live = 64;
constexpr std::size_t most_messages = 100'000;
constexpr std::size_t longest_video = 256;  // MiB

// What is wanted does not make sense; what() says why.
class Senseless : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

ConversationOptions checked(const DemandOptions& options) {
  ConversationOptions wanted = options.conversation;
  if (wanted.members < 2 || wanted.members > most_members)
    throw Senseless("--members: a conversation has 2 to " + grouped(most_members));
  wanted.live = options.live.value_or(std::min(wanted.members, ConversationOptions().live));
  if (wanted.live < 2 || wanted.live > most_live)
    throw Senseless("--live: 2 to " + grouped(most_live) + " members can be live");
  if (wanted.live > wanted.members)
    throw Senseless("--live: " + grouped(wanted.live) + " of " + grouped(wanted.members) + " members");
  if (wanted.messages > most_messages) throw Senseless("--messages: at most " + grouped(most_messages));
  if (wanted.video > longest_video) throw Senseless("--video: at most " + grouped(longest_video) + " MiB");
  return wanted;
}

Wish wish_of(const std::string& text, const ConversationOptions& conversation) {
  const std::size_t at = text.rfind('@');
  const std::string name = text.substr(0, at), step = at == text.npos ? "" : text.substr(at + 1);
  const std::optional<ClientId> who = client_named(name);
  if (step.empty() || step.size() > 9 || step.find_first_not_of("0123456789") != step.npos)
    throw Senseless("--seize: NAME@STEP, as bob@7, and not " + text);
  if (!who.has_value() || *who >= Conversation::clients(conversation))
    throw Senseless("--seize: nobody is called " + name +
                    ": there are alice, bob, carol, member-3 to member-" +
                    std::to_string(Conversation::clients(conversation) - 1));
  if (!Conversation::is_live(conversation, *who))
    throw Senseless("--seize: " + name + " is passive, and has no more than its KeyPackage; " +
                    grouped(conversation.live) + " are live, the first ones");
  const Wish wish = {*who, std::stoul(step)};
  const std::size_t steps = Conversation::steps(conversation);
  if (wish.step < 1 || wish.step > steps)
    throw Senseless("--seize: there is no step " + step + ": they are 1 to " + grouped(steps));
  return wish;
}

// What was said whose plaintext is among those; both are sorted by when it was said, and by id.
std::vector<std::size_t> opened(const Conversation& conversation, const std::vector<ValueId>& derived) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < conversation.said.size(); ++i) {
    if (std::binary_search(derived.begin(), derived.end(), conversation.said[i].plaintext))
      found.push_back(i);
  }
  return found;
}

Demanded judge(Conversation& conversation) {
  Demanded out;
  adversary::Witness& witness = conversation.witness;
  out.keyless = read_without_keys(witness.scenario.provider.hand_over());
  Trial trial(witness);
  out.secrets = witness.ledger.names().size();
  const std::vector<ValueId> derived = witness.closure.derived();
  out.derived = derived.size();
  out.read = opened(conversation, derived);
  out.complaints = trial.names();
  for (std::string& each : trial.without_seizure()) out.complaints.push_back(std::move(each));
  for (std::size_t i = 0; i < witness.seizures.size(); ++i) {
    const Seizure& seizure = witness.seizures[i];
    const std::vector<ValueId> follows = trial.derived(seizure);
    out.seized.push_back({conversation.wishes[i], seizure.held.size(), follows.size(),
                          opened(conversation, follows), trial.with({seizure})});
  }
  return out;
}

}  // namespace

bool Demanded::holds() const {
  return complaints.empty() && read.empty() &&
         std::all_of(seized.begin(), seized.end(),
                     [](const Seized& each) { return each.complaints.empty(); });
}

int demand(const DemandOptions& options) {
  try {
    const ConversationOptions wanted = checked(options);
    std::vector<Wish> wishes;
    for (const std::string& text : options.seizes) wishes.push_back(wish_of(text, wanted));
    Conversation conversation(wanted, std::move(wishes));
    std::ostream& out = options.json == "-" ? std::cerr : std::cout;
    Demanded demanded;
    {
      Progress progress(!options.verbose);
      conversation.show = [&](const std::string& where) { progress.show(where); };
      if (options.verbose) {
        conversation.tell = [&](std::size_t step, const std::string& what) {
          out << std::setw(5) << step << "  " << what << "\n" << std::flush;
        };
      }
      conversation.play();
      progress.show("the demand");
      demanded = judge(conversation);
    }
    const int status = demanded.holds() ? 0 : 1;
    if (options.verbose) out << "\n";
    report_demand(out, wanted, conversation, demanded);
    bool written = static_cast<bool>(out.flush());
    if (!written) std::cerr << "tacet: cannot write the results\n";
    if (!options.json.empty()) {
      written = write_report(options.json, json_of_demand(wanted, conversation, demanded, status)) && written;
    }
    return written ? status : 2;
  } catch (const Senseless& reason) {
    std::cerr << "tacet: " << printable(reason.what()) << "\n";
    return 2;
  } catch (const std::logic_error& difference) {
    std::cout << "failed: " << difference.what() << "\n";
    return 1;
  }
}

}  // namespace tacet::tool
