//! `sealift registry cert`

use std::process::ExitCode;

use jiff::Timestamp;
use sealift_access::make_certificates;

use crate::printer::Printer;
use sealift_arguments::RegistryCert;

pub(super) fn run(arguments: &RegistryCert, printer: &Printer) -> anyhow::Result<ExitCode> {
    let names: Vec<String> =
        arguments.hosts.iter().map(|host| without_port(host).to_owned()).collect();
    let made = make_certificates(&arguments.folder, &names, Timestamp::now())?;
    let authority = made.authority.display();
    let (certificate, key) = (made.certificate.display(), made.key.display());
    printer.data(&format!("{authority}\n{certificate}\n{key}\n"))?;
    let of = if made.is_known { "the authority that was there" } else { "a new authority" };
    let end = made.expires.strftime("%Y-%m-%d");
    printer
        .message(&format!("made a certificate for {} by {of}; it ends at {end}", names.join(", ")));
    printer.message(&format!(
        "for the server: http.tls.certificate: {certificate}, http.tls.key: {key}"
    ));
    for host in &arguments.hosts {
        printer.message(&format!(
            "for docker:     install -D -m 644 {authority} /etc/docker/certs.d/{host}/ca.crt"
        ));
        printer.message(&format!(
            "for podman:     install -D -m 644 {authority} /etc/containers/certs.d/{host}/ca.crt"
        ));
    }
    printer.message(&format!(
        "keep {} elsewhere: who has it can pretend to be any registry to your clients",
        made.authority_key.display()
    ));
    Ok(ExitCode::SUCCESS)
}

// A port is for the paths, and in no certificate. `[::1]:5000`, `::1`, `a:5000`, `a`.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        Some((name, port))
            if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn ports() {
        for (host, expected) in [
            ("a", "a"),
            ("a:5000", "a"),
            ("[::1]:5000", "::1"),
            ("::1", "::1"),
            ("192.0.2.1:80", "192.0.2.1"),
        ] {
            assert_eq!(without_port(host), expected);
        }
    }
}
