//! Erlang's and Elixir's applications that are there: `…/ebin/NAME.app`.

use sealift_lockfile::erlang_app;
use sealift_model::{Confidence, PackageKind};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::listed::{installed, notes};

/// Compiled applications.
pub(crate) const APPLICATION: Cataloger = Cataloger {
    name: "erlang-application",
    what: "Erlang's and Elixir's applications that are compiled",
    evidence: &[Pattern::InAny("ebin", ".app")],
    companions: &[],
    read,
};

// The applications of Erlang/OTP itself, and of Elixir; none of them is on Hex.
const OWN: [&str; 70] = [
    "appmon",
    "asn1",
    "common_test",
    "compiler",
    "cosEvent",
    "cosEventDomain",
    "cosFileTransfer",
    "cosNotification",
    "cosProperty",
    "cosTime",
    "cosTransactions",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "docbuilder",
    "edoc",
    "eldap",
    "elixir",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "eex",
    "ex_unit",
    "ftp",
    "gs",
    "hipe",
    "ic",
    "iex",
    "inets",
    "inviso",
    "jinterface",
    "kernel",
    "logger",
    "megaco",
    "mix",
    "mnesia",
    "observer",
    "odbc",
    "orber",
    "os_mon",
    "ose",
    "otp_mibs",
    "parsetools",
    "percept",
    "pman",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "test_server",
    "tftp",
    "toolbar",
    "tools",
    "tv",
    "typer",
    "webtool",
    "wx",
    "xmerl",
    "cosmos",
    "et_demo",
    "test_app",
    "mnemosyne",
];

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let listing = erlang_app(bytes);
    let mut found = notes(&listing.complaints, context);
    let path = context.path();
    for entry in &listing.entries {
        let kind =
            if OWN.contains(&entry.name.as_str()) { PackageKind::Otp } else { PackageKind::Hex };
        // `…/lib/NAME-VERSION/ebin/NAME.app`: applications of one release need each other.
        let release = path.rsplitn(4, '/').nth(3).unwrap_or_default();
        let mut draft = installed(entry, kind, release, context);
        if kind == PackageKind::Hex {
            // It may be the program's own application, which is on no registry.
            draft.package.evidence[0].confidence = Confidence::Medium;
        }
        found.drafts.push(draft);
    }
    found
}
