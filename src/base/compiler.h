/* What differs between compilers. */
#ifndef FCT_BASE_COMPILER_H
#define FCT_BASE_COMPILER_H

/* Checks the arguments of a printf-like function. On Windows gcc's plain
 * "printf" means Microsoft's dialect, which lacks %zu; facet is built with
 * mingw-w64's own stdio there. */
#if defined(__MINGW32__) && !defined(__clang__)
#define FCT_PRINTF(format_index, first_arg) __attribute__((format(gnu_printf, format_index, first_arg)))
#else
#define FCT_PRINTF(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))
#endif

/* The type of a function that a header declares, for a pointer to it. */
#define FCT_TYPE_OF(x) __typeof__(x)

#endif
