//! A stack in the wrong order does not compile, and the compiler says why.

#[test]
fn a_stack_in_the_wrong_order_does_not_compile() {
    // Only `compile_fail`, so that this takes `cargo check` and no build.
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
