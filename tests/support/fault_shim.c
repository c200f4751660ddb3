/* Stands between an executable and the C library's file calls, so that a test can try every one.
 *
 * Preloaded. A call counts when it touches a file under FAULT_ROOT, where the executable runs, too;
 * of the calls that count, number FAULT_AT (from 1) is struck: FAULT_KIND=kill_before, kill_after
 * SIGKILL, before or behind it FAULT_KIND=short                     a write takes half of what it
 * is given FAULT_KIND=ENOSPC, EIO, EACCES, EROFS, EMFILE   it fails with that, if it is a call that
 * can With FAULT_LENGTH=on the calls after it fail, too. Calls that change something count always,
 * those that open or read with FAULT_READS=1. FAULT_LOG=FILE gets a line a call: number, name, the
 * kinds that can strike it, path; and "struck" where one did. Children are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { none, kill_before, kill_after, half, nospc, io, acces, rofs, mfile, fault_count };
static const char* const kWords[fault_count] = {
    "none", "kill_before", "kill_after", "short", "ENOSPC", "EIO", "EACCES", "EROFS", "EMFILE"};
static const int kErrors[fault_count] = {0, 0, 0, 0, ENOSPC, EIO, EACCES, EROFS, EMFILE};
#define CAN(kind) (1U << (kind))

/* What can befall a call of each sort. */
enum {
  kKills = CAN(kill_before) | CAN(kill_after),
  kWrites = kKills | CAN(half) | CAN(nospc) | CAN(io),
  kGrows = kKills | CAN(nospc) | CAN(io),
  kSyncs = kKills | CAN(nospc) | CAN(io),
  kRemoves = kKills | CAN(io) | CAN(acces) | CAN(rofs),
  kMakes = kRemoves | CAN(nospc),
  kCreates = kMakes | CAN(mfile),
  kMarks = kKills | CAN(io) | CAN(rofs),
  kOpens = CAN(io) | CAN(acces) | CAN(mfile),
  kOpensToWrite = kOpens | CAN(rofs),
  kReads = CAN(io),
};

static struct {
  pid_t pid;
  long at;
  enum fault kind;
  int goes_on;
  int counts_reads;
  int log;
  const char* root;
} setting;
static atomic_long calls;

__attribute__((constructor)) static void set_up(void) {
  const char* at = getenv("FAULT_AT");
  const char* kind = getenv("FAULT_KIND");
  const char* log = getenv("FAULT_LOG");
  setting.root = getenv("FAULT_ROOT");
  setting.at = at == NULL ? 0 : strtol(at, NULL, 10);
  for (int each = 0; kind != NULL && each < fault_count; ++each) {
    if (strcmp(kind, kWords[each]) == 0) setting.kind = (enum fault)each;
  }
  const char* length = getenv("FAULT_LENGTH");
  setting.goes_on = length != NULL && strcmp(length, "on") == 0;
  setting.counts_reads = getenv("FAULT_READS") != NULL;
  setting.log = -1;
  if (log != NULL) {
    setting.log =
        (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  setting.pid = getpid();
}

static void say(const char* text) {
  if (setting.log >= 0) (void)!syscall(SYS_write, setting.log, text, strlen(text));
}

static void log_call(long number, const char* name, unsigned can, const char* path) {
  if (setting.log < 0) return;
  char line[PATH_MAX + 256];
  int size = snprintf(line, sizeof line, "%ld %s ", number, name);
  for (int each = 0; each < fault_count; ++each) {
    if ((can & CAN(each)) != 0) {
      size += snprintf(line + size, sizeof line - (size_t)size, "%s,", kWords[each]);
    }
  }
  snprintf(line + size, sizeof line - (size_t)size, " %s\n", path);
  say(line);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Says what befalls a call on `path`. */
static enum fault fault_of(const char* name, unsigned can, const char* path) {
  const int is_ours = setting.root != NULL && getpid() == setting.pid &&
                      (path[0] != '/' || strncmp(path, setting.root, strlen(setting.root)) == 0);
  if (!is_ours || ((can & kKills) == 0 && !setting.counts_reads)) return none;
  const long number = ++calls;
  log_call(number, name, can, path);
  if (setting.at == 0 || number < setting.at || (number > setting.at && !setting.goes_on)) {
    return none;
  }
  if ((can & CAN(setting.kind)) == 0) return none;
  say("struck\n");
  if (setting.kind == kill_before) die();
  return setting.kind;
}

static enum fault fault_of_descriptor(const char* name, unsigned can, int fd) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0 || path[0] != '/') return none; /* a pipe, a socket */
  path[size] = '\0';
  return fault_of(name, can, path);
}

/* The call itself, with what befalls it: `fate` is an expression, `arguments` the C library's. */
#define INTERPOSE(type, name, parameters, arguments, fate)        \
  type name parameters {                                          \
    static type(*real) parameters;                                \
    if (real == NULL) *(void**)(&real) = dlsym(RTLD_NEXT, #name); \
    const enum fault kind = fate;                                 \
    if (kErrors[kind] != 0) {                                     \
      errno = kErrors[kind];                                      \
      return -1;                                                  \
    }                                                             \
    const type result = real arguments;                           \
    if (kind == kill_after) die();                                \
    return result;                                                \
  }

#define ON_FD(can) fault_of_descriptor(__func__, can, fd)
#define ON_PATH(can) fault_of(__func__, can, path)
#define TAKEN(size) (kind == half && (size) > 1 ? (size) / 2 : (size))

INTERPOSE(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, TAKEN(size)),
          ON_FD(kWrites))
INTERPOSE(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at),
          (fd, data, TAKEN(size), at), ON_FD(kWrites))
