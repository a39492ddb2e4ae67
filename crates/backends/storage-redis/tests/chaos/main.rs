//! What Redis stores promise while their server is killed, paused and cut off at
//! random, and forgets its scripts.

mod site;

use std::process::ExitCode;

use storage_testkit::chaos::Program;

use self::site::RedisSite;

fn main() -> ExitCode {
    Program::new("redis", RedisSite::start).run()
}
