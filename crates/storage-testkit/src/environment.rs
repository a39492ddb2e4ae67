//! Numbers that the environment sets.

use std::env;

/// The number that `variable` is set to, if it is set.
///
/// # Panics
/// If it is set to anything else: a run of other histories than those asked for
/// would pass for what it is not.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = text(variable)?;
    match text.trim().parse() {
        Ok(number) => Some(number),
        Err(error) => refuse(variable, &text, &format!("a number ({error})")),
    }
}

/// The number that `variable` is set to, if it is set; `random` draws one.
///
/// # Panics
/// If it is set to anything else.
pub(crate) fn number_or_random(
    variable: &str,
    random: impl FnOnce() -> Option<u64>,
) -> Option<u64> {
    match text(variable)?.trim() {
        "random" => random(),
        text => match text.parse() {
            Ok(number) => Some(number),
            Err(error) => refuse(variable, text, &format!("a number or `random` ({error})")),
        },
    }
}

/// What is not text is shown as far as it is.
fn text(variable: &str) -> Option<String> {
    let text = env::var_os(variable)?;
    Some(text.to_string_lossy().into_owned())
}

#[expect(
    clippy::panic,
    reason = "a test that cannot be set up says so by failing"
)]
fn refuse(variable: &str, text: &str, expected: &str) -> ! {
    panic!("{variable} is `{text}`, which is not {expected}; set it to one, or unset it");
}
