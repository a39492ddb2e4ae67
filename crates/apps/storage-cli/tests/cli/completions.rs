//! Completion scripts.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::support::{command, run};

fn script(shell: &str) -> String {
    let mut completions = command();
    completions.args(["completions", shell]);
    let run = run(completions, b"");
    assert_eq!(run.code, 0, "{}", run.errors);
    String::from_utf8(run.output).unwrap()
}

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(shell);
        for command in ["put", "import", "copy", "check", "doctor", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(!script.contains("demo-import"), "{shell}");
        assert!(script.contains("version"), "{shell}: --version");
    }
}

#[test]
fn bash_can_read_its_script() {
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let script = script("bash");
    bash.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn an_unknown_shell_is_answered_with_the_known_ones() {
    let mut completions = command();
    completions.args(["completions", "tcsh"]);
    run(completions, b"").failed(2, &["tcsh", "bash", "zsh", "fish", "elvish", "powershell"]);
}
