//! The raw engines, used as an application without `storage` would.

mod files;
mod fjall;
mod map;
#[cfg(feature = "rocks")]
mod rocks;
mod sled;
mod sqlite;

#[cfg(feature = "rocks")]
pub(crate) use self::rocks::RawRocks;
pub(crate) use self::{
    files::RawFiles, fjall::RawFjall, map::RawMap, sled::RawSled, sqlite::RawSqlite,
};
