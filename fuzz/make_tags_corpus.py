#!/usr/bin/env python3
"""Writes the seeds of the fuzzers xmp and picasa.

usage: fuzz/make_tags_corpus.py [fuzz/corpus]

Needs Pillow (PyPI). The same files come out every time; names are seed-*."""

import io
import pathlib
import sys

from PIL import Image

SPACES = (
    "xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/' xmlns:stArea='http://ns.adobe.com/xmp/sType/"
    "Area#' xmlns:stDim='http://ns.adobe.com/xap/1.0/sType/Dimensions#' xmlns:MP='http://ns.microsoft.com/photo/1.2/'"
    " xmlns:MPRI='http://ns.microsoft.com/photo/1.2/t/RegionInfo#'"
    " xmlns:MPReg='http://ns.microsoft.com/photo/1.2/t/Region#' xmlns:f='urn:facet:xmp:1.0#'"
)
RDF = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>%s</rdf:RDF>"
MWG = (
    "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:AppliedToDimensions stDim:w='400' stDim:h='300'/>"
    "<mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType='Resource'><mwg-rs:Name>Ada</mwg-rs:Name><mwg-rs:Area "
    "stArea:x='.2' stArea:y='.35' stArea:w='.2' stArea:h='.3'/></rdf:li><rdf:li><rdf:Description mwg-rs:Name='Eve' "
    "f:WrittenName='Eve' mwg-rs:Type='Face'><mwg-rs:Area stArea:x='.5' stArea:y='.5' stArea:d='.1'/></rdf:Description>"
    "</rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
)
MP = (
    "<MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag><rdf:li MPReg:Rectangle='0.1, 0.2, 0.2, 0.3' "
    "MPReg:PersonDisplayName='Ada'/></rdf:Bag></MPRI:Regions></MP:RegionInfo>"
)


def described(content, attributes=SPACES):
    return "<rdf:Description rdf:about='' %s>%s</rdf:Description>" % (attributes, content)


def packets():
    full = RDF % described(MWG + MP)
    head = "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    yield "full", (head + full + "</x:xmpmeta><?xpacket end='w'?>").encode()
    yield "bare", full.encode()
    yield "empty-rdf", b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>"
    yield "other", (RDF % described("<dc:title>a</dc:title>", "xmlns:dc='http://purl.org/dc/elements/1.1/'")).encode()
    yield "twice", (RDF % (described(MWG) + described(MWG + MP))).encode()
    yield "text-regions", (RDF % described("<mwg-rs:Regions>no struct</mwg-rs:Regions>")).encode()
    yield "utf16", b"\xff\xfe" + full.encode("utf-16-le")
    yield "shown", full.replace("stDim:w='400' stDim:h='300'", "stDim:w='300' stDim:h='400'").encode()
    yield "latin1", full.replace("Ada", "Zo\u00eb").encode("latin-1")
    yield "doctype", b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + full.encode()


def photos():
    im = Image.new("RGB", (40, 30), (90, 120, 150))
    xmp = (RDF % described(MWG)).encode()
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        out = io.BytesIO()
        im.resize((8, 6)).save(out, kind, exif=exif, xmp=xmp) if kind in ("JPEG", "WEBP") else im.resize((8, 6)).save(
            out, kind)
        yield kind.lower(), out.getvalue()
    yield "heic", heic(xmp)


def box(name, content, full=None):
    content = (full.to_bytes(4, "big") if full is not None else b"") + content
    return (8 + len(content)).to_bytes(4, "big") + name + content


def heic(xmp):
    """The boxes of a picture that is turned and has XMP, without its pixels."""
    u16, u32 = (lambda v: v.to_bytes(2, "big")), (lambda v: v.to_bytes(4, "big"))
    infe = box(b"infe", u16(1) + u16(0) + b"hvc1\0", 2 << 24) + box(
        b"infe", u16(2) + u16(0) + b"mime" + b"\0" + b"application/rdf+xml\0", 2 << 24)
    props = box(b"ipco", box(b"ispe", u32(400) + u32(300), 0) + box(b"irot", b"\3")) + box(
        b"ipma", u32(1) + u16(1) + b"\2\x81\x82", 0)
    rest = box(b"pitm", u16(1), 0) + box(b"iinf", u16(2) + infe, 0) + box(b"iprp", props)
    iloc = lambda at: box(b"iloc", u16(0x4400) + u16(1) + u16(2) + u16(0) + u16(1) + u32(at) + u32(len(xmp)), 0)
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    at = len(ftyp) + 12 + len(rest) + len(iloc(0)) + 8
    return ftyp + box(b"meta", rest + iloc(at), 0) + box(b"mdat", xmp)


def lists():
    yield "new", (b"\xef\xbb\xbf[Picasa]\r\nname=x\r\n[a.jpg]\r\nfaces=rect64(3f845bcb59418507),8e62398ebda8c1a5;"
                  b"rect64(5a8b2f5d9a3e),ffffffffffffffff\r\n[Contacts2]\r\n8e62398ebda8c1a5=Ada;a@b.c;\r\n")
    yield "old", (b"[Contacts]\nd10a8325c557b085=joe_lh,cb989580bc43a91\n7=Jos\xe9;x\n[A.JPG]\n"
                  b"faces=rect64(1000200030004000),7\n")
    yield "odd", b"[a.jpg]\nfaces=;rect64(),;rect64(12345678901234567),1;rect64(4000300020001000)\n[\n]\n=\n[]\n"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
    for target, seeds in (("xmp", list(packets()) + list(photos())), ("picasa", lists())):
        (root / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (root / target / ("seed-" + name)).write_bytes(data)


main()
