//! How long the distribution's release is looked after.

use sealift_database::{Damaged, Database};
use sealift_model::{Ecosystem, Inventory, PackageKind, ReleaseLife, known_life};

use crate::ecosystem::distribution;

const KINDS: [PackageKind; 4] =
    [PackageKind::Deb, PackageKind::Apk, PackageKind::Rpm, PackageKind::Alpm];

/// What the database says of it, else what is known without.
pub(crate) fn life(
    inventory: &Inventory,
    database: &Database,
    now_secs: i64,
) -> Result<Option<ReleaseLife>, Damaged> {
    let distro = inventory.distro.as_ref();
    let Some(mut ecosystem) = KINDS.into_iter().find_map(|kind| distribution(kind, distro).ok())
    else {
        return Ok(None);
    };
    // Its advisories were Red Hat's, its ends were its own.
    if distro.is_some_and(|distro| distro.id == "centos") {
        "CentOS".clone_into(&mut ecosystem.name);
    }
    let Some(life) = database.life(&ecosystem)?.or_else(|| known_life(&ecosystem)) else {
        return Ok(None);
    };
    let today = jiff::Timestamp::from_second(now_secs).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let is_over = today.strftime("%F").to_string() > life.ends;
    Ok(Some(ReleaseLife {
        release: name(&ecosystem),
        ends: life.ends,
        extended_ends: life.extended_ends,
        is_over,
    }))
}

// `Ubuntu 22.04 LTS`, `Alpine 3.19`
fn name(ecosystem: &Ecosystem) -> String {
    let release = ecosystem.release.as_deref().unwrap_or_default();
    let number = release.strip_prefix('v').unwrap_or(release).replace(':', " ");
    let name = match ecosystem.name.as_str() {
        "Red Hat" => "Red Hat Enterprise Linux",
        name => name,
    };
    format!("{name} {number}").trim_end().to_owned()
}
