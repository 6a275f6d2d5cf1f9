//! Advisories for the labs, fetched as users fetch them: from a server in the layout of the OSV bucket.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use sealift_testkit::{FileServer, TestContext, shared_data};
use serde_json::Value;

/// Serves the OSV documents of a folder, by ecosystem, and makes the context's database of them.
pub(crate) fn update_from_documents(context: &TestContext, folder: &Path) {
    let mut ecosystems: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let bytes = fs::read(path).unwrap();
        let record: Value = serde_json::from_slice(&bytes).unwrap();
        let name = record["affected"][0]["package"]["ecosystem"].as_str().unwrap();
        let name = name.split(':').next().unwrap();
        let id = record["id"].as_str().unwrap().to_owned();
        ecosystems.entry(name.to_owned()).or_default().push((id, bytes));
    }
    let server = FileServer::start();
    let names: Vec<&str> = ecosystems.keys().map(String::as_str).collect();
    server.put("/ecosystems.txt", names.join("\n") + "\n");
    for (name, records) in &ecosystems {
        let changes: Vec<String> =
            records.iter().map(|(id, _)| format!("2026-01-01T00:00:00Z,{id}\n")).collect();
        server.put(&format!("/{name}/modified_id.csv"), changes.concat());
        server.put(&format!("/{name}/all.zip"), zip(records));
    }
    context.expect(0, &["db", "update", "--source", &server.url()]);
}

/// Serves the copy of the public advisories, of these ecosystems, and makes the context's database of them; false if
/// there is no such copy.
pub(crate) fn update_from_public(context: &TestContext, ecosystems: &[&str]) -> bool {
    let Some(public) = shared_data("advisories/osv") else { return false };
    let server = FileServer::start();
    server.put("/ecosystems.txt", ecosystems.join("\n") + "\n");
    for name in ecosystems {
        for file in ["modified_id.csv", "all.zip"] {
            let bytes = fs::read(public.join(name).join(file)).unwrap();
            server.put(&format!("/{name}/{file}"), bytes);
        }
    }
    context.expect(0, &["db", "update", "--source", &server.url()]);
    true
}

fn zip(records: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (id, bytes) in records {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(format!("{id}.json"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
