//! Matches one SBOM a thousand times against a database, as a registry does with all that it keeps when new advisories
//! come. `bench/scan` runs it.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use sealift_database::Database;
use sealift_model::Artifact;
use sealift_sbom::read::Limits;
use sealift_scan::{Options, essence, scan};

const TIMES: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("name the folder of a database")?;
    let begin = Instant::now();
    let database = Database::open(&folder)?;
    println!("database opened in {:.3} ms, limit 2 ms", begin.elapsed().as_secs_f64() * 1000.0);
    let document = std::fs::read(arguments.next().ok_or("name an SBOM")?)?;
    let inventory = sealift_sbom::read::read(&document, &Limits::default())?.inventory;
    let bytes = postcard::to_stdvec(&essence(inventory.clone()))?;
    let options = Options { without_texts: true, ..Options::default() };
    let begin = Instant::now();
    let mut findings = 0;
    for _ in 0..TIMES {
        let inventory = postcard::from_bytes(&bytes)?;
        let report = scan(&inventory, &database, &options, Artifact::default(), 0)?;
        findings += report.findings.len();
    }
    println!(
        "{TIMES} inventories of {} packages matched again in {:.3} s, {findings} findings",
        inventory.packages.len(),
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}
