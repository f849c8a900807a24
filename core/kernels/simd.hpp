// Included by every kernel file before Highway's headers. Targets beyond these are slower than the compiler's own
// fallback for our loops, or have vectors without a size, of which no arrays can be made.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif

// Loops over register arrays must be unrolled early, or the array lives in memory and the kernel runs at a third.
#if defined(__clang__)
#define TESSERA_UNROLL _Pragma("unroll")
#else
#define TESSERA_UNROLL _Pragma("GCC unroll 16")
#endif
