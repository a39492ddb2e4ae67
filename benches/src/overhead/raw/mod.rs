//! The raw engines, used as an application without `storage` would.

mod files;
mod fjall;
mod map;
mod one_at_a_time;
#[cfg(feature = "rocks")]
mod rocks;
mod sled;
mod sqlite;

#[cfg(feature = "rocks")]
pub(crate) use self::rocks::RawRocks;
pub(crate) use self::{
    files::RawFiles, fjall::RawFjall, map::RawMap, one_at_a_time::OneAtATime, sled::RawSled,
    sqlite::RawSqlite,
};
