//! The view by stages.

use sealift_dockerfile::stages;

use crate::dump::parsed;

#[test]
fn stages_have_numbers_and_names() {
    let parse = parsed(
        "ARG V=1\nFROM a:$V AS Build\nRUN x\nRUN y\nFROM a b c d\nFROM build AS build\nUSER z\n",
    );
    let view = stages(&parse.file);
    assert_eq!(view.global.len(), 1);
    let found: Vec<_> = view
        .stages
        .iter()
        .map(|stage| {
            (stage.index, stage.name.as_deref(), stage.from.is_some(), stage.instructions.len())
        })
        .collect();
    assert_eq!(
        found,
        [(0, Some("build"), true, 2), (1, None, false, 0), (2, Some("build"), true, 1)]
    );
    assert_eq!(view.find("BUILD", 3), Some(2));
    assert_eq!(view.find("build", 2), Some(0));
    assert_eq!((view.find("1", 2), view.find("2", 2), view.find("x", 3)), (Some(1), None, None));
}

#[test]
fn file_without_stages() {
    let parse = parsed("ARG A\n");
    let view = stages(&parse.file);
    assert_eq!((view.global.len(), view.stages.len()), (1, 0));
}
