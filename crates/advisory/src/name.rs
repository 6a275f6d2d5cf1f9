//! Package names in the normal form of their ecosystem.

/// The normal form of a package name: PEP 503 for `PyPI`, lower case where case says nothing, an address without its
/// scheme for Swift, unchanged elsewhere.
pub fn normalize(ecosystem_name: &str, name: &str) -> String {
    match ecosystem_name {
        "PyPI" => {}
        "Packagist" | "NuGet" | "Pub" => return name.to_lowercase(),
        "SwiftURL" => {
            let address = name.split_once("://").map_or(name, |(_, address)| address);
            return address.strip_suffix(".git").unwrap_or(address).to_lowercase();
        }
        _ => return name.to_owned(),
    }
    let mut normal = String::with_capacity(name.len());
    let mut is_separated = false;
    for character in name.trim().chars() {
        if matches!(character, '-' | '_' | '.') {
            is_separated = true;
            continue;
        }
        if std::mem::take(&mut is_separated) {
            normal.push('-');
        }
        normal.push(character.to_ascii_lowercase());
    }
    if is_separated {
        normal.push('-');
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pep503() {
        for (name, expected) in [
            ("Flask", "flask"),
            ("PyYAML", "pyyaml"),
            ("ruamel.yaml_-.clib", "ruamel-yaml-clib"),
            ("a__b", "a-b"),
            ("_a_", "-a-"),
            ("", ""),
        ] {
            assert_eq!(normalize("PyPI", name), expected);
        }
        assert_eq!(normalize("Debian", "python3.11_X"), "python3.11_X");
        assert_eq!(normalize("NuGet", "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(normalize("SwiftURL", "https://GitHub.com/a/B.git"), "github.com/a/b");
        assert_eq!(
            normalize("Go", "github.com/RobotsAndPencils/go-saml"),
            "github.com/RobotsAndPencils/go-saml"
        );
    }
}
