#include "photos/album_page.h"

#include "photos/html_report.h"

#include <string.h>

/* Paper and ink by day, a darkroom by night; one accent, the brown of old prints. Photos stand in rows of one height
 * that fill the width: each grows with its aspect ratio, --r. */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#f8f6f1;--card:#fffdf9;--ink:#26221c;--soft:#6f675b;--line:#e2dbce;"
    "--accent:#8a4a22;--shade:0 1px 2px #3a2a1018,0 6px 18px #3a2a100d}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#171512;--card:#201d19;--ink:#ece6db;--soft:#a1978a;"
    "--line:#35302a;--accent:#e2a878;--shade:0 1px 2px #0008}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",sans-serif}\n"
    "main{max-width:76rem;margin:0 auto;padding:clamp(1.25rem,4vw,3.5rem) clamp(1rem,4vw,2.5rem) 5rem}\n"
    "h1,h2{font-family:Charter,\"Iowan Old Style\",\"Palatino Linotype\",Georgia,serif;font-weight:600;"
    "line-height:1.15;letter-spacing:-.01em;overflow-wrap:anywhere}\n"
    "h1{font-size:clamp(1.9rem,4.5vw,2.9rem);margin:0 0 .35rem}h2{font-size:1.3rem;margin:2.75rem 0 1rem}\n"
    "p{margin:0;color:var(--soft)}a{color:var(--accent);text-underline-offset:.2em}\n"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:3px}\n"
    "header{border-bottom:1px solid var(--line);padding-bottom:1.75rem;margin-bottom:2rem}\n"
    "nav{margin:0 0 1.5rem;font-size:.95rem}nav a{text-decoration:none}nav a:hover{text-decoration:underline}\n"
    "input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:999px;"
    "padding:.5rem 1.1rem;width:min(22rem,100%);margin-top:1.25rem}input::placeholder{color:var(--soft)}\n"
    ".people{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1.75rem 1.25rem;"
    "margin:0;padding:0;list-style:none}\n"
    ".people a{display:block;color:inherit;text-decoration:none;text-align:center;padding:.75rem .5rem;"
    "border-radius:14px;transition:background .15s}.people a:hover{background:var(--card);box-shadow:var(--shade)}\n"
    ".people img,.faces img{width:112px;height:112px;border-radius:50%;object-fit:cover;display:block;"
    "background:var(--line)}.people img{margin:0 auto .8rem;box-shadow:var(--shade)}\n"
    ".people "
    "b{display:block;font-weight:600;overflow-wrap:anywhere;hyphens:auto;line-height:1.3;margin-bottom:.15rem}.people "
    "small{color:var(--soft);font-size:.85rem}\n"
    ".people .nobody b{color:var(--soft);font-weight:400}\n"
    ".faces{display:flex;gap:.6rem;margin:1.5rem 0 0;overflow-x:auto;padding:4px}.faces img{width:80px;height:80px;"
    "flex:none}\n"
    ".with{display:flex;flex-wrap:wrap;gap:.5rem;margin:1.1rem 0 0;padding:0;list-style:none;align-items:baseline}\n"
    ".with a{display:block;border:1px solid var(--line);border-radius:999px;padding:.2rem .85rem;text-decoration:none;"
    "font-size:.9rem;color:inherit;background:var(--card)}.with a:hover{border-color:var(--accent);"
    "color:var(--accent)}.with small{color:var(--soft)}\n"
    ".photos{display:flex;flex-wrap:wrap;gap:.5rem}.photos::after{content:\"\";flex:1e4 0 0}\n"
    ".photos a{--h:13rem;flex:calc(var(--r)*1) 1 calc(var(--r)*var(--h));max-width:calc(var(--r)*var(--h)*1.45);"
    "position:relative;display:block;overflow:hidden;border-radius:6px;background:var(--line);"
    "aspect-ratio:var(--r)}\n"
    ".photos img{width:100%;height:100%;display:block;object-fit:cover}\n"
    ".photos span{position:absolute;inset:auto 0 0;padding:1.6rem .7rem .5rem;font-size:.8rem;line-height:1.35;"
    "color:#fff;background:linear-gradient(#0000,#000b);opacity:0;transition:opacity .15s;overflow-wrap:anywhere}\n"
    ".photos a:hover span,.photos a:focus-visible span,.photos .video span{opacity:1}\n"
    "dialog{border:0;padding:0;margin:0;width:100vw;height:100vh;max-width:none;max-height:none;background:#0e0d0b;"
    "color:#ece6db}\n"
    "dialog figure{margin:0;height:100%;display:grid;grid-template-rows:1fr auto}\n"
    "dialog img{width:100%;height:100%;min-height:0;object-fit:contain}\n"
    "dialog figcaption{padding:.8rem 1.25rem;display:flex;gap:1rem;flex-wrap:wrap;align-items:center;font-size:.9rem}\n"
    "dialog figcaption span{flex:1;overflow-wrap:anywhere}dialog a{color:#e2a878}\n"
    "dialog button{font:inherit;color:inherit;background:#ffffff14;border:0;border-radius:999px;padding:.4rem .95rem;"
    "cursor:pointer}dialog button:hover{background:#ffffff2b}\n"
    "footer{margin-top:4rem;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.85rem;"
    "color:var(--soft)}kbd{font:inherit;font-size:.85em;border:1px solid var(--line);border-radius:4px;"
    "padding:.05em .4em}\n"
    "@media(max-width:34rem){.people{grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));gap:1rem .5rem}"
    ".people img{width:96px;height:96px}.photos a{--h:8rem}}\n"
    "@media(prefers-reduced-motion:reduce){*{transition:none!important}}\n"
    "@media print{.photos a{--h:7rem}input,nav,footer{display:none}}\n";