INTERPOSE(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at),
          (fd, data, TAKEN(size), at), ON_FD(kWrites))
INTERPOSE(ssize_t, writev, (int fd, const struct iovec* parts, int count), (fd, parts, count),
          ON_FD(kGrows))
INTERPOSE(ssize_t, pwritev, (int fd, const struct iovec* parts, int count, off_t at),
          (fd, parts, count, at), ON_FD(kGrows))
INTERPOSE(ssize_t, copy_file_range,
          (int from, off64_t* from_at, int fd, off64_t* at, size_t size, unsigned flags),
          (from, from_at, fd, at, size, flags), ON_FD(kGrows))
INTERPOSE(ssize_t, sendfile, (int fd, int from, off_t* at, size_t size), (fd, from, at, size),
          ON_FD(kGrows))
INTERPOSE(int, fsync, (int fd), (fd), ON_FD(kSyncs))
INTERPOSE(int, fdatasync, (int fd), (fd), ON_FD(kSyncs))
INTERPOSE(int, ftruncate, (int fd, off_t size), (fd, size), ON_FD(kGrows))
INTERPOSE(int, ftruncate64, (int fd, off64_t size), (fd, size), ON_FD(kGrows))
INTERPOSE(int, fchmod, (int fd, mode_t mode), (fd, mode), ON_FD(kMarks))
INTERPOSE(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), ON_FD(kMarks))
INTERPOSE(int, rename, (const char* from, const char* path), (from, path), ON_PATH(kMakes))
INTERPOSE(int, renameat, (int old_dir, const char* from, int new_dir, const char* path),
          (old_dir, from, new_dir, path), ON_PATH(kMakes))
INTERPOSE(int, renameat2,
          (int old_dir, const char* from, int new_dir, const char* path, unsigned flags),
          (old_dir, from, new_dir, path, flags), ON_PATH(kMakes))
INTERPOSE(int, link, (const char* from, const char* path), (from, path), ON_PATH(kMakes))
INTERPOSE(int, linkat, (int old_dir, const char* from, int new_dir, const char* path, int flags),
          (old_dir, from, new_dir, path, flags), ON_PATH(kMakes))
INTERPOSE(int, symlink, (const char* target, const char* path), (target, path), ON_PATH(kMakes))
INTERPOSE(int, unlink, (const char* path), (path), ON_PATH(kRemoves))
INTERPOSE(int, unlinkat, (int dir, const char* path, int flags), (dir, path, flags),
          ON_PATH(kRemoves))
INTERPOSE(int, rmdir, (const char* path), (path), ON_PATH(kRemoves))
INTERPOSE(int, mkdir, (const char* path, mode_t mode), (path, mode), ON_PATH(kMakes))
INTERPOSE(int, truncate, (const char* path, off_t size), (path, size), ON_PATH(kMakes))
INTERPOSE(int, chmod, (const char* path, mode_t mode), (path, mode), ON_PATH(kRemoves))
INTERPOSE(ssize_t, read, (int fd, void* data, size_t size), (fd, data, size), ON_FD(kReads))
INTERPOSE(ssize_t, pread, (int fd, void* data, size_t size, off_t at), (fd, data, size, at),
          ON_FD(kReads))
INTERPOSE(ssize_t, pread64, (int fd, void* data, size_t size, off64_t at), (fd, data, size, at),
          ON_FD(kReads))

static unsigned can_befall_open(int flags) {
  if ((flags & O_CREAT) != 0) return kCreates;
  return (flags & O_ACCMODE) == O_RDONLY ? kOpens : kOpensToWrite;
}

/* Creating is what changes something: other opens count as reads do. */
#define INTERPOSE_OPEN(name, parameters, arguments)                        \
  int name parameters {                                                    \
    static int(*real) parameters;                                          \
    if (real == NULL) *(void**)(&real) = dlsym(RTLD_NEXT, #name);          \
    mode_t mode = 0;                                                       \
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {                          \
      va_list rest;                                                        \
      va_start(rest, flags);                                               \
      mode = va_arg(rest, mode_t);                                         \
      va_end(rest);                                                        \
    }                                                                      \
    const enum fault kind = fault_of(#name, can_befall_open(flags), path); \
    if (kErrors[kind] != 0) {                                              \
      errno = kErrors[kind];                                               \
      return -1;                                                           \
    }                                                                      \
    const int result = real arguments;                                     \
    if (kind == kill_after) die();                                         \
    return result;                                                         \
  }

INTERPOSE_OPEN(open, (const char* path, int flags, ...), (path, flags, mode))
INTERPOSE_OPEN(open64, (const char* path, int flags, ...), (path, flags, mode))
INTERPOSE_OPEN(openat, (int dir, const char* path, int flags, ...), (dir, path, flags, mode))
INTERPOSE_OPEN(openat64, (int dir, const char* path, int flags, ...), (dir, path, flags, mode))
