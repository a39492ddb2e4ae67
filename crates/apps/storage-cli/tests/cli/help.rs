//! What the command says of itself.

use crate::support::{command, run};

fn help(arguments: &[&str]) -> String {
    let mut help = command();
    help.args(arguments);
    let run = run(help, b"");
    assert_eq!(run.code, 0, "{}", run.errors);
    String::from_utf8(run.output).unwrap()
}

#[test]
fn the_help_of_a_command_is_the_long_one_and_its_line_in_the_list_the_short_one() {
    assert!(help(&["help", "import"]).contains("empty director"));
    assert!(help(&["help", "export"]).contains("gives the same store again"));
    assert!(help(&["help", "demo"]).contains("crate sources"));
    let list = help(&["--help"]);
    assert!(list.contains("Write a directory tree or JSON Lines into the store"));
    assert!(!list.contains("empty director"), "{list}");
}

#[test]
fn without_a_command_those_for_people_are_listed() {
    let mut bare = command();
    let mut with_store = command();
    with_store.args(["--store", "memory:"]);
    let mut with_variable = command();
    with_variable.env("STORAGE_URL", "memory:");
    bare.arg("--json");
    for command in [command(), bare, with_store, with_variable] {
        let run = run(command, b"");
        assert_eq!(run.code, 2);
        assert!(run.errors.contains("import"), "{}", run.errors);
        assert!(!run.errors.contains("demo-import"), "{}", run.errors);
    }
}
