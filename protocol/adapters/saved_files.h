#pragma once

// Where what lasts of a group lies: a folder of its own, in a POSIX file system, with one file for the epoch,
// whose name says which it is, and one for the ratchets, which says to which epoch it belongs. A file is
// written beside the one that it replaces, synchronised and then renamed; so after a crash at any moment
// there is the old save or the new one, whole. It is compiled into the program that includes it, never into
// the library.
//
// A file that was replaced may still be found on the medium: whoever has that and the key can read with it
// what the keys of then could.

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "../tacet.h"

namespace tacet {

class SavedFiles {
 public:
  // A folder that is there.
  explicit SavedFiles(std::string folder) : folder_(std::move(folder)) {}

  // Saves what has changed; then the group may use what that reserves. Errors: those of Group::save_epoch and
  // save_ratchets; storage_failed, with errno: then the save before is still there.
  Error save(Group& group, SecretView key) {
    Buffer record;
    if (!group.epoch_is_saved() || !epoch_lasts_) {
      epoch_lasts_ = false;
      TRY(group.save_epoch(key, record));
      TRY(name_epoch(record.bytes()));
      TRY(replace(epoch_, record.bytes()));
      epoch_lasts_ = true;
    }
    TRY(group.save_ratchets(key, record));
    TRY(replace(ratchets, record.bytes()));
    group.saved();
    remove_others();
    return Error::none;
  }

  // Errors: those of Group::restore; storage_failed, with errno, which is ENOENT if nothing was saved here.
  Error restore(Group& group, SecretView key) {
    std::vector<std::uint8_t> of_epoch, of_ratchets;
    TRY(read(ratchets, of_ratchets));
    TRY(name_epoch(of_ratchets));
    TRY(read(epoch_, of_epoch));
    return group.restore(key, of_epoch, of_ratchets);
  }

 private:
  static constexpr const char* ratchets = "ratchets";
  static constexpr const char* epoch = "epoch-";
  static constexpr const char* unfinished = ".new";

  // Closes it, whatever happens.
  class File {
   public:
    File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~File() {
      if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    bool is_open() const { return descriptor_ >= 0; }
    bool write(Bytes bytes) {
      while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
      }
      return true;
    }
    bool read(std::vector<std::uint8_t>& out) {
      std::uint8_t part[4096];
      for (;;) {
        const ssize_t size = ::read(descriptor_, part, sizeof part);
        if (size < 0 && errno != EINTR) return false;
        if (size == 0) return true;
        if (size > 0) out.insert(out.end(), part, part + size);
      }
    }
    bool synchronise() { return ::fsync(descriptor_) == 0; }

   private:
    int descriptor_;
  };

  std::string path(const std::string& name) const { return folder_ + '/' + name; }

  Error name_epoch(Bytes record) {
    SavedSalt salt;
    TRY(saved_epoch_of(record, salt));
    epoch_ = epoch;
    for (const std::uint8_t octet : salt) {
      epoch_ += "0123456789abcdef"[octet >> 4];
      epoch_ += "0123456789abcdef"[octet & 15];
    }
    return Error::none;
  }

  Error replace(const std::string& name, Bytes record) {
    const std::string beside = path(name + unfinished);
    {
      File file(beside, O_WRONLY | O_CREAT | O_TRUNC);
      if (!file.is_open() || !file.write(record) || !file.synchronise()) return Error::storage_failed;
    }
    if (std::rename(beside.c_str(), path(name).c_str()) != 0) return Error::storage_failed;
    File folder(folder_, O_RDONLY | O_DIRECTORY);
    return folder.is_open() && folder.synchronise() ? Error::none : Error::storage_failed;
  }

  Error read(const std::string& name, std::vector<std::uint8_t>& out) {
    File file(path(name), O_RDONLY);
    return file.is_open() && file.read(out) ? Error::none : Error::storage_failed;
  }

  // Epochs that are over, and what a crash has left: they do no harm if they stay.
  void remove_others() {
    DIR* const folder = ::opendir(folder_.c_str());
    if (folder == nullptr) return;
    while (const dirent* const entry = ::readdir(folder)) {
      const std::string name = entry->d_name;
      const bool is_ours = name.rfind(epoch, 0) == 0 || name == std::string(ratchets) + unfinished;
      if (is_ours && name != epoch_) static_cast<void>(::unlink(path(name).c_str()));
    }
    ::closedir(folder);
  }

  std::string folder_;
  std::string epoch_;         // the file of the present epoch
  bool epoch_lasts_ = false;  // that file is there, whole
};

}  // namespace tacet
