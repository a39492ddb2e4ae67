//! All layers together over PostgreSQL.

use storage_testkit::conformance;

use crate::{layers::ALL, pg::over_pg};

conformance!(over_pg(ALL));
