#pragma once

namespace gauntlet {

/// Makes malloc keep freed blocks for the next pass, however large they are. By default glibc gives
/// those of many megabytes back at once, and getting their pages again costs a quarter of a forward
/// pass over some hundred images. For programs, before they allocate much.
void keep_freed_memory();

}  // namespace gauntlet
