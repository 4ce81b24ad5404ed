/** @file
 * The bytes the host reads before it trusts a plugin: plain C, no pointers, fixed size. The stamp
 * lies in the ELF section ".gauntlet" and is read from the file, before any code of it runs. */
#ifndef GAUNTLET_ABI_H
#define GAUNTLET_ABI_H
#include <stdint.h>

/** What a stamp begins with. */
#define GAUNTLET_MAGIC "GAUNTLET-STAMP\n"
/** What libgauntlet exports. */
#define GAUNTLET_API __attribute__((visibility("default")))

/** Who a plugin is and what it was compiled against. Every text ends with a zero byte. */
// NOLINTNEXTLINE(modernize-use-using): plain C.
typedef struct gauntlet_stamp {
  char magic[16];      /**< GAUNTLET_MAGIC */
  uint32_t stamp_size; /**< bytes of this struct */
  char abi[20];        /**< digest of the SDK headers it was compiled against, 16 hex digits */
  char kind[16];       /**< "attack" or "defense" */
  char name[48];       /**< [a-z0-9_]+, unique within its kind */
  char version[16];    /**< the plugin's own semantic version */
  char torch[32];      /**< TORCH_VERSION of the headers compiled against */
  char stdlib[48];     /**< C++ standard library and its ABI */
  char compiler[48];   /**< \c __VERSION__ */
  char summary[96];    /**< one line for `gauntlet plugins list` */
} gauntlet_stamp;

#define GAUNTLET_STR_(x) #x
/** x as a string literal, after macros in it were expanded. */
#define GAUNTLET_STR(x) GAUNTLET_STR_(x)
/** Which C++ standard library, and which ABI of it. */
#if defined(_LIBCPP_VERSION)
#define GAUNTLET_STDLIB "libc++ " GAUNTLET_STR(_LIBCPP_VERSION)
#else
#define GAUNTLET_STDLIB "libstdc++ cxx11abi=" GAUNTLET_STR(_GLIBCXX_USE_CXX11_ABI)
#endif

#endif
