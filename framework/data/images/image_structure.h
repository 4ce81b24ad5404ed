// The frame of image files, which stb's decoder takes on trust.
#pragma once
#include <string>
#include <string_view>

namespace gauntlet::data {

/// Throws BadInput, naming `file`, unless these bytes are a whole PNG, JPEG, BMP or PNM image:
/// every part lies inside, checksums are right, the end is there, a PNG unpacks to what its header
/// says, the tables of a JPEG have the sizes they can have, and it is of a kind whose colours are
/// the same to every decoder. Needs no memory to speak of.
void check_image_structure(const std::string& file, std::string_view bytes);
/// The same of a BMP and of a PNM ("P5", "P6") image.
void check_bmp(const std::string& file, std::string_view bytes);
void check_pnm(const std::string& file, std::string_view bytes);

/// Whether a PNG has 16 bits a channel, of which the upper 8 are used.
bool has_sixteen_bits(std::string_view bytes);
/// A JPEG with some noise before its end, which no decoder looks at unless pixels are missing;
/// empty for other images.
std::string with_noise_at_end(const std::string& file, std::string_view bytes);

[[noreturn]] void refuse_damaged(const std::string& file, const std::string& why);

}  // namespace gauntlet::data
