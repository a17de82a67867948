//! What the compiler catches, a folder for each kind of mistake: programs that
//! must fail with exactly the message beside them, and programs next to them
//! that must compile and run.

#[test]
fn mistakes_have_their_message_and_their_neighbours_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/fail/*.rs");
    cases.pass("ui/*/pass/*.rs");
}
