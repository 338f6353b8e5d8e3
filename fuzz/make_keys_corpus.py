#!/usr/bin/env python3
"""Writes fuzz/corpus/keys: files of keys of a gallery whose id and key are zeros, and settings that say how a gallery
is encrypted. Needs libsodium."""
import base64
import ctypes
import ctypes.util
import struct
from pathlib import Path

out = Path(__file__).parent / "corpus" / "keys"
out.mkdir(parents=True, exist_ok=True)
sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
sodium.sodium_init()


def seal(kind, person, content):
    """As docs/gallery-format.md says, with a nonce of one byte's repetition."""
    nonce, zeros = bytes([person % 256]) * 24, bytes(32)
    bound = b"facet gallery 1\0" + kind + bytes(16) + struct.pack("<qq", person, 0)
    sealed, length = ctypes.create_string_buffer(len(content) + 16), ctypes.c_ulonglong()
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed, ctypes.byref(length), content, ctypes.c_ulonglong(len(content)), bound,
        ctypes.c_ulonglong(len(bound)), None, nonce, zeros)
    return b"\1" + nonce + sealed.raw[: length.value]


def line(person, content=b"k" * 32):
    return '{"person":%d,"key":"%s"}\n' % (person, base64.b64encode(seal(b"K", person, content)).decode())


head = '{"facet_keys":1,"gallery":"%s"}\n' % ("00" * 16)
files = {
    "none.keys": head,
    "three.keys": head + line(1) + line(2) + line(9007199254740993),
    "no-end.keys": head + line(7)[:-1],
    "wrong-person.keys": head + line(7).replace(":7,", ":8,"),
    "short.keys": head + line(7, b"short"),
    "negative.keys": head + line(-1),
    "newer.keys": head.replace(":1,", ":2,") + line(1),
    "other.keys": head.replace("00", "11") + line(1),
    "no-base64.keys": head + '{"person":1,"key":"%%%"}\n',
    "bad.json": head + '{"person":1,"key":\n',
    "sealed.setting": "1:%s:%s" % ("00" * 16, seal(b"T", 0, bytes(32)).hex()),
    "short.setting": "1:%s:00" % ("00" * 16),
    "newer.setting": "2:x",
}
for name, text in files.items():
    (out / name).write_bytes(text.encode())
