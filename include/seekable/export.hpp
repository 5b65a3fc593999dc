// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// What the compiler needs to be told; no types.

/// Marks what a shared library shows to its users.
#define SEEKABLE_EXPORT __attribute__((visibility("default")))

/// Lets clang warn about a view or a reference that outlives what it points into.
#if defined(__clang__)
#define SEEKABLE_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define SEEKABLE_LIFETIMEBOUND
#endif
