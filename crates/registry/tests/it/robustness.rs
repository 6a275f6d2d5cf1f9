//! docs/registry-robustness.md is true.

#[test]
fn the_table_in_docs_is_true() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/registry-robustness.md");
    let mut n_rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, test, _] = cells[..] else { panic!("{row}") };
        let (name, path) = test.trim_matches('`').split_once("` in `").unwrap();
        let is_there = read(path).contains(&format!("fn {name}("));
        assert!(is_there, "there is no test `{name}` in `{path}`");
        n_rows += 1;
    }
    assert!(n_rows >= 30, "{n_rows}");
}
