//! What an S3 is ordered to answer.

use std::fmt::Write;

use super::S3Server;
use crate::servers::ServerResult;

/// What the server makes of conditions of writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum S3Conditions {
    /// It judges them and writes, with nobody in between.
    #[default]
    Honoured,
    /// It judges them, and writes a little later whatever has happened since.
    Racy,
    /// It does not look at them.
    Ignored,
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Fault {
    /// The method of the requests that are answered so; `*` is any.
    pub method: &'static str,
    /// The status of the answer. One of 429 says that the client is to wait for two
    /// seconds.
    pub status: u16,
    /// The code of the answer, such as `SlowDown`; `garbage` is no answer of an
    /// object store at all.
    pub code: &'static str,
    /// Whether the request is done.
    pub when: S3When,
    /// How many requests are answered so.
    pub times: u32,
}

/// When a request is answered that is not to be answered well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum S3When {
    /// Before it is done, which it is not then.
    Before,
    /// After it is done.
    After,
}

/// What a server was ordered.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) conditions: S3Conditions,
    /// How many faults were ordered: each has a number.
    count: u32,
    fault: Option<(u32, S3Fault)>,
}

impl S3Server {
    /// Lets the server make of conditions what `conditions` says.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn treat_conditions(&self, conditions: S3Conditions) -> ServerResult {
        let mut orders = self.orders();
        orders.conditions = conditions;
        self.write_orders(&orders)
    }

    /// Lets the server answer the next requests as `fault` says, and forget what
    /// was ordered before.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn order(&self, fault: S3Fault) -> ServerResult {
        let mut orders = self.orders();
        orders.count += 1;
        orders.fault = Some((orders.count, fault));
        self.write_orders(&orders)
    }

    /// Lets the server answer as it does on good days.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn recover(&self) -> ServerResult {
        let mut orders = self.orders();
        orders.fault = None;
        self.write_orders(&orders)
    }
}

impl Orders {
    /// As `s3.py` reads them.
    pub(super) fn as_text(&self) -> String {
        let conditions = match self.conditions {
            S3Conditions::Honoured => "honoured",
            S3Conditions::Racy => "racy",
            S3Conditions::Ignored => "ignored",
        };
        let mut text = format!("conditions {conditions}\n");
        if let Some((number, fault)) = &self.fault {
            let S3Fault {
                method,
                status,
                code,
                when,
                times,
            } = fault;
            let when = match when {
                S3When::Before => "before",
                S3When::After => "after",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "fault {number} {method} {status} {code} {when} {times}"
            );
        }
        text
    }
}
