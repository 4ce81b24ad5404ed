// The frame of PNG and JPEG files, which stb's decoder takes on trust.
#pragma once
#include <string>
#include <string_view>

namespace gauntlet {

/// Throws BadInput, naming `file`, unless these bytes are a whole PNG or JPEG image: every part
/// lies inside, checksums are right, the end is there, a PNG unpacks to what its header says and
/// the tables of a JPEG have the sizes they can have. Needs no memory to speak of.
void check_image_structure(const std::string& file, std::string_view bytes);

}  // namespace gauntlet
