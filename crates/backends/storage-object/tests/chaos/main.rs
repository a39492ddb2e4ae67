//! What stores on an S3 promise while it is paused, cut off, slow and overloaded
//! at random.

mod site;

use std::process::ExitCode;

use storage_testkit::chaos::Program;

use self::site::ObjectSite;

fn main() -> ExitCode {
    Program::new("object", ObjectSite::start).run()
}
