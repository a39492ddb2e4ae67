//! What the engine promises when its process dies or the power goes.

fn main() {}
