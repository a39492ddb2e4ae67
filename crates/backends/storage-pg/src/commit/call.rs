//! The call that sends a group to the server: of the function for a lone change,
//! or of the one for everything else.

use futures_util::TryStreamExt;
use std::io;
use uuid::Uuid;

use super::{
    Answer,
    program::{Lone, Program},
};
use crate::{
    error::{Failure, FailureKind},
    sqlx::{self, Executor, PgConnection, Row, SqlSafeStr, postgres::PgRow},
};

/// Takes one put or delete, with at most one guard, as plain values: arrays and
/// steps would take a fifth of its time.
const COMMIT_ONE: &str =
    "SELECT commit_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

const COMMIT_GROUP: &str = "SELECT first, refused, guards FROM commit_group(\
$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
$22, $23, $24)";

/// All but the program that the functions are told.
pub(super) struct Call {
    pub(super) session: Uuid,
    pub(super) number: i64,
    pub(super) moment: i64,
    pub(super) above: i64,
    pub(super) is_volatile: bool,
}

impl Call {
    /// Has the server read both statements, so that a call of either is one
    /// message: what goes wrong before it is sent is no doubt about a commit.
    pub(super) async fn prepare(connection: &mut PgConnection) -> sqlx::Result<()> {
        for statement in [COMMIT_ONE, COMMIT_GROUP] {
            connection.prepare(statement.into_sql_str()).await?;
        }
        Ok(())
    }

    pub(super) async fn send(
        &self,
        program: &Program<'_>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Answer> {
        match program.lone() {
            Some(lone) => self.send_one(&lone, connection).await,
            None => self.send_group(program, connection).await,
        }
    }

    async fn send_one(
        &self,
        lone: &Lone<'_>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Answer> {
        let guard = lone.guard.as_ref();
        let query = sqlx::query(COMMIT_ONE)
            .bind(self.session)
            .bind(self.number)
            .bind(self.moment)
            .bind(self.above)
            .bind(self.is_volatile)
            .bind(lone.space)
            .bind(lone.key)
            .bind(lone.value)
            .bind(lone.expires)
            .bind(guard.map(|guard| guard.kind))
            .bind(guard.map(|guard| guard.space))
            .bind(guard.map(|guard| guard.key))
            .bind(guard.map(|guard| guard.version));
        let row = only_row(query.fetch(connection)).await?;
        row.try_get(0)
            .map(Answer::of_one)
            .map_err(|error| done(&error))
    }

    async fn send_group(
        &self,
        program: &Program<'_>,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Answer> {
        let Program {
            members,
            steps,
            puts,
            guards,
            ranges,
        } = program;
        let query = sqlx::query(COMMIT_GROUP)
            .bind(self.session)
            .bind(self.number)
            .bind(members)
            .bind(self.moment)
            .bind(self.above)
            .bind(self.is_volatile)
            .bind(&steps.kinds)
            .bind(&steps.members)
            .bind(&steps.firsts)
            .bind(&steps.lasts)
            .bind(&puts.members)
            .bind(&puts.spaces)
            .bind(&puts.keys)
            .bind(&puts.suffixes)
            .bind(&puts.values)
            .bind(&puts.expiries)
            .bind(&guards.kinds)
            .bind(&guards.spaces)
            .bind(&guards.keys)
            .bind(&guards.versions)
            .bind(&ranges.start_spaces)
            .bind(&ranges.starts)
            .bind(&ranges.end_spaces)
            .bind(&ranges.ends);
        let row = only_row(query.fetch(connection)).await?;
        Answer::of(&row, 0).map_err(|error| done(&error))
    }
}

/// The row of a function that commits. The server commits behind it, so what
/// goes wrong then comes after it.
async fn only_row(
    mut rows: impl TryStreamExt<Ok = PgRow, Error = sqlx::Error> + Unpin,
) -> sqlx::Result<PgRow> {
    let row = rows.try_next().await?;
    let row = row.ok_or_else(|| done(&sqlx::Error::RowNotFound))?;
    while rows.try_next().await.map_err(after_the_row)?.is_some() {}
    Ok(row)
}

/// A session that is ended before its row certainly did nothing; one that is
/// ended behind it may have committed.
fn after_the_row(error: sqlx::Error) -> sqlx::Error {
    match Failure::kind_of(&error) {
        FailureKind::Ended => done(&error),
        _ => error,
    }
}

/// What goes wrong once the commit may have been done: to be looked up.
fn done(error: &sqlx::Error) -> sqlx::Error {
    sqlx::Error::Io(io::Error::other(error.to_string()))
}
