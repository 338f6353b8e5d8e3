/* Files inside the library: read-only data that the linker maps with the code, so
 * that a file in it costs neither start-up time nor memory until it is read. */
#ifndef FCT_BASE_EMBED_H
#define FCT_BASE_EMBED_H

#define FCT_EMBED_TEXT_(x)     #x
#define FCT_EMBED_TEXT(x)      FCT_EMBED_TEXT_(x)
#define FCT_EMBED_NAME(symbol) FCT_EMBED_TEXT(__USER_LABEL_PREFIX__) #symbol

#if defined(_WIN32)
#define FCT_EMBED_BEGIN ".section .rdata,\"dr\"\n"
#define FCT_EMBED_SCOPE(name)
#define FCT_EMBED_END ".text\n"
#elif defined(__APPLE__)
#define FCT_EMBED_BEGIN       ".const\n"
#define FCT_EMBED_SCOPE(name) ".private_extern " name "\n"
#define FCT_EMBED_END         ".text\n"
#else
#define FCT_EMBED_BEGIN       ".pushsection .rodata\n"
#define FCT_EMBED_SCOPE(name) ".hidden " name "\n"
#define FCT_EMBED_END         ".popsection\n"
#endif
#if defined(_WIN32)
#define FCT_EMBED_HIDDEN
#else
#define FCT_EMBED_HIDDEN __attribute__((visibility("hidden")))
#endif

/* Defines symbol[] and symbol_end[], between which the file's bytes lie, at a
 * multiple of 64. path: a string literal as the assembler reads it. */
#define FCT_EMBED(symbol, path)                                                                                        \
    __asm__(FCT_EMBED_BEGIN                                                                                            \
            ".balign 64\n"                                                                                             \
            ".globl " FCT_EMBED_NAME(symbol) "\n" FCT_EMBED_SCOPE(FCT_EMBED_NAME(symbol)) ".globl " FCT_EMBED_NAME(    \
                symbol##_end) "\n" FCT_EMBED_SCOPE(FCT_EMBED_NAME(symbol##_end))                                       \
                FCT_EMBED_NAME(symbol) ":\n.incbin \"" path                                                            \
                                       "\"\n" FCT_EMBED_NAME(symbol##_end) ":\n.byte 0\n" FCT_EMBED_END);              \
    extern FCT_EMBED_HIDDEN const unsigned char symbol[], symbol##_end[]

#endif
