//! What a store says of itself: description, statistics, health, and the
//! results of checks and maintenance.

mod description;
mod health;
mod maintenance;
mod stats;

pub use self::{
    description::{Description, RuntimeNeed},
    health::{CheckReport, Damage, Health, HealthIssue},
    maintenance::{Maintenance, MaintenanceReport},
    stats::{Statistic, Stats, Unit},
};
