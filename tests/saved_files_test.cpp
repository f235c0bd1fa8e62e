// What lasts, in files: writes that are cut short, and a process that is killed.

#include "protocol/adapters/saved_files.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <set>

#include "evidence.h"
#include "members.h"
#include "secrets.h"

namespace tacet {
namespace {

using adversary::add_of;
using adversary::must;
using evidence::shows;
using model::octets;

class Folder {
 public:
  Folder() {
    std::string name = ::testing::TempDir() + "tacet-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder in " + ::testing::TempDir());
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(path)) ++count;
    return count;
  }

  std::string path;
};

constexpr std::uint32_t reserved = 3;

class SavedFilesTest : public GroupTest {
 protected:
  void make_pair_that_saves() {
    Member& a = member("A");
    Member& b = member("B");
    for (Member* each : {&a, &b}) each->limits.past_epochs = 8;
    b.limits.reserved_generations = reserved;
    a.create(group_id);
    a.commit(with(add_of(b.publish())));
    must(b.join(a.welcome()));
    a.group.adopt_pending();
  }
  Member& a() { return *members[0]; }
  Member& b() { return *members[1]; }
  static Error save(SavedFiles& files, Member& member) {
    return files.save(member.group, view(member.storage_key));
  }
  std::unique_ptr<Member> again(Random& source) {
    auto made = std::make_unique<Member>("B", source);
    made->start_again_as(b());
    return made;
  }

  Folder folder;
};

