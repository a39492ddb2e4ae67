//! What Redis stores in a cluster promise while masters are killed, cut off from
//! their replicas and failed over at random, and slots move.

mod site;

use std::process::ExitCode;

use storage_testkit::chaos::Program;

use self::site::ClusterSite;

fn main() -> ExitCode {
    Program::new("redis-cluster", ClusterSite::start).run()
}
