//! What PostgreSQL stores promise while their servers are killed, paused, cut off
//! and failed over at random.

mod site;

use std::process::ExitCode;

use storage_testkit::chaos::Program;

use self::site::PgSite;

fn main() -> ExitCode {
    Program::new("pg", PgSite::start).run()
}