// No file of this process can be longer than that.
class ShortFiles {
 public:
  explicit ShortFiles(std::size_t most) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = most;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~ShortFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  ShortFiles(const ShortFiles&) = delete;
  ShortFiles& operator=(const ShortFiles&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST_F(SavedFilesTest, NothingIsThereBeforeTheFirstSave) {
  make_pair_that_saves();
  SavedFiles files(folder.path);
  const auto restored = again(random);
  EXPECT_EQ(files.restore(restored->group, view(restored->storage_key)), Error::storage_failed);
  EXPECT_EQ(errno, ENOENT);
  SavedFiles nowhere(folder.path + "/nowhere");
  EXPECT_EQ(save(nowhere, b()), Error::storage_failed);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_TRUE(b().say("not saved").empty());
  EXPECT_EQ(b().error, Error::save_first);
}

// At every octet, of the ratchets alone and of a new epoch: what is there is the old save or the new one, and
// the process that goes on saves again.
TEST_F(SavedFilesTest, AWriteThatIsCutLeavesTheOldSaveOrTheNew) {
  for (const bool is_new_epoch : {false, true}) {
    SCOPED_TRACE(is_new_epoch);
    members.clear();
    make_pair_that_saves();
    Folder lasting;
    SavedFiles files(lasting.path);
    must(save(files, b()));
    const std::uint64_t old_epoch = b().group.state().context().epoch;
    if (is_new_epoch) commit_by(a());
    bool is_whole = false;
    std::size_t cut = 0;
    for (; !is_whole; ++cut) {
      {
        const ShortFiles limit(cut);
        const Error error = save(files, b());
        is_whole = error == Error::none;
        ASSERT_TRUE(is_whole || (error == Error::storage_failed && errno == EFBIG)) << cut;
      }
      const auto restored = again(random);
      ASSERT_EQ(SavedFiles(lasting.path).restore(restored->group, view(restored->storage_key)), Error::none);
      ASSERT_EQ(restored->group.state().context().epoch, old_epoch + (is_new_epoch && is_whole ? 1 : 0));
    }
    EXPECT_GT(cut, 500u);
    EXPECT_EQ(lasting.files(), 2u) << "nothing is left behind";
    EXPECT_FALSE(b().say("saved").empty());
  }
}

// ---- the crash test

// Frames over a socket: a kind, a number, and octets.
struct Frame {
  char kind = 0;  // to B: 'm'essage, 's'ay, 'c'ommit; from B: 'a'cknowledged, 'o'ut, 'r'eady, 'x' failed
  std::uint32_t number = 0;
  Octets octets;
};

// One datagram each, so that no half of one is left by who is killed.
void send_frame(int descriptor, const Frame& frame) {
  Octets all = model::number(static_cast<std::uint8_t>(frame.kind), 1) + model::number(frame.number, 4);
  all.insert(all.end(), frame.octets.begin(), frame.octets.end());
  static_cast<void>(::send(descriptor, all.data(), all.size(), MSG_NOSIGNAL));
}

std::optional<Frame> receive_frame(int descriptor) {
  Octets room(1 << 17);
  const ssize_t size = ::recv(descriptor, room.data(), room.size(), 0);
  if (size < 5) return std::nullopt;
  Frame frame;
  frame.kind = static_cast<char>(room[0]);
  for (std::size_t i = 1; i < 5; ++i) frame.number = frame.number << 8 | room[i];
  frame.octets.assign(room.begin() + 5, room.begin() + size);
  return frame;
}

// B in a process of its own: what it is told to do, and no more is acknowledged than it has saved.
class Talker {
 public:
  Talker(Member& member, std::string folder, int socket)
      : member_(member), files_(std::move(folder)), socket_(socket) {}

  void run() {
    must(files_.restore(member_.group, view(member_.storage_key)));
    save();
    send_frame(socket_, {'r', 0, {}});
    while (const std::optional<Frame> told = receive_frame(socket_)) {
      if (told->kind == 'm') hear(*told);
      if (told->kind == 's') say(*told);
      if (told->kind == 'c') commit();
      if (told->kind != 's') save();
      send_frame(socket_, {'a', told->number, {}});
    }
  }

 private:
  void save() { must(files_.save(member_.group, view(member_.storage_key))); }

  // What was acknowledged before a crash does not come again; what was not, may have been heard.
  void hear(const Frame& told) {
    const Error error = member_.receive(told.octets);
    const bool was_heard = error == Error::generation_gone || error == Error::epoch_past;
    if (!was_heard) must(error);
  }

  void say(const Frame& told) {
    Octets said = member_.say(std::string(told.octets.begin(), told.octets.end()));
    if (member_.error == Error::save_first) {
      save();
      said = member_.say(std::string(told.octets.begin(), told.octets.end()));
    }
    must(member_.error);
    send_frame(socket_, {'o', told.number, said});
  }

  // One that waits is sent again, and saved before it leaves.
  void commit() {
    if (!member_.group.has_pending()) {
      member_.commit();
      if (member_.error == Error::save_first) save(), member_.commit();
      must(member_.error);
      save();
    }
    send_frame(socket_, {'o', 0, octets(member_.group.pending_commit())});
  }

  Member& member_;
  SavedFiles files_;
  int socket_;
};

// The delivery service, and A, who hears all that leaves B. It kills B and starts it again.
class CrashTest : public SavedFilesTest {
 protected:
  void start() {
    int sockets[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(sockets[0]);
      adversary::SeededRandom fresh(1000 + starts_);  // not what the process before has drawn
      try {
        Talker(*again(fresh), folder.path, sockets[1]).run();
      } catch (const std::exception& failure) {
        send_frame(sockets[1], {'x', 0, octets(failure.what())});
      }
      std::_Exit(0);
    }
    ASSERT_GT(process_, 0);
    ::close(sockets[1]);
    socket_ = sockets[0];
    ++starts_;
    for (const Frame& each : mail_) send_frame(socket_, each);  // what was not acknowledged
  }

  void kill() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    while (const std::optional<Frame> frame = receive_frame(socket_)) take(*frame);  // it has left B
    ::close(socket_);
  }

  void post(char kind, const Octets& content) {
    mail_.push_back({kind, ++posted_, content});
    send_frame(socket_, mail_.back());
  }

  void take(const Frame& frame) {
    ++frames_;
    EXPECT_NE(frame.kind, 'x') << std::string(frame.octets.begin(), frame.octets.end());
    if (frame.kind == 'a') {
      while (!mail_.empty() && mail_.front().number <= frame.number) mail_.pop_front();
      ++acknowledged_;
    }
    if (frame.kind == 'o') deliver(frame.octets);
  }

  // Each generation once: A takes what it has not seen, and would refuse a key that was used.
  void deliver(const Octets& message) {
    if (!seen_.insert(message).second) return;  // a Commit that is sent again
    MlsMessage decoded;
    must(decode(Bytes(message), decoded));
    const bool is_commit = decoded.private_message.content_type == ContentType::commit;
    if (is_commit && decoded.private_message.epoch != a().group.state().context().epoch) return;  // too late
    ASSERT_EQ(a().receive(message), Error::none);
    ++heard_;
    if (is_commit) post('m', message);
  }

  // Until `done`, or for some time at the most.
  template <class Done>
  void serve(Done done, int microseconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
    while (!done() && std::chrono::steady_clock::now() < end) {
      pollfd poll = {socket_, POLLIN, 0};
      if (::poll(&poll, 1, 1) > 0) {
        const std::optional<Frame> frame = receive_frame(socket_);
        if (!frame) return;
        take(*frame);
      }
    }
  }

  std::size_t commits_waiting() const {
    std::size_t count = 0;
    for (const Frame& each : mail_) {
      MlsMessage decoded;
      if (each.kind != 'm') continue;
      must(decode(Bytes(each.octets), decoded));
      if (decoded.private_message.content_type == ContentType::commit) ++count;
    }
    return count;
  }

  void post_something() {
    const std::uint64_t draw = next() % 8;
    if (draw == 0 && commits_waiting() < 6) {  // A still reads what B has sent in so many epochs
      const Octets commit = a().commit();
      a().group.adopt_pending();
      post('m', commit);
    } else if (draw == 1) {
      post('c', {});
    } else if (draw < 4) {
      post('m', a().say("from A"));
    } else {
      post('s', octets("from B"));
    }
  }

  std::uint64_t next() {
    std::uint8_t drawn[8];
    must(chance_.fill(drawn));
    std::uint64_t value = 0;
    for (const std::uint8_t octet : drawn) value = value << 8 | octet;
    return value;
  }

  adversary::SeededRandom chance_{20};
  std::uint64_t starts_ = 0, frames_ = 0;
  pid_t process_ = -1;
  int socket_ = -1;
  std::deque<Frame> mail_;
  std::uint32_t posted_ = 0, acknowledged_ = 0, heard_ = 0;
  std::set<Octets> seen_;
};

TEST_F(CrashTest, AProcessThatIsKilledGoesOn) {
  constexpr int kills = 200;
  make_pair_that_saves();
  {
    SavedFiles files(folder.path);
    must(save(files, b()));
  }
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    start();
    const std::uint64_t some = 1 + next() % 6;
    for (std::uint64_t k = 0; k < some; ++k) post_something();
    const std::uint64_t until = frames_ + next() % (mail_.size() + 2);  // and a moment more
    serve([&] { return frames_ >= until; }, 2'000'000);
    serve([] { return false; }, static_cast<int>(next() % 3000));
    kill();
  }
  start();
  serve([this] { return mail_.empty(); }, 60'000'000);
  EXPECT_TRUE(mail_.empty());
  ::shutdown(socket_, SHUT_WR);  // it ends by itself
  ::waitpid(process_, nullptr, 0);
  ::close(socket_);
  EXPECT_GT(acknowledged_, 100u) << "killed too soon for anything to happen";
  EXPECT_GT(heard_, 50u);

  const auto restored = again(random);
  SavedFiles files(folder.path);
  must(files.restore(restored->group, view(restored->storage_key)));
  restored->group.drop_pending();
  EXPECT_EQ(restored->authenticator(), a().authenticator());
  must(save(files, *restored));
  EXPECT_EQ(a().receive(restored->say("done")), Error::none);
  EXPECT_EQ(restored->receive(a().say("done")), Error::none);
  std::printf("%d kills: %u acknowledged, %u of B's messages heard, epoch %llu\n", kills, acknowledged_,
              heard_, static_cast<unsigned long long>(a().group.state().context().epoch));
  shows("FRAME-39");
}

}  // namespace
}  // namespace tacet
