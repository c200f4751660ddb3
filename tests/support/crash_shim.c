/* Kills the process at the n-th operation that changes a file, so that a test can try every n.
 *
 * Preloaded into an executable: CRASH_AT=n (from 1) raises SIGKILL before the n-th such call, with
 * CRASH_WHEN=after right behind it. Children of the process are not affected: the reload hook runs
 * with a scrubbed environment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long calls;

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static long crash_at(void) {
  const char* text = getenv("CRASH_AT");
  return text == NULL ? 0 : strtol(text, NULL, 10);
}

static int crash_after(void) {
  const char* text = getenv("CRASH_WHEN");
  return text != NULL && strcmp(text, "after") == 0;
}

static void before(void) {
  ++calls;
  if (calls == crash_at() && !crash_after()) die();
}

static void after(void) {
  if (calls == crash_at() && crash_after()) die();
}

#define INTERPOSE(type, name, parameters, arguments) \
  type name parameters {                             \
    type(*real) parameters;                          \
    *(void**)(&real) = dlsym(RTLD_NEXT, #name);      \
    before();                                        \
    type result = real arguments;                    \
    after();                                         \
    return result;                                   \
  }

INTERPOSE(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
INTERPOSE(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
INTERPOSE(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at),
          (fd, data, size, at))
INTERPOSE(int, fsync, (int fd), (fd))
INTERPOSE(int, fdatasync, (int fd), (fd))
INTERPOSE(int, rename, (const char* from, const char* to), (from, to))
INTERPOSE(int, renameat, (int old_dir, const char* from, int new_dir, const char* to),
          (old_dir, from, new_dir, to))
INTERPOSE(int, unlink, (const char* path), (path))
INTERPOSE(int, unlinkat, (int dir, const char* path, int flags), (dir, path, flags))
INTERPOSE(int, ftruncate, (int fd, off_t size), (fd, size))
INTERPOSE(int, ftruncate64, (int fd, off64_t size), (fd, size))
INTERPOSE(int, mkdir, (const char* path, mode_t mode), (path, mode))
INTERPOSE(int, fchmod, (int fd, mode_t mode), (fd, mode))

/* Opening counts only where it may create a file. */
#define INTERPOSE_OPEN(name)                              \
  int name(const char* path, int flags, ...) {            \
    int (*real)(const char*, int, ...);                   \
    *(void**)(&real) = dlsym(RTLD_NEXT, #name);           \
    if ((flags & O_CREAT) == 0) return real(path, flags); \
    va_list rest;                                         \
    va_start(rest, flags);                                \
    const mode_t mode = va_arg(rest, mode_t);             \
    va_end(rest);                                         \
    before();                                             \
    const int result = real(path, flags, mode);           \
    after();                                              \
    return result;                                        \
  }

INTERPOSE_OPEN(open)
INTERPOSE_OPEN(open64)
