/// @file
/// The transformations that threats of rotation, translation and flow consist of. Attacks that make
/// their images with these functions are inside by construction; images made elsewhere count, too,
/// where they are the same up to 1e-4. Values between pixels are bilinear, beyond the image 0.
///
/// All three can be differentiated in the image and in the parameter: see
/// Target::gradient_through(). A row depends on nothing but its own.
#pragma once
#include "gauntlet/types.h"

namespace gauntlet {

/// Images [R, C, H, W] turned counter-clockwise about their centre by degrees: [R].
GAUNTLET_API Tensor rotated(const Tensor& x, const Tensor& degrees);
/// Images [R, C, H, W] moved by shift pixels down and to the right: [R, 2].
GAUNTLET_API Tensor translated(const Tensor& x, const Tensor& shift);
/// Images [R, C, H, W] whose pixels are read flow pixels below and right of where they stand:
/// [R, 2, H, W]. Xiao et al., 2018, https://arxiv.org/abs/1801.02612, equation 1.
GAUNTLET_API Tensor flowed(const Tensor& x, const Tensor& flow);

}  // namespace gauntlet