/* What a page does beyond showing: names are filtered, photos are looked at one by one. Without a script the links
 * lead to the photos themselves. */
static const char script[] =
    "const q=document.querySelector('input'),tiles=[...document.querySelectorAll('.photos a')];\n"
    "if(q){const all=[...document.querySelectorAll('.people li')],plain=s=>s.normalize('NFD').replace(/\\p{M}/gu,'')"
    ".toLowerCase();\n"
    "q.hidden=false;q.addEventListener('input',()=>{const w=plain(q.value.trim());"
    "for(const li of all)li.hidden=!plain(li.querySelector('b').textContent).includes(w);"
    "for(const h of document.querySelectorAll('h2'))h.hidden=!h.nextElementSibling.querySelector('li:not([hidden])')"
    "});\n"
    "addEventListener('keydown',e=>{if(e.key=='/'&&document.activeElement!=q){e.preventDefault();q.focus()}"
    "if(e.key=='Enter'&&document.activeElement==q&&q.value){const li=all.find(l=>!l.hidden);"
    "if(li)location=li.querySelector('a').href}"
    "if(e.key=='Escape'&&document.activeElement==q){q.value='';q.dispatchEvent(new Event('input'))}})}\n"
    "if(tiles.length){const d=document.querySelector('dialog'),im=d.querySelector('img'),"
    "cap=d.querySelector('span'),orig=d.querySelector('a');let at=0;\n"
    "const show=i=>{at=(i+tiles.length)%tiles.length;const t=tiles[at],small=t.querySelector('img');"
    "orig.href=t.href;cap.textContent=small.alt;im.alt=small.alt;im.onerror=()=>{im.onerror=null;im.src=small.src};"
    "im.src=t.classList.contains('video')?small.src:t.href};\n"
    "tiles.forEach((t,i)=>t.addEventListener('click',e=>{if(e.ctrlKey||e.metaKey||e.shiftKey)return;"
    "e.preventDefault();show(i);d.showModal()}));\n"
    "d.addEventListener('close',()=>{tiles[at].focus();tiles[at].scrollIntoView({block:'nearest'})});\n"
    "d.addEventListener('click',e=>{const b=e.target.dataset.go;if(b)b=='0'?d.close():show(at+ +b);"
    "else if(e.target==im)show(at+1)});\n"
    "d.addEventListener('keydown',e=>{if(e.key=='ArrowRight'||e.key==' '){e.preventDefault();show(at+1)}"
    "if(e.key=='ArrowLeft'){e.preventDefault();show(at-1)}if(e.key=='Home')show(0);if(e.key=='End')show(-1)})}\n";

void cli_page_begin(FILE *f, const char *title) {
    fputs("<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\n",
          f);
    fputs(ALBUM_PAGE_MARK "\n<title>", f);
    cli_html_text(f, title);
    fputs("</title>\n<style>\n", f);
    fputs(style, f);
    fputs("</style>\n<main>\n", f);
}

void cli_page_end(FILE *f) {
    fputs("</main>\n<script>\n", f);
    fputs(script, f);
    fputs("</script>\n", f);
}

void cli_page_address(FILE *f, const char *path) {
    for (const char *p = path; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("/-_.~:", *p);
        if (plain) fputc(*p, f);
        else fprintf(f, "%%%02X", (unsigned)(uint8_t)*p);
    }
}
