/* The bytes the host reads before it trusts a plugin: plain C, no pointers, fixed size. The stamp
 * lies in the ELF section ".gauntlet" and is read from the file, before any code of it runs. */
#ifndef GAUNTLET_ABI_H
#define GAUNTLET_ABI_H
#include <stdint.h>

#define GAUNTLET_MAGIC "GAUNTLET-STAMP\n"
#define GAUNTLET_API __attribute__((visibility("default")))

typedef struct gauntlet_stamp {
  char magic[16];
  uint32_t stamp_size;
  char abi[20];      /* digest of the SDK headers it was compiled against, 16 hex digits */
  char kind[16];     /* "attack" or "defense" */
  char name[48];     /* [a-z0-9_]+, unique within its kind */
  char version[16];  /* the plugin's own semantic version */
  char torch[32];    /* TORCH_VERSION of the headers compiled against */
  char stdlib[48];   /* C++ standard library and its ABI */
  char compiler[48]; /* __VERSION__ */
  char summary[96];  /* one line for `gauntlet plugins list` */
} gauntlet_stamp;

#define GAUNTLET_STR_(x) #x
#define GAUNTLET_STR(x) GAUNTLET_STR_(x)
#if defined(_LIBCPP_VERSION)
#define GAUNTLET_STDLIB "libc++ " GAUNTLET_STR(_LIBCPP_VERSION)
#else
#define GAUNTLET_STDLIB "libstdc++ cxx11abi=" GAUNTLET_STR(_GLIBCXX_USE_CXX11_ABI)
#endif

#endif
