//! Libraries that programs of any language load.

use super::{Signature, signature};

pub(super) const SIGNATURES: &[Signature] = &[
    signature(
        "glibc",
        &["libc.so.6", "libc-2.*.so"],
        &[
            r"GNU C Library \([^)\x00]{0,80}\) (?:stable|development) release version ([0-9]+\.[0-9]+(?:\.[0-9]+)?)",
        ],
        "gnu:glibc",
    ),
    signature(
        "musl",
        &["libc.so", "libc.musl-*.so.1", "ld-musl-*.so.1"],
        &[r"\x00(1\.[0-9]\.[0-9]{1,2})\x00"],
        "musl-libc:musl",
    )
    .needs("musl libc"),
    signature(
        "openssl",
        &["openssl", "libssl.so*", "libcrypto.so*"],
        &[
            r"OpenSSL ([0-9]+\.[0-9]+\.[0-9]+[a-z]{0,2}(?:-(?:alpha|beta|pre|dev)[0-9]*)?(?:-fips)?) +[0-9]{1,2} [A-Z][a-z]{2} 20",
        ],
        "openssl:openssl",
    ),
    signature(
        "gnutls",
        &["libgnutls.so*"],
        &[r"Enabled GnuTLS ([0-9]+\.[0-9]+\.[0-9]+)"],
        "gnu:gnutls",
    ),
    signature(
        "libgcrypt",
        &["libgcrypt.so*"],
        &[r"This is Libgcrypt ([0-9]+\.[0-9]+\.[0-9]+)"],
        "gnupg:libgcrypt",
    ),
    signature(
        "libcurl",
        &["libcurl.so*", "libcurl-*.so*"],
        &[r"libcurl/([0-9]+\.[0-9]+\.[0-9]+)"],
        "haxx:libcurl",
    ),
    signature(
        "krb5",
        &["libkrb5.so*"],
        &[r"KRB5_BRAND: krb5-([0-9]+\.[0-9]+(?:\.[0-9]+)?)-"],
        "mit:kerberos_5",
    ),
    signature(
        "libssh2",
        &["libssh2.so*"],
        &[r"SSH-2\.0-libssh2_([0-9]+\.[0-9]+\.[0-9]+)"],
        "libssh2:libssh2",
    ),
    signature(
        "zlib",
        &["libz.so*"],
        &[r"deflate ([0-9]+\.[0-9]+(?:\.[0-9]+){0,2}) Copyright"],
        "zlib:zlib",
    ),
    signature(
        "liblzma",
        &["liblzma.so*"],
        &[r"\x00(5\.[0-9]{1,2}\.[0-9]{1,2}(?:alpha|beta)?)\x00"],
        "tukaani:xz",
    )
    .needs("lzma_"),
    signature(
        "lz4",
        &["liblz4.so*", "lz4"],
        &[r"\x00(1\.[0-9]{1,2}\.[0-9]{1,2})\x00"],
        "lz4_project:lz4",
    )
    .needs("LZ4"),
    signature(
        "libarchive",
        &["libarchive.so*"],
        &[r"libarchive ([0-9]+\.[0-9]+\.[0-9]+)\x00"],
        "libarchive:libarchive",
    ),
    signature(
        "sqlite",
        &["libsqlite3.so*", "sqlite3"],
        &[r"\x00(3\.[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9])?)\x00"],
        "sqlite:sqlite",
    )
    .needs("sqlite_"),
    signature(
        "expat",
        &["libexpat.so*", "libexpatw.so*"],
        &[r"expat_([0-9]+\.[0-9]+\.[0-9]+)"],
        "libexpat_project:libexpat",
    ),
    signature(
        "libxml2",
        &["libxml2.so.2.*"],
        &[r"name:^libxml2\.so\.(2\.[0-9]{1,2}\.[0-9]{1,2})$"],
        "xmlsoft:libxml2",
    )
    .needs("xmlParseDoc"),
    signature(
        "pcre2",
        &["libpcre2-*.so*"],
        &[r"\x00(10\.[0-9]{2}) 20[0-9]{2}-[0-9]{2}-[0-9]{2}\x00"],
        "pcre:pcre2",
    ),
    signature(
        "libpng",
        &["libpng16.so*", "libpng.so*"],
        &[r"libpng version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "libpng:libpng",
    ),
    signature(
        "libjpeg-turbo",
        &["libjpeg.so*", "libturbojpeg.so*"],
        &[r"libjpeg-turbo version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "libjpeg-turbo:libjpeg-turbo",
    ),
    signature(
        "libtiff",
        &["libtiff.so*"],
        &[r"LIBTIFF, Version ([0-9]+\.[0-9]+\.[0-9]+)"],
        "libtiff:libtiff",
    ),
    signature(
        "nghttp2",
        &["libnghttp2.so*"],
        &[r"[^0-9.A-Za-z](1\.[0-9]{1,2}\.[0-9]{1,2})\x00"],
        "nghttp2:nghttp2",
    )
    .needs("nghttp2_"),
    signature(
        "libuv",
        &["libuv.so*"],
        &[r"[^0-9.A-Za-z](1\.[0-9]{1,2}\.[0-9]{1,2})\x00"],
        "libuv_project:libuv",
    )
    .needs("uv_"),
    signature(
        "libevent",
        &["libevent-*.so*", "libevent_core-*.so*"],
        &[r"\x00(2\.[0-9]\.[0-9]{1,2})-(?:stable|beta|alpha)"],
        "libevent_project:libevent",
    ),
];
