// Records what a process writes, truncates, renames, links, removes and syncs below the folder RECORD_FOLDER, in the
// order in which it happened, at the end of the file RECORD_LOG: one record for each call that succeeded.
// LD_PRELOAD brings it in front of libc. src/power-loss/operations.ts reads the log.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record { uint64_t kind, inode, offset, first, second; };

static const char *folder;
static size_t folder_length;
static int log_file = -1;
static uint64_t inodes[65536]; // by descriptor: 0 for what is elsewhere

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
  folder = getenv("RECORD_FOLDER");
  folder_length = strlen(folder);
  log_file = syscall(SYS_openat, AT_FDCWD, getenv("RECORD_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log_file < 0) _exit(99);
}

static void put(char kind, uint64_t inode, uint64_t offset, const void *first, size_t first_length, const char *second) {
  size_t second_length = second ? strlen(second) : 0;
  struct record record = { (uint64_t)kind, inode, offset, first_length, second_length };
  struct iovec parts[] = { { &record, sizeof record }, { (void *)first, first_length }, { (void *)second, second_length } };
  ssize_t length = sizeof record + first_length + second_length;
  if (syscall(SYS_writev, log_file, parts, 3) != length) _exit(99); // one append: whole, whoever else records
}

static int is_inside(const char *path) { return strncmp(path, folder, folder_length) == 0; }
static uint64_t inode_of(int file) { return file >= 0 && file < 65536 ? inodes[file] : 0; }

static int opened(int file, const char *path, int flags, int existed) {
  struct stat status;
  if (file < 0 || file >= 65536) return file;
  inodes[file] = 0;
  if (!is_inside(path) || fstat(file, &status) != 0) return file;
  inodes[file] = status.st_ino;
  if (!existed) put('C', status.st_ino, 0, path, strlen(path), 0);
  else if (flags & O_TRUNC) put('T', status.st_ino, 0, 0, 0, 0);
  return file;
}

#define OPEN(name)                                                             \
  int name(const char *path, int flags, ...) {                                 \
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
    int existed = access(path, F_OK) == 0;                                     \
    return opened(REAL(name)(path, flags, mode), path, flags, existed);        \
  }
OPEN(open)
OPEN(open64)

int close(int file) {
  if (file >= 0 && file < 65536) inodes[file] = 0;
  return REAL(close)(file);
}

ssize_t write(int file, const void *data, size_t length) {
  ssize_t written = REAL(write)(file, data, length);
  if (written > 0 && inode_of(file)) put('W', inode_of(file), lseek(file, 0, SEEK_CUR) - written, data, written, 0);
  return written;
}

#define PWRITE(name, offset_type)                                              \
  ssize_t name(int file, const void *data, size_t length, offset_type offset) { \
    ssize_t written = REAL(name)(file, data, length, offset);                  \
    if (written > 0 && inode_of(file)) put('W', inode_of(file), offset, data, written, 0); \
    return written;                                                            \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset_type)                                            \
  int name(int file, offset_type length) {                                     \
    int result = REAL(name)(file, length);                                     \
    if (result == 0 && inode_of(file)) put('T', inode_of(file), length, 0, 0, 0); \
    return result;                                                             \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

// A sync covers what was recorded before it began, and holds from when it has ended.
#define SYNC(name)                                                             \
  int name(int file) {                                                         \
    if (inode_of(file)) put('B', inode_of(file), getpid(), 0, 0, 0);           \
    int result = REAL(name)(file);                                             \
    if (result == 0 && inode_of(file)) put('S', inode_of(file), getpid(), 0, 0, 0); \
    return result;                                                             \
  }
SYNC(fsync)
SYNC(fdatasync)

#define TWO_NAMES(name, kind)                                                  \
  int name(const char *from, const char *to) {                                 \
    int result = REAL(name)(from, to);                                         \
    if (result == 0 && is_inside(to)) put(kind, 0, 0, from, strlen(from), to); \
    return result;                                                             \
  }
TWO_NAMES(rename, 'R')
TWO_NAMES(link, 'L')

#define REMOVE(name)                                                           \
  int name(const char *path) {                                                 \
    int result = REAL(name)(path);                                             \
    if (result == 0 && is_inside(path)) put('U', 0, 0, path, strlen(path), 0); \
    return result;                                                             \
  }
REMOVE(unlink)
REMOVE(remove)
