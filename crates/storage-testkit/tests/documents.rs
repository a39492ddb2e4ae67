//! The README and the guide show the very lines that `ten_lines.rs` and
//! `layer_lines.rs` run.

use storage_testkit::{linearizability::LinearizabilityConfig, model::ModelConfig};

#[test]
fn the_documents_show_the_lines_that_are_tested() {
    let (_, lines) = include_str!("ten_lines.rs").split_once("\n\n").unwrap();
    let shown = format!("```rust\n{lines}```");
    let readme = include_str!("../README.md");
    let guide = include_str!("../../../docs/guides/certify-your-engine.md");
    assert!(readme.contains(&shown), "the README shows other lines");
    assert!(guide.contains(&shown), "the guide shows other lines");
}

#[test]
fn the_guide_shows_the_lines_for_layers_that_are_tested() {
    let (_, lines) = include_str!("layer_lines.rs").split_once("\n\n").unwrap();
    let guide = include_str!("../../../docs/guides/certify-your-engine.md");
    let shown = format!("```rust\n{lines}```");
    assert!(guide.contains(&shown), "the guide shows other lines");
}

#[test]
fn the_guide_shows_the_suite_of_an_engine_on_disk() {
    let suite = include_str!("../../backends/storage-fjall/tests/on_disk.rs");
    let (_, lines) = suite.split_once("\n\n").unwrap();
    let guide = include_str!("../../../docs/guides/certify-your-engine.md");
    assert!(
        guide.contains(&format!("```rust,ignore\n{lines}```")),
        "the guide shows other lines"
    );
}

#[test]
fn the_guide_shows_the_proof_program_of_an_engine() {
    let program = include_str!("../../backends/storage-fjall/tests/proof/main.rs");
    let (_, lines) = program.split_once("\n\n").unwrap();
    let guide = include_str!("../../../docs/guides/prove-your-engine.md");
    assert!(
        guide.contains(&format!("```rust,ignore\n{lines}```")),
        "the guide shows other lines"
    );
}

#[test]
fn the_documents_name_the_variables_and_their_defaults() {
    let config = ModelConfig::default();
    let readme = include_str!("../README.md");
    for row in [
        format!(
            "| `STORAGE_TEST_SEED` | the seed of the first history; `random` draws one | `{}` |",
            config.seed
        ),
        format!(
            "| `STORAGE_MODEL_HISTORIES` | how many histories each store goes through | `{}`, or `{}` if it syncs |",
            ModelConfig::HISTORIES,
            ModelConfig::HISTORIES_SYNCED
        ),
        format!(
            "| `STORAGE_LINEARIZABILITY_HISTORIES` | how many concurrent histories each store goes through | `{}` |",
            LinearizabilityConfig::HISTORIES
        ),
    ] {
        assert!(readme.contains(&row), "the README has no row {row}");
    }
}
