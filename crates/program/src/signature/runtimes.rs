//! Languages: interpreters, virtual machines, compilers, and their libraries.

use super::{Signature, signature};

pub(super) const SIGNATURES: &[Signature] = &[
    signature(
        "python",
        &["python", "python2*", "python3*", "libpython2*.so*", "libpython3*.so*"],
        &[
            r"\x00([23]\.[0-9]{1,2}\.[0-9]{1,2}(?:(?:a|b|rc)[0-9]{1,2})?\+?)\x00%\.80s",
            r"\x00([23]\.[0-9]{1,2}\.[0-9]{1,2}(?:(?:a|b|rc)[0-9]{1,2})?\+?)\x00",
        ],
        "python:python",
    )
    .needs("PYTHONPATH")
    .versioned_name(),
    signature(
        "pypy",
        &["pypy*", "libpypy*.so*"],
        &[r"\[PyPy ([0-9]+\.[0-9]+\.[0-9]+)"],
        "pypy:pypy",
    ),
    signature(
        "node",
        &["node", "nodejs", "libnode.so*"],
        &[
            r"/download/release/v([0-9]+\.[0-9]+\.[0-9]+)/node-v",
            r"node\.js/v([0-9]+\.[0-9]+\.[0-9]+)",
        ],
        "nodejs:node.js",
    ),
    signature(
        "deno",
        &["deno"],
        &[r"([0-9]\.[0-9]{1,2}\.[0-9]{1,2})\+[0-9a-f]{7,}Deno/"],
        "deno:deno",
    ),
    signature(
        "bun",
        &["bun", "bunx", "bun-profile"],
        &[r"Bun/([0-9]+\.[0-9]+\.[0-9]+)", r"bun/([0-9]+\.[0-9]+\.[0-9]+)"],
        "oven:bun",
    ),
    signature(
        "go",
        &["go"],
        &[r"\xff Go buildinf:.{18}.go(1\.[0-9]{1,2}(?:\.[0-9]{1,2})?(?:(?:rc|beta)[0-9]{1,2})?)"],
        "golang:go",
    )
    .needs("cmd/go/internal/"),
    // The file `release` of a Java runtime tells more.
    signature(
        "openjdk",
        &["libjvm.so"],
        &[r"OpenJDK [^(\x00]{0,40}VM \(([0-9][0-9A-Za-z.+_-]*)\)"],
        "oracle:openjdk",
    )
    .unless("../../release"),
    signature(
        "perl",
        &["perl", "perl5*", "libperl.so*"],
        &[
            r"/(5\.[0-9]{1,2}\.[0-9]{1,2})(?:/[0-9a-z_-]+)?/?\x00",
            r"\x00v(5\.[0-9]{1,2}\.[0-9]{1,2})\x00",
        ],
        "perl:perl",
    )
    .needs("PERL5LIB"),
    signature(
        "ruby",
        &["ruby", "ruby[23]*", "ruby2*", "ruby3*", "ruby4*", "libruby*.so*"],
        &[r"\x00ruby ([0-9]+\.[0-9]+\.[0-9]+(?:(?:preview|rc)[0-9]+)?)(?:p-?[0-9]+|dev)? \("],
        "ruby-lang:ruby",
    ),
    signature(
        "php",
        &["php", "php[0-9]*", "php5*", "php7*", "php8*", "php-fpm*", "php-cgi*", "libphp*.so"],
        &[r"X-Powered-By: PHP/([0-9]+\.[0-9]+\.[0-9]+(?:(?:alpha|beta|RC)[0-9]+)?)"],
        "php:php",
    ),
    signature(
        "erlang",
        &["beam.smp", "beam"],
        &[r"\x00((?:1[7-9]|2[0-9]|3[0-9])\.[0-9]{1,2}(?:\.[0-9]{1,2}){0,2})\x00"],
        "erlang:erlang/otp",
    )
    .needs("Erlang/OTP"),
    signature(
        "lua",
        &["lua", "lua5*", "luac", "luac5*", "liblua*.so*"],
        &[r"\$Lua(?:Version)?: Lua (5\.[0-9]\.[0-9]{1,2}) "],
        "lua:lua",
    ),
    signature(
        "luajit",
        &["luajit*", "libluajit*.so*"],
        &[r"LuaJIT (2\.[0-9]\.[0-9]{1,10}(?:-(?:beta|rc)[0-9]+)?)"],
        "luajit:luajit",
    ),
    signature(
        "julia",
        &["libjulia-internal.so*", "libjulia.so*"],
        &[r"\x00(1\.[0-9]{1,2}\.[0-9]{1,2}(?:-(?:alpha|beta|rc)[0-9]+)?)\x00"],
        "julialang:julia",
    )
    .needs("julia"),
    signature(
        "rust",
        &["libstd-????????????????.so", "librustc_driver-????????????????.so"],
        &[
            r"rustc version ([0-9]+\.[0-9]+\.[0-9]+)",
            r"/rustc-([0-9]+\.[0-9]+\.[0-9]+)(?:-src)?/(?:library|compiler)/",
        ],
        "rust-lang:rust",
    ),
    signature(
        "dart",
        &["dart", "dartaotruntime"],
        &[
            r"\x00([23]\.[0-9]{1,2}\.[0-9]{1,2}(?:-[0-9.]+\.(?:dev|beta))?) \((?:stable|beta|dev)\) ",
        ],
        "dart:dart_software_development_kit",
    ),
    signature(
        "swi-prolog",
        &["libswipl.so*", "swipl"],
        &[r"swi-prolog[/-]([0-9]+\.[0-9]+\.[0-9]+)", r"SWI-Prolog ([0-9]+\.[0-9]+\.[0-9]+)"],
        "",
    ),
    signature(
        "ghc",
        &["libHSghc-?.*-ghc*.so"],
        &[r"name:^libHSghc-([0-9]+\.[0-9]+\.[0-9]+)-ghc"],
        "",
    ),
    signature(
        "zig",
        &["zig"],
        &[r"\x00zig ([0-9]+\.[0-9]+\.[0-9]+(?:-dev\.[0-9]+)?)[^\x00]{0,20}\x00"],
        "",
    ),
    signature(
        "opam",
        &["opam"],
        &[r"\x00{2}(2\.[0-9]\.[0-9]{1,2}(?:~(?:alpha|beta|rc)[0-9]+)?)\x00{1,8}[\x00-\x07]"],
        "",
    )
    .needs("opam-version"),
    signature(
        "gcc",
        &[
            "cc1",
            "cc1plus",
            "gcc",
            "g++",
            "gcc-[0-9]*",
            "*-gcc-[0-9]*",
            "*-linux-gnu-gcc*",
            "*-linux-gnu-cpp*",
            "*-linux-gnu-g++*",
            "lto1",
        ],
        &[r"\x00([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2})\x00\([^)\x00]{1,80}\) \x00"],
        "gnu:gcc",
    ),
];
